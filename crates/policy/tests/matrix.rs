//! The whole policy as a golden file: every action × every level, API keys and workers.
use keepgate_kernel::{Action, Hat, KeyId, Level, PrincipalId, PrincipalKind, SessionId, TenantId, Uuid};
use keepgate_policy::{Credential, Principal, Scopes, Standing, decide, rule};

fn principal(standing: Standing) -> Principal {
    let tenant = TenantId::from_uuid(Uuid::nil());
    let id = PrincipalId::from_parts(PrincipalKind::User, Uuid::nil());
    Principal {
        id,
        tenant,
        standing,
        unit: None,
        scopes: Scopes::All,
        hat: None,
    }
}

fn mark(may: bool) -> char {
    if may { 'x' } else { '.' }
}

fn row(action: Action) -> String {
    let session = Credential::Session(SessionId::from_uuid(Uuid::nil()));
    let key = Credential::ApiKey(KeyId::from_uuid(Uuid::nil()));
    let by_level = |credential| {
        Level::ALL.map(|level| mark(decide(&principal(Standing::Level(level)), credential, action).is_ok()))
    };
    let system = mark(decide(&principal(Standing::System), Credential::System, action).is_ok());
    let people: String = by_level(session).iter().collect();
    let keys: String = by_level(key).iter().collect();
    let rule = rule(action);
    let hats: String = Hat::ALL.map(|hat| mark(rule.hats.contains(hat))).iter().collect();
    format!(
        "{:<22} {people}  {keys}  {system}      {hats}  {}        {}    {}",
        action.as_str(),
        mark(rule.step_up),
        mark(rule.two_person),
        rule.reach.as_str()
    )
}

#[test]
fn the_matrix_is_the_golden_file() {
    let mut now = String::from(
        "action                 people   API keys worker hats step-up  two  reach\n                       1234567  1234567         abp\n",
    );
    for action in Action::ALL {
        now.push_str(row(*action).trim_end());
        now.push('\n');
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/matrix.txt");
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        golden, now,
        "the policy differs from tests/matrix.txt: if that is meant, write this text there:\n{now}"
    );
}

#[test]
fn scopes_only_narrow() {
    let key = Credential::ApiKey(KeyId::from_uuid(Uuid::nil()));
    for action in Action::ALL {
        for level in Level::ALL {
            let wide = principal(Standing::Level(level));
            let narrow = |scopes| Principal { scopes, ..wide.clone() };
            let held = decide(&wide, key, *action).is_ok();
            assert_eq!(
                decide(&narrow(Scopes::Only(vec![*action])), key, *action).is_ok(),
                held,
                "{action} {level}"
            );
            assert!(
                decide(&narrow(Scopes::Only(vec![])), key, *action).is_err(),
                "no scope permits nothing: {action}"
            );
        }
    }
}

#[test]
fn a_key_manages_neither_people_nor_keys_nor_tenants() {
    for action in Action::ALL {
        let kind = action.as_str().split('.').next();
        if matches!(
            kind,
            Some(
                "user"
                    | "apikey"
                    | "tenant"
                    | "audit"
                    | "session"
                    | "service"
                    | "mfa"
                    | "password"
                    | "approval"
                    | "sso"
                    | "scim"
            )
        ) {
            assert!(!rule(*action).keys, "{action}");
        }
    }
}

#[test]
fn platform_levels_touch_no_message() {
    for action in Action::ALL {
        if matches!(
            action.as_str().split('.').next(),
            Some("message" | "stream" | "recipient" | "route" | "webhook")
        ) {
            assert!(
                Level::ALL
                    .iter()
                    .filter(|l| l.is_platform())
                    .all(|l| !rule(*action).levels.contains(*l)),
                "{action}"
            );
        }
    }
}
