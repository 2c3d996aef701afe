//! The questions, and the words the engines know them by.
use keepgate_kernel::{Action, KeyId, Level, PrincipalId, PrincipalKind, RequestId, SessionId, TenantId, Uuid};
use keepgate_policy::{Assurance, Credential, Factors, OpContext, Principal, Scopes, Standing, rule};

/// May this principal, with this credential, ask for this action?
#[derive(Debug)]
pub struct Question {
    pub principal: Principal,
    pub credential: Credential,
    pub action: Action,
    /// `person-4`, `key-2`: the subject's name in the engines' tables.
    pub subject: String,
}

fn principal(level: Level) -> Principal {
    Principal {
        id: PrincipalId::from_parts(PrincipalKind::User, Uuid::nil()),
        tenant: TenantId::from_uuid(Uuid::nil()),
        standing: Standing::Level(level),
        unit: None,
        scopes: Scopes::All,
        hat: None,
    }
}

const SESSION: Credential = Credential::Session(SessionId::from_uuid(Uuid::nil()));
const KEY: Credential = Credential::ApiKey(KeyId::from_uuid(Uuid::nil()));

/// Every action × level, for people and for API keys.
pub fn questions() -> Vec<Question> {
    let mut all = Vec::new();
    for action in Action::ALL {
        for level in Level::ALL {
            for (kind, credential) in [("person", SESSION), ("key", KEY)] {
                all.push(Question {
                    principal: principal(level),
                    credential,
                    action: *action,
                    subject: format!("{kind}-{}", level.number()),
                });
            }
        }
    }
    all
}

/// What the table permits: subject, action. The engines' policies are made of it.
pub fn permitted() -> Vec<(String, Action)> {
    let mut all = Vec::new();
    for action in Action::ALL {
        let rule = rule(*action);
        for level in Level::ALL.into_iter().filter(|level| rule.levels.contains(*level)) {
            all.push((format!("person-{}", level.number()), *action));
            if rule.keys {
                all.push((format!("key-{}", level.number()), *action));
            }
        }
    }
    all
}

/// A caller whose session has just been opened.
#[allow(
    clippy::disallowed_methods,
    reason = "the caller of a benchmark is authenticated by construction"
)]
pub fn context(level: Level) -> OpContext {
    let at = "2026-01-02T03:04:05Z".parse().unwrap_or_default();
    let assurance = Assurance {
        at,
        factors: Factors::Two,
    };
    OpContext::authenticated(
        principal(level),
        SESSION,
        Some(assurance),
        None,
        RequestId::from_uuid(Uuid::nil()),
        at,
    )
}
