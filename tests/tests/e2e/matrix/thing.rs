//! What operations are about, and how to make one.
use keepgate_tests::{PASSWORD, email};
use serde_json::{Value, json};

use super::house::{Caller, Home, House, Place};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// The operation names none.
    None,
    /// A user of level 1; on the platform, of level 6.
    User,
    /// The caller itself at levels 1 to 3 and 6, else as `User`.
    Principal,
    /// A session of the caller at levels 1 to 3 and 6, else of somebody lower.
    Session,
    Key,
    Tenant,
    Recipient,
    Route,
    /// A name that no route and no provider has yet.
    NewName,
    /// An identity provider.
    Provider,
    /// The token of a directory.
    ScimToken,
    /// A message of the caller at level 1, else of somebody of level 1.
    Message,
    Webhook,
    /// The caller's own unit at levels 1 to 3, else an empty one.
    Unit,
    /// An approval that nobody asked for: what two people do is tried in `two_people.rs`.
    Approval,
    /// A data key that there is not.
    DataKey,
    /// The first entry of the caller's own log.
    Index,
    /// The caller's own log, which names what its people tried in vain.
    Log,
    /// The first tile of the caller's own log.
    Tile,
}

impl Thing {
    /// Where there are such things.
    pub const fn places(self) -> &'static [Place] {
        match self {
            Self::None | Self::Tenant | Self::NewName | Self::Index | Self::Tile | Self::Log => &[Place::Own],
            Self::Approval | Self::DataKey => &[Place::Own],
            Self::Key | Self::Recipient | Self::Route | Self::Webhook | Self::Provider | Self::ScimToken => {
                &[Place::Own, Place::OtherTenant]
            }
            Self::User | Self::Principal | Self::Session | Self::Message | Self::Unit => {
                &[Place::Own, Place::OtherUnit, Place::OtherTenant]
            }
        }
    }

    /// Whether it belongs to a unit, so that levels 1 to 3 of another unit don't reach it.
    pub const fn has_unit(self) -> bool {
        matches!(
            self,
            Self::User | Self::Principal | Self::Session | Self::Message | Self::Unit
        )
    }

    /// A well-formed name of one that exists nowhere.
    pub fn nowhere(self) -> String {
        let prefix = match self {
            Self::User | Self::Principal => "usr",
            Self::Session => "ses",
            Self::Key => "key",
            Self::Tenant => "ten",
            Self::Recipient => "rcp",
            Self::Message => "msg",
            Self::Webhook => "whk",
            Self::Unit => "unt",
            Self::Approval => "apr",
            Self::DataKey => return "999999".to_owned(),
            Self::ScimToken => return "00000000-0000-0000-0000-000000000000".to_owned(),
            Self::None | Self::Route | Self::Provider | Self::NewName | Self::Index | Self::Tile | Self::Log => {
                return "nowhere".to_owned();
            }
        };
        format!("{prefix}_00000000000000000000000000")
    }

    /// Makes one for `caller` to try, at `home`; its id or name.
    pub async fn make(self, house: &mut House, caller: &Caller, home: Home) -> String {
        let made = match self {
            Self::None | Self::Log => String::new(),
            Self::Index => "0".to_owned(),
            Self::Tile => "0/000.p/1".to_owned(),
            Self::NewName => word(),
            Self::Approval | Self::DataKey => self.nowhere(),
            Self::Unit if matches!(caller.level, 1..=3) && is_own(caller, home) => {
                let seen = house
                    .server
                    .get("/v1/units", &caller.person.token)
                    .await
                    .expect(200)
                    .json();
                seen["items"][0]["id"].as_str().unwrap().to_owned()
            }
            Self::Unit => create(house, "/v1/units", house.maker(home), json!({"name": word()})).await,
            Self::User => self.user(house, home).await,
            Self::Principal if is_own(caller, home) => caller.person.id.clone(),
            Self::Principal => self.user(house, home).await,
            Self::Session if is_own(caller, home) => session(house, &caller.person.email).await,
            Self::Session => {
                let agent = house.agent(home).await;
                session(house, &agent.email).await
            }
            Self::Message => message(house, caller, home).await,
            Self::Tenant => create(house, "/v1/tenants", &house.admin, json!({"name": "t"})).await,
            Self::Key => {
                create(
                    house,
                    "/v1/api-keys",
                    house.maker(home),
                    json!({"name": "k", "level": 1}),
                )
                .await
            }
            Self::Recipient => {
                let body =
                    json!({"name": "r", "contacts": [{"channel": "internet", "address": house.agent(home).await.id}]});
                create(house, "/v1/recipients", house.maker(home), body).await
            }
            Self::Webhook => {
                let url = format!("https://{}.example/hook", email().replace('@', "."));
                let body = json!({"url": url, "events": ["message.failed"]});
                create(house, "/v1/webhooks", house.maker(home), body).await
            }
            Self::Provider => {
                let name = word();
                let path = format!("/v1/sso/providers/{name}");
                let made = house.server.put(&path, house.maker(home), provider()).await;
                assert!(matches!(made.status, 200 | 201), "{}", made.text());
                name
            }
            Self::ScimToken => {
                let name = word();
                let path = format!("/v1/sso/providers/{name}");
                house.server.put(&path, house.maker(home), provider()).await.expect(200);
                let body = json!({"name": "d", "provider": name});
                create(house, "/v1/scim/tokens", house.maker(home), body).await
            }
            Self::Route => {
                let name = word();
                house
                    .server
                    .route(house.maker(home), &name, &[("internet", 60, 1)], true, 600)
                    .await;
                name
            }
        };
        if !matches!(
            self,
            Self::None | Self::Log | Self::Index | Self::Tile | Self::NewName | Self::Approval | Self::DataKey
        ) {
            house.made.push((self, home, made.clone()));
        }
        made
    }

    async fn user(self, house: &House, home: Home) -> String {
        let level = if home == Home::Platform { 6 } else { 1 };
        let mut body = json!({"email": email(), "level": level});
        if let Some(unit) = house.unit(home) {
            body["unit"] = json!(unit);
        }
        create(house, "/v1/users", house.maker(home), body).await
    }
}

/// An identity provider that nobody asks.
pub fn provider() -> Value {
    json!({"issuer": format!("https://{}.example.org", word()), "client_id": "gw", "group_levels": {"staff": {"level": 2}}})
}

/// Levels without authority over others have their own things only.
fn is_own(caller: &Caller, home: Home) -> bool {
    matches!(caller.level, 1..=3 | 6) && caller.home(Place::Own) == Some(home)
}

async fn create(house: &House, path: &str, by: &str, body: Value) -> String {
    house.server.post(path, by, body).await.expect(201).field("id")
}

/// A name that nobody has used.
pub fn word() -> String {
    email().split('@').next().unwrap().to_owned()
}

async fn session(house: &House, address: &str) -> String {
    house
        .server
        .login(address, PASSWORD)
        .await
        .expect(200)
        .field("session_id")
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
