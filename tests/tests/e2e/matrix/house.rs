//! The world of the matrix: a customer with two units, another customer, the platform, and a caller of each level.
use std::collections::BTreeMap;

use keepgate_tests::{Options, Person, Server, email};
use serde_json::json;

use super::thing::Thing;

/// Where a thing is, seen from the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Own,
    OtherUnit,
    OtherTenant,
}

/// Where a thing is, whoever looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Home {
    FirstUnit,
    SecondUnit,
    OtherTenant,
    Platform,
}

/// A caller; `level` 0 is nobody.
#[derive(Debug, Clone)]
pub struct Caller {
    pub level: u8,
    pub person: Person,
}

impl Caller {
    pub const fn is_platform(&self) -> bool {
        self.level >= 6
    }

    pub fn bearer(&self) -> Option<&str> {
        (self.level > 0).then_some(self.person.token.as_str())
    }

    /// Where things of `place` are for this caller; `None` where the platform has no such place.
    pub const fn home(&self, place: Place) -> Option<Home> {
        match (place, self.is_platform()) {
            (Place::Own, false) => Some(Home::FirstUnit),
            (Place::Own, true) => Some(Home::Platform),
            (Place::OtherUnit, false) => Some(Home::SecondUnit),
            (Place::OtherUnit, true) => None,
            (Place::OtherTenant, false) => Some(Home::OtherTenant),
            (Place::OtherTenant, true) => Some(Home::FirstUnit),
        }
    }
}

pub struct House {
    pub server: Server,
    /// Who makes things: the owner of each customer, the platform's admin.
    owner: String,
    stranger: String,
    pub admin: String,
    /// The units of the first customer.
    units: [String; 2],
    /// Somebody of level 1 in each unit, and at the other customer.
    agents: BTreeMap<Home, Person>,
    pub callers: Vec<Caller>,
    /// Everything that was made: what, where, its id.
    pub made: Vec<(Thing, Home, String)>,
    /// Things for those who may not touch them.
    pub untouched: BTreeMap<(Thing, Home), String>,
}

impl House {
    pub async fn build() -> Self {
        let options = Options::config(
            "public_url = \"https://gate.example.org\"\n[limits]\nrequests_per_minute = 10000000\nanonymous_per_minute = 10000000\n",
        );
        let server = Server::with(options).await;
        let (owner, admin) = (server.owner().await, server.admin().await);
        let (_, stranger) = server.second_tenant(&admin).await;
        let units = units(&server, &owner).await;
        let mut agents = BTreeMap::new();
        agents.insert(Home::FirstUnit, someone(&server, &owner, 1, Some(&units[0])).await);
        agents.insert(Home::SecondUnit, someone(&server, &owner, 1, Some(&units[1])).await);
        agents.insert(Home::OtherTenant, someone(&server, &stranger, 1, None).await);
        // What is sealed first makes the tenant's data key.
        for agent in agents.values() {
            let hello = json!({"to": [{"channel": "internet", "address": agent.id}], "payload": "aGk="});
            server.accept(&agent.token, hello).await;
        }
        let nobody = Person {
            id: String::new(),
            email: String::new(),
            token: String::new(),
        };
        let mut callers = vec![Caller {
            level: 0,
            person: nobody,
        }];
        for level in 1..=4 {
            let unit = (level <= 3).then_some(units[0].as_str());
            callers.push(Caller {
                level,
                person: someone(&server, &owner, level, unit).await,
            });
        }
        let own = |id: String, token: &str| Person {
            id,
            email: String::new(),
            token: token.to_owned(),
        };
        callers.push(Caller {
            level: 5,
            person: own(server.me(&owner).await, &owner),
        });
        callers.push(Caller {
            level: 6,
            person: someone(&server, &admin, 6, None).await,
        });
        callers.push(Caller {
            level: 7,
            person: own(server.me(&admin).await, &admin),
        });
        Self {
            server,
            owner,
            stranger,
            admin,
            units,
            agents,
            callers,
            made: Vec::new(),
            untouched: BTreeMap::new(),
        }
    }

    /// Whether the first customer has two units.
    pub fn has_two_units(&self) -> bool {
        self.units[0] != self.units[1]
    }

    /// Who makes things there.
    pub fn maker(&self, home: Home) -> &str {
        match home {
            Home::FirstUnit | Home::SecondUnit => &self.owner,
            Home::OtherTenant => &self.stranger,
            Home::Platform => &self.admin,
        }
    }

    /// The unit of things made there by the first customer's owner.
    pub fn unit(&self, home: Home) -> Option<&str> {
        match home {
            Home::FirstUnit => Some(&self.units[0]),
            Home::SecondUnit => Some(&self.units[1]),
            Home::OtherTenant | Home::Platform => None,
        }
    }

    /// Somebody of level 1 who lives there; on the platform, of level 6.
    pub async fn agent(&self, home: Home) -> Person {
        match self.agents.get(&home) {
            Some(agent) => agent.clone(),
            None => someone(&self.server, &self.admin, 6, None).await,
        }
    }

    /// Somebody new of the caller's level, in its place.
    pub async fn twin(&self, caller: &Caller) -> Person {
        let unit = (caller.level <= 3).then_some(self.units[0].as_str());
        match caller.level {
            1..=4 => someone(&self.server, &self.owner, caller.level, unit).await,
            5 => {
                let tenant = self.server.boot["tenant"].clone();
                let body = json!({"email": email(), "level": 5, "tenant": tenant});
                enrolled(&self.server, &self.admin, body).await
            }
            6 => someone(&self.server, &self.admin, 6, None).await,
            _ => caller.person.clone(),
        }
    }
}

/// A user who has enrolled.
async fn someone(server: &Server, by: &str, level: u8, unit: Option<&str>) -> Person {
    let mut body = json!({"email": email(), "level": level});
    if let Some(unit) = unit {
        body["unit"] = json!(unit);
    }
    enrolled(server, by, body).await
}

async fn enrolled(server: &Server, by: &str, body: serde_json::Value) -> Person {
    let address = body["email"].as_str().unwrap().to_owned();
    let made = server.post("/v1/users", by, body).await.expect(201).json();
    let token = server.enrol(made["enrolment"]["code"].as_str().unwrap()).await;
    Person {
        id: made["id"].as_str().unwrap().to_owned(),
        email: address,
        token,
    }
}

/// The unit that the tenant was born with, and a second one where units can be made.
async fn units(server: &Server, owner: &str) -> [String; 2] {
    let low = server
        .post("/v1/users", owner, json!({"email": email(), "level": 1}))
        .await
        .expect(201)
        .field("id");
    let first = server.get(&format!("/v1/users/{low}"), owner).await.field("unit");
    let second = server.post("/v1/units", owner, json!({"name": "second"})).await;
    let second = if second.status == 201 {
        second.field("id")
    } else {
        first.clone()
    };
    [first, second]
}
