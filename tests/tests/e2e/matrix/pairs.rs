//! Authority over others, over HTTP: each of 49 pairs of levels, for giving, changing, disabling and taking away.
//!
//! The rule is said here once more, in numbers: levels 4, 5 and 7 have authority; only over lower levels; 1 to 5 are a
//! customer's, 6 and 7 the platform's.
use keepgate_tests::{Reply, email};
use serde_json::{Value, json};

use super::house::{Caller, Home, House};

const fn plane(level: u8) -> bool {
    level >= 6
}

/// Whether `own` has authority over somebody of level `other` in the same tenant, or may give that level there.
fn above(own: u8, other: u8) -> bool {
    matches!(own, 4 | 5 | 7) && other < own && plane(own) == plane(other)
}

/// What a refusal looks like, seen by `own`; `visible`: the other one lives in the same tenant.
fn refused(own: u8, visible: bool, reply: &Reply) -> bool {
    let kind = reply.json()["type"]
        .as_str()
        .unwrap_or_default()
        .replace("/problems/", "");
    match (reply.status, kind.as_str()) {
        (403, "level-too-low") => !matches!(own, 4 | 5 | 7),
        (
            403,
            "grant-not-below-own"
            | "other-plane"
            | "out-of-reach"
            | "not-oneself"
            | "second-person-required"
            | "approval-required",
        ) => visible && matches!(own, 4 | 5 | 7),
        (404, _) => !visible,
        _ => false,
    }
}

fn callers(house: &House) -> Vec<Caller> {
    let callers: Vec<Caller> = house
        .callers
        .iter()
        .filter(|caller| caller.level > 0)
        .cloned()
        .collect();
    assert_eq!(callers.len(), 7);
    callers
}

/// A user of `level`, where that level lives. There is one global admin: itself.
async fn target(house: &House, level: u8) -> String {
    let mut body = json!({"email": email(), "level": level});
    let by = match level {
        1..=4 => house.maker(Home::FirstUnit),
        5 => {
            body["tenant"] = house.server.boot["tenant"].clone();
            house.maker(Home::Platform)
        }
        6 => house.maker(Home::Platform),
        _ => return house.callers.last().unwrap().person.id.clone(),
    };
    if level <= 3 {
        body["unit"] = json!(house.unit(Home::FirstUnit).unwrap());
    }
    house.server.post("/v1/users", by, body).await.expect(201).field("id")
}

/// One verb on 49 pairs: `act` does it to somebody of the other level.
async fn pairs(house: &House, verb: &str, done: u16, act: impl AsyncFn(&Caller, &str, u8) -> Reply) {
    let (mut wrong, mut allowed) = (Vec::new(), 0);
    for caller in callers(house) {
        for other in 1..=7 {
            let target = target(house, other).await;
            let reply = act(&caller, &target, other).await;
            let right = if above(caller.level, other) {
                allowed += 1;
                reply.status == done
            } else {
                refused(caller.level, plane(caller.level) == plane(other), &reply)
            };
            if !right {
                wrong.push(format!(
                    "{} {verb} {other}: {} {}",
                    caller.level,
                    reply.status,
                    reply.text()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of 49:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(allowed, 3 + 4 + 1, "4 over three levels, 5 over four, 7 over one");
}

/// As [`pairs`] for levels that are given to somebody: the other tenant does not come into it.
async fn gifts(house: &House, verb: &str, holders: &[u8], done: u16, act: impl AsyncFn(&Caller, u8) -> Reply) {
    let mut wrong = Vec::new();
    for caller in callers(house) {
        for new in 1..=7 {
            let reply = act(&caller, new).await;
            let right = if holders.contains(&caller.level) && above(caller.level, new) {
                reply.status == done
            } else if holders.contains(&caller.level) {
                reply.status == 403 && refused(caller.level, true, &reply)
            } else {
                reply.status == 403 && reply.json()["type"] == "/problems/level-too-low"
            };
            if !right {
                wrong.push(format!(
                    "{} {verb} {new}: {} {}",
                    caller.level,
                    reply.status,
                    reply.text()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of 49:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_level_is_given_to_a_new_user_exactly_from_above() {
    let house = House::build().await;
    gifts(
        &house,
        "gives a new user",
        &[4, 5, 7],
        201,
        async |caller: &Caller, new: u8| {
            let body = json!({"email": email(), "level": new});
            house.server.post("/v1/users", &caller.person.token, body).await
        },
    )
    .await;
}

#[tokio::test]
async fn a_level_is_given_to_a_key_exactly_from_above() {
    let house = House::build().await;
    gifts(&house, "gives a key", &[4, 5], 201, async |caller: &Caller, new: u8| {
        house
            .server
            .post("/v1/api-keys", &caller.person.token, json!({"name": "k", "level": new}))
            .await
    })
    .await;
}

#[tokio::test]
async fn a_level_is_given_to_a_service_exactly_from_above() {
    let house = House::build().await;
    gifts(
        &house,
        "gives a service",
        &[4, 5],
        201,
        async |caller: &Caller, new: u8| {
            house
                .server
                .post("/v1/services", &caller.person.token, json!({"name": "s", "level": new}))
                .await
        },
    )
    .await;
}

#[tokio::test]
async fn a_level_is_changed_exactly_to_what_could_be_given() {
    let house = House::build().await;
    gifts(
        &house,
        "changes to",
        &[4, 5, 7],
        200,
        async |caller: &Caller, new: u8| {
            let low = target(&house, if plane(caller.level) { 6 } else { 1 }).await;
            house
                .server
                .patch(&format!("/v1/users/{low}"), &caller.person.token, json!({"level": new}))
                .await
        },
    )
    .await;
}

#[tokio::test]
async fn a_level_is_changed_exactly_from_above() {
    let house = House::build().await;
    pairs(
        &house,
        "changes",
        200,
        async |caller: &Caller, target: &str, other: u8| {
            let new = if plane(other) { 6 } else { 1 };
            house
                .server
                .patch(
                    &format!("/v1/users/{target}"),
                    &caller.person.token,
                    json!({"level": new}),
                )
                .await
        },
    )
    .await;
}

#[tokio::test]
async fn somebody_is_disabled_exactly_from_above() {
    let house = House::build().await;
    let disabled = json!({"status": "disabled"});
    pairs(&house, "disables", 200, async |caller: &Caller, target: &str, _: u8| {
        house
            .server
            .patch(&format!("/v1/users/{target}"), &caller.person.token, disabled.clone())
            .await
    })
    .await;
}

#[tokio::test]
async fn somebody_is_removed_exactly_from_above() {
    let house = House::build().await;
    pairs(&house, "removes", 204, async |caller: &Caller, target: &str, _: u8| {
        house
            .server
            .delete(&format!("/v1/users/{target}"), &caller.person.token)
            .await
    })
    .await;
    let left: Vec<Value> = house.server.all(house.maker(Home::FirstUnit), "/v1/users").await;
    assert!(!left.is_empty());
}

/// What somebody's sessions and keys answer to who may not end them; below level 4 others are not even seen.
fn kept(own: u8, other: u8, reply: &Reply) -> bool {
    let kind = reply.json()["type"].as_str().unwrap_or_default().to_owned();
    match (reply.status, kind.as_str()) {
        (403, "/problems/out-of-reach") => plane(own) == plane(other),
        (403, "/problems/level-too-low") => !matches!(own, 4 | 5),
        (404, _) => own < 4 || plane(own) != plane(other),
        _ => false,
    }
}

#[tokio::test]
async fn sessions_of_somebody_are_ended_exactly_from_above() {
    let house = House::build().await;
    let mut wrong = Vec::new();
    for caller in callers(&house) {
        for other in 1..=7 {
            let target = target(&house, other).await;
            let path = format!("/v1/principals/{target}/sessions");
            let reply = house.server.delete(&path, &caller.person.token).await;
            // There is one global admin: its own sessions it may end, and it comes last.
            let oneself = target == caller.person.id;
            let right = if oneself || above(caller.level, other) {
                reply.status == 204
            } else {
                kept(caller.level, other, &reply)
            };
            if !right {
                wrong.push(format!(
                    "{} ends {other}: {} {}",
                    caller.level,
                    reply.status,
                    reply.text()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of 49:\n{}", wrong.len(), wrong.join("\n"));
}

/// A key of `level`, which the owner of the tenant made.
async fn key(house: &House, level: u8) -> String {
    let owner = &callers(house)[4];
    assert_eq!(owner.level, 5);
    let body = json!({"name": "k", "level": level});
    house
        .server
        .post("/v1/api-keys", &owner.person.token, body)
        .await
        .expect(201)
        .field("id")
}

#[tokio::test]
async fn keys_are_renewed_exactly_from_above_and_ended_by_whoever_manages_them() {
    let house = House::build().await;
    let mut wrong = Vec::new();
    for caller in callers(&house) {
        // No key has a higher level: nobody may give it.
        for other in 1..=4 {
            let path = format!("/v1/api-keys/{}", key(&house, other).await);
            let renewed = house
                .server
                .post(
                    &format!("{path}/rotate"),
                    &caller.person.token,
                    json!({"overlap_seconds": 0}),
                )
                .await;
            let ended = house.server.delete(&path, &caller.person.token).await;
            let manages = matches!(caller.level, 4 | 5);
            let right = |allowed: bool, done: u16, reply: &Reply| {
                if allowed {
                    reply.status == done
                } else {
                    kept(caller.level, other, reply)
                }
            };
            for (verb, right, reply) in [
                (
                    "renews",
                    right(manages && other < caller.level, 200, &renewed),
                    &renewed,
                ),
                ("ends", right(manages, 204, &ended), &ended),
            ] {
                if !right {
                    wrong.push(format!(
                        "{} {verb} {other}: {} {}",
                        caller.level,
                        reply.status,
                        reply.text()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
