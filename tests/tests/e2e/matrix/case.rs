//! One line of the table.
use serde_json::Value;

use super::thing::Thing;

/// Which test takes the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    People,
    Tenant,
    Messages,
}

/// What a body may depend on.
#[derive(Debug, Clone)]
pub struct Given {
    /// The caller's level; 0 for nobody.
    pub level: u8,
    /// The thing that the line is about.
    pub thing: String,
}

pub struct Case {
    pub part: Part,
    /// As in the document: `PATCH /v1/users/{user}`.
    pub name: &'static str,
    pub thing: Thing,
    /// The thing stands in the body, not in the path.
    pub in_body: bool,
    pub query: &'static str,
    pub body: Option<fn(&Given) -> Value>,
    /// The statuses that mean "done".
    pub done: &'static [u16],
    /// Being done ends the caller's session.
    pub spends_caller: bool,
    /// Refusals that come after the policy's: the caller got as far as the operation itself.
    pub reached: &'static [&'static str],
    /// To be done it takes more than one caller: `every_operation.rs` does it.
    pub done_elsewhere: bool,
}

pub fn case(part: Part, name: &'static str, thing: Thing) -> Case {
    Case {
        part,
        name,
        thing,
        in_body: false,
        query: "",
        body: None,
        done: &[200, 201, 202, 204],
        spends_caller: false,
        reached: &[],
        done_elsewhere: false,
    }
}

impl Case {
    pub const fn body(mut self, body: fn(&Given) -> Value) -> Self {
        self.body = Some(body);
        self
    }

    pub const fn in_body(mut self) -> Self {
        self.in_body = true;
        self
    }

    pub const fn query(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }

    /// For callers who are allowed, the request gets as far as `statuses`.
    pub const fn done(mut self, statuses: &'static [u16]) -> Self {
        self.done = statuses;
        self
    }

    pub const fn spends_caller(mut self) -> Self {
        self.spends_caller = true;
        self
    }

    /// For callers who are allowed, a refusal of one of these kinds will do as well.
    pub const fn reached(mut self, slugs: &'static [&'static str]) -> Self {
        self.reached = slugs;
        self
    }

    /// As [`Case::reached`], where nobody gets any further here.
    pub const fn done_elsewhere(mut self, slugs: &'static [&'static str]) -> Self {
        self.done_elsewhere = true;
        self.reached(slugs)
    }

    pub fn method(&self) -> &'static str {
        self.name.split_once(' ').unwrap().0
    }

    /// The path, with `thing` in it.
    pub fn path(&self, thing: &str) -> String {
        let template = self.name.split_once(' ').unwrap().1;
        let path = match (template.split_once('{'), template.split_once('}')) {
            (Some((before, _)), Some((_, after))) => format!("{before}{thing}{after}"),
            _ => template.to_owned(),
        };
        format!("{path}{}", self.query)
    }
}
