//! The whole policy against the golden file: every action × every level, people and API keys, workers and hats.
//!
//! `cargo xtask permissions` writes `matrix.txt`; its difference is what a reviewer reads.
#![cfg(test)]

mod support;

use keepgate_kernel::{Action, Hat, KeyId, Level, PrincipalId, PrincipalKind, SessionId, TenantId, Uuid};
use keepgate_policy::{Credential, Principal, Scopes, Standing, decide, rule};
use support::golden;

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

fn holders(credential: Credential, hat: Option<Hat>, action: Action) -> Vec<u8> {
    let may = |level: &Level| {
        let who = Principal {
            hat,
            ..principal(Standing::Level(*level))
        };
        decide(&who, credential, action).is_ok()
    };
    Level::ALL.into_iter().filter(may).map(Level::number).collect()
}

#[test]
fn every_decision_is_that_of_the_golden_file() {
    let session = Credential::Session(SessionId::from_uuid(Uuid::nil()));
    let key = Credential::ApiKey(KeyId::from_uuid(Uuid::nil()));
    let rows = golden::rows();
    assert_eq!(
        rows.len(),
        Action::ALL.len(),
        "an action has no line in tests/matrix.txt, or a line no action: run `cargo xtask permissions`"
    );
    for action in Action::ALL {
        let row = &rows[action.as_str()];
        assert_eq!(holders(session, None, *action), row.people, "people: {action}");
        assert_eq!(holders(key, None, *action), row.keys, "API keys: {action}");
        let worker = decide(&principal(Standing::System), Credential::System, *action).is_ok();
        assert_eq!(worker, row.worker, "workers: {action}");
        for (hat, left) in Hat::ALL.into_iter().zip(row.hats) {
            let wanted: &[u8] = if left { &row.people } else { &[] };
            assert_eq!(holders(session, Some(hat), *action), wanted, "{hat}: {action}");
        }
        let rule = rule(*action);
        assert_eq!(
            (rule.step_up, rule.two_person, rule.one_factor, rule.reach.as_str()),
            (row.step_up, row.two_person, row.one_factor, row.reach),
            "{action}"
        );
    }
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

#[test]
fn a_hat_leaves_reads_and_the_upkeep_of_oneself() {
    let reads = ["list", "read", "log", "export", "review"];
    for row in golden::rows().values().filter(|row| row.hats.contains(&true)) {
        let verb = row.action.split('.').nth(1).unwrap();
        assert!(reads.contains(&verb) || row.reach == "own", "{}", row.action);
    }
}

#[test]
fn what_takes_two_or_a_fresh_proof_is_no_key_s_and_no_worker_s() {
    for row in golden::rows().values().filter(|row| row.step_up || row.two_person) {
        assert!(row.keys.is_empty() && !row.worker, "{}", row.action);
        assert!(row.step_up, "two people, and none of them fresh: {}", row.action);
    }
}
