//! Making the things that operations are about.
use keepgate_tests::{PASSWORD, email};
use serde_json::{Value, json};

use super::{
    house::{Caller, Home, House, Place},
    thing::Thing,
};

/// Makes one for `caller` to try, at `home`; its id or name.
pub async fn make(thing: Thing, house: &mut House, caller: &Caller, home: Home) -> String {
    let made = match thing {
        Thing::None | Thing::Log => String::new(),
        Thing::Index => "0".to_owned(),
        Thing::Tile => "0/000.p/1".to_owned(),
        Thing::DataKey => "1".to_owned(),
        Thing::NewName => word(),
        Thing::Factor => match caller.bearer() {
            Some(bearer) => house
                .server
                .press("/v1/me/mfa/totp", bearer)
                .await
                .expect(201)
                .field("id"),
            None => thing.nowhere(),
        },
        Thing::Principal if is_own(caller, home) => caller.person.id.clone(),
        Thing::User | Thing::Principal => user(house, home).await,
        Thing::Session => session(house, caller, home).await,
        Thing::Unit if caller.level <= 3 && caller.level > 0 && home != Home::OtherTenant => {
            house.unit(home).unwrap_or_default().to_owned()
        }
        Thing::Unit => create(house, "/v1/units", house.maker(home), json!({"name": word()})).await,
        Thing::Device => device(house, caller, home).await,
        Thing::Message => message(house, caller, home).await,
        Thing::Route => {
            let name = word();
            house
                .server
                .route(house.maker(home), &name, &[("internet", 60, 1)], true, 600)
                .await;
            name
        }
        Thing::Provider => configured(house, home).await,
        Thing::Tenant => create(house, "/v1/tenants", &house.admin, json!({"name": "t"})).await,
        Thing::Key
        | Thing::Service
        | Thing::Approval
        | Thing::Hold
        | Thing::ScimToken
        | Thing::Recipient
        | Thing::Webhook
        | Thing::Sink => {
            let (path, body) = described(thing, house, home).await;
            create(house, path, house.maker(home), body).await
        }
    };
    if thing.is_made() {
        house.made.push((thing, home, made.clone()));
    }
    made
}

/// Where such a thing is created, and with what.
async fn described(thing: Thing, house: &House, home: Home) -> (&'static str, Value) {
    match thing {
        Thing::Key => ("/v1/api-keys", json!({"name": "k", "level": 1})),
        Thing::Service => ("/v1/services", json!({"name": "s", "level": 1})),
        Thing::ScimToken => {
            let provider = configured(house, home).await;
            ("/v1/scim/tokens", json!({"name": "d", "provider": provider}))
        }
        Thing::Approval if home == Home::Platform => ("/v1/approvals", approval(7)),
        Thing::Approval => ("/v1/approvals", approval(5)),
        Thing::Hold => ("/v1/holds", json!({"reason": "proceedings under way"})),
        Thing::Webhook => ("/v1/webhooks", webhook()),
        Thing::Sink => ("/v1/sinks", sink()),
        _ => {
            let address = house.agent(home).await.id;
            let body = json!({"name": "r", "contacts": [{"channel": "internet", "address": address}]});
            ("/v1/recipients", body)
        }
    }
}

async fn configured(house: &House, home: Home) -> String {
    let name = word();
    let path = format!("/v1/sso/providers/{name}");
    let made = house.server.put(&path, house.maker(home), provider()).await;
    assert!(matches!(made.status, 200 | 201), "{}", made.text());
    name
}

/// What somebody of the level asks two people's consent for.
pub fn approval(level: u8) -> Value {
    let reason = "the matrix asks for it";
    match level {
        7 => json!({"action": "role.grant_global", "target": email(), "reason": reason}),
        _ => json!({"action": "key.destroy", "target": "1", "reason": reason}),
    }
}

pub fn webhook() -> Value {
    json!({"url": format!("https://{}.example/hook", word()), "events": ["message.failed"]})
}

/// A receiver that is not there.
pub fn sink() -> Value {
    let target = json!({"kind": "https", "url": "https://siem.example/in", "auth": {"scheme": "bearer", "token": "t"}});
    json!({"name": word(), "target": target})
}

/// An identity provider that nobody asks.
pub fn provider() -> Value {
    let issuer = format!("https://{}.example.org", word());
    json!({"issuer": issuer, "client_id": "gw", "group_levels": {"staff": {"level": 2}}})
}

/// A name that nobody has used.
pub fn word() -> String {
    email().split('@').next().unwrap().to_owned()
}

/// Levels with authority over nobody have their own things only.
fn is_own(caller: &Caller, home: Home) -> bool {
    matches!(caller.level, 1..=3 | 6) && caller.home(Place::Own) == Some(home)
}

async fn create(house: &House, path: &str, by: &str, body: Value) -> String {
    house.server.post(path, by, body).await.expect(201).field("id")
}

async fn user(house: &House, home: Home) -> String {
    let level = if home == Home::Platform { 6 } else { 1 };
    let mut body = json!({"email": email(), "level": level});
    if let Some(unit) = house.unit(home) {
        body["unit"] = json!(unit);
    }
    create(house, "/v1/users", house.maker(home), body).await
}

/// A device; at level 1 one that the caller carries.
async fn device(house: &House, caller: &Caller, home: Home) -> String {
    let mut body = json!({"name": word()});
    if caller.level == 1 && caller.home(Place::Own) == Some(home) {
        body["owner"] = json!(caller.person.id);
    }
    if let Some(unit) = house.unit(home) {
        body["unit"] = json!(unit);
    }
    create(house, "/v1/devices", house.maker(home), body).await
}

async fn session(house: &House, caller: &Caller, home: Home) -> String {
    let token = if is_own(caller, home) {
        caller.person.token.clone()
    } else {
        let agent = house.agent(home).await;
        match home {
            Home::Platform => agent.token,
            _ => {
                return house
                    .server
                    .login(&agent.email, PASSWORD)
                    .await
                    .expect(200)
                    .field("session_id");
            }
        }
    };
    house.server.get("/v1/me", &token).await.expect(200).field("session_id")
}

/// From and to somebody of level 1 who lives there: the caller, if it is one.
async fn message(house: &House, caller: &Caller, home: Home) -> String {
    let who = if caller.level == 1 && caller.home(Place::Own) == Some(home) {
        caller.person.clone()
    } else {
        house.agent(home).await
    };
    let body = json!({"to": [{"channel": "internet", "address": who.id}], "payload": "aGk="});
    house.server.accept(&who.token, body).await
}
