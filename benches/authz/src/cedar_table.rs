//! The table as Cedar policies: one `permit` for each action, over the subjects that hold it.
use std::{collections::BTreeMap, fmt::Write as _, str::FromStr};

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};

use crate::table::{Question, permitted};

pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
}

fn uid(kind: &str, name: &str) -> EntityUid {
    EntityUid::from_str(&format!("{kind}::\"{name}\"")).expect("a plain name")
}

impl Cedar {
    pub fn new() -> Self {
        let mut holders: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (subject, action) in permitted() {
            holders
                .entry(action.as_str())
                .or_default()
                .push(format!("Subject::\"{subject}\""));
        }
        let mut text = String::new();
        for (action, subjects) in holders {
            let subjects = subjects.join(", ");
            writeln!(
                text,
                "permit(principal, action == Action::\"{action}\", resource) when {{ [{subjects}].contains(principal) }};"
            )
            .expect("a string takes everything");
        }
        Self {
            authorizer: Authorizer::new(),
            policies: PolicySet::from_str(&text).expect("policies made of the table"),
            entities: Entities::empty(),
        }
    }

    /// A question in Cedar's words; made beforehand, because making it is not deciding it.
    pub fn request(question: &Question) -> Request {
        Request::new(
            uid("Subject", &question.subject),
            uid("Action", question.action.as_str()),
            uid("Tenant", "own"),
            Context::empty(),
            None,
        )
        .expect("a request without a schema")
    }

    pub fn permits(&self, request: &Request) -> bool {
        let answer = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        answer.decision() == Decision::Allow
    }
}
