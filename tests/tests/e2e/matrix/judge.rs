//! One answer against what the golden matrix says.
use keepgate_tests::{Reply, golden::Row};
use serde_json::Value;

use super::{
    case::{Case, Given},
    house::{Caller, Home, House, Place},
    make::make,
    thing::Thing,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Unknown,
    LevelTooLow,
    NotFound,
    Done,
}

#[derive(Debug, Default)]
pub struct Tally {
    pub tried: usize,
    pub done: usize,
}

fn expected(row: &Row, level: u8, place: Place, thing: Thing) -> Expected {
    if level == 0 {
        Expected::Unknown
    } else if !row.people.contains(&level) {
        Expected::LevelTooLow
    } else if place == Place::OtherTenant || (place == Place::OtherUnit && level <= 3 && thing.has_unit()) {
        Expected::NotFound
    } else {
        Expected::Done
    }
}

/// Tries the case as everybody, in every place there is; what is wrong goes to `wrong`.
pub async fn everybody(house: &mut House, case: &Case, row: &Row, wrong: &mut Vec<String>) -> Tally {
    let mut tally = Tally::default();
    for caller in house.callers.clone() {
        for place in case.thing.places() {
            if caller.home(*place).is_none() || (*place == Place::OtherUnit && !house.has_two_units()) {
                continue;
            }
            let wanted = expected(row, caller.level, *place, case.thing);
            tally.tried += 1;
            match one(house, case, &caller, *place, wanted).await {
                Ok(done) => tally.done += usize::from(done),
                Err(why) => {
                    wrong.push(format!(
                        "{} by level {} in {place:?}: wanted {wanted:?}, {why}",
                        case.name, caller.level
                    ));
                }
            }
        }
    }
    tally
}

async fn one(house: &mut House, case: &Case, caller: &Caller, place: Place, wanted: Expected) -> Result<bool, String> {
    let mut caller = caller.clone();
    if case.spends_caller && wanted == Expected::Done {
        caller.person = house.twin(&caller).await;
    }
    let thing = thing(house, case, &caller, place, wanted).await;
    let reply = ask(house, case, &caller, &thing).await;
    let slug = slug(&reply);
    let told = format!(
        "got {} {slug}: {}",
        reply.status,
        reply.text().chars().take(300).collect::<String>()
    );
    match wanted {
        Expected::Unknown if reply.status == 401 => Ok(false),
        Expected::LevelTooLow if (reply.status, slug.as_str()) == (403, "level-too-low") => Ok(false),
        Expected::Done if case.done.contains(&reply.status) => {
            tells_nothing(house, case, &caller, &reply).map(|()| true)
        }
        Expected::Done if reply.status < 500 && case.reached.contains(&slug.as_str()) => Ok(false),
        Expected::NotFound if matches!((reply.status, case.in_body), (404, _) | (422, true)) => {
            let nowhere = ask(house, case, &caller, &case.thing.nowhere()).await;
            alike(&reply, &nowhere).map(|()| false)
        }
        _ => Err(told),
    }
}

/// What is tried: made for this call if it may be used up, the same one for all who may not.
async fn thing(house: &mut House, case: &Case, caller: &Caller, place: Place, wanted: Expected) -> String {
    let own = caller.home(place).unwrap_or(Home::FirstUnit);
    // What the platform has none of is tried on a customer's.
    let refused = wanted != Expected::Done;
    let home = if refused && !case.thing.is_of_the_platform() && own == Home::Platform {
        Home::FirstUnit
    } else {
        own
    };
    if !refused {
        return make(case.thing, house, caller, home).await;
    }
    if let Some(known) = house.untouched.get(&(case.thing, home)) {
        return known.clone();
    }
    let nobody = house.callers[0].clone();
    let made = make(case.thing, house, &nobody, home).await;
    house.untouched.insert((case.thing, home), made.clone());
    made
}

async fn ask(house: &House, case: &Case, caller: &Caller, thing: &str) -> Reply {
    let path = case.path(if case.in_body { "" } else { thing });
    let given = Given {
        level: caller.level,
        thing: thing.to_owned(),
    };
    let method = case.method().parse().unwrap();
    match case.body {
        None => {
            house
                .server
                .raw(method, &house.server.url(&path), caller.bearer(), &[], None)
                .await
        }
        Some(body) => {
            house
                .server
                .send(method, &path, caller.bearer(), &[], &body(&given))
                .await
        }
    }
}

fn slug(reply: &Reply) -> String {
    let kind = reply.json()["type"].as_str().map(str::to_owned).unwrap_or_default();
    kind.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Two answers that nobody can tell apart: everything but the request's id and the moment.
fn alike(there: &Reply, nowhere: &Reply) -> Result<(), String> {
    let body = |reply: &Reply| {
        let mut body = reply.json();
        body["request_id"] = Value::Null;
        body.to_string()
    };
    let headers = |reply: &Reply| {
        let passing = [
            "x-request-id",
            "date",
            "ratelimit",
            "ratelimit-policy",
            "content-length",
        ];
        let kept = reply
            .headers
            .iter()
            .filter(|(name, _)| !passing.contains(&name.as_str()));
        let mut kept: Vec<String> = kept.map(|(name, value)| format!("{name}: {value:?}")).collect();
        kept.sort_unstable();
        kept
    };
    if (there.status, body(there), headers(there)) == (nowhere.status, body(nowhere), headers(nowhere)) {
        Ok(())
    } else {
        Err(format!(
            "what exists elsewhere is told apart from what exists nowhere: {} / {}",
            there.text(),
            nowhere.text()
        ))
    }
}

/// Nothing that the caller can't reach stands in an answer about nothing in particular.
fn tells_nothing(house: &House, case: &Case, caller: &Caller, reply: &Reply) -> Result<(), String> {
    if case.thing != Thing::None {
        return Ok(());
    }
    let text = reply.text();
    let hidden = |(thing, home, id): &&(Thing, Home, String)| {
        let elsewhere =
            caller.home(Place::OtherTenant) == Some(*home) || (!caller.is_platform() && *home == Home::Platform);
        let beside = caller.level <= 3 && thing.has_unit() && caller.home(Place::OtherUnit) == Some(*home);
        (elsewhere || beside) && *thing != Thing::Tenant && text.contains(id.as_str())
    };
    match house.made.iter().find(hidden) {
        None => Ok(()),
        Some((thing, home, id)) => Err(format!("the answer tells of {thing:?} {id} in {home:?}")),
    }
}
