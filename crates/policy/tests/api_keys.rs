//! What no API key ever reaches, whatever its level and scopes.
use keepgate_kernel::{Action, KeyId, Level, PrincipalId, PrincipalKind, RequestId, TenantId, Timestamp};
use keepgate_policy::{Credential, Denied, OpContext, Principal, Scopes, Standing, decide, rule};

fn robot(level: Level, scopes: Scopes) -> Principal {
    let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap_or_default();
    Principal {
        id: PrincipalId::new(PrincipalKind::Service, at),
        tenant: TenantId::new(at),
        standing: Standing::Level(level),
        unit: None,
        scopes,
        hat: None,
    }
}

fn key() -> Credential {
    Credential::ApiKey(KeyId::new("2026-01-02T03:04:05Z".parse().unwrap_or_default()))
}

#[test]
fn nothing_that_demands_a_fresh_proof_or_two_people_is_within_reach_of_a_key() {
    for action in Action::ALL {
        let rule = rule(*action);
        assert!(!(rule.keys && (rule.step_up || rule.two_person)), "{action}");
    }
}

#[test]
fn no_key_manages_keys_people_sessions_tenants_approvals_or_the_log_at_any_level_with_any_scope() {
    let prefixes = [
        "apikey.",
        "user.create",
        "user.update",
        "user.delete",
        "service.",
        "session.",
        "tenant.",
        "approval.",
        "mfa.",
        "password.",
        "signing-key.",
        "revocation.",
        "sso.",
        "scim.",
        "key.",
        "audit.",
        "access.",
        "platform.",
    ];
    for action in Action::ALL
        .iter()
        .filter(|action| prefixes.iter().any(|prefix| action.as_str().starts_with(prefix)))
    {
        for level in Level::ALL {
            for scopes in [Scopes::All, Scopes::Only(vec![*action])] {
                let decided = decide(&robot(level, scopes), key(), *action);
                assert!(
                    matches!(decided, Err(Denied::ApiKey | Denied::Level)),
                    "{action} at {level}: {decided:?}"
                );
            }
        }
    }
}

#[test]
fn a_scope_never_adds_what_the_level_does_not_hold_and_no_scopes_are_nothing() {
    for action in Action::ALL {
        for level in Level::ALL {
            let whole = decide(&robot(level, Scopes::All), key(), *action).is_ok();
            let named = decide(&robot(level, Scopes::Only(vec![*action])), key(), *action).is_ok();
            assert_eq!(whole, named, "{action} at {level}");
            assert!(
                decide(&robot(level, Scopes::Only(Vec::new())), key(), *action).is_err(),
                "{action} at {level}"
            );
        }
    }
}

#[test]
fn what_a_key_may_do_its_owner_may_do_whose_level_is_above() {
    let customers = || Level::ALL.into_iter().filter(|level| !level.is_platform());
    for action in Action::ALL.iter().filter(|action| rule(**action).keys) {
        for level in customers() {
            for owner in customers().filter(|owner| *owner > level) {
                let may = |level| decide(&robot(level, Scopes::All), key(), *action).is_ok();
                assert!(!may(level) || may(owner), "{action}: {level} below {owner}");
            }
        }
    }
}

#[test]
fn a_key_has_no_freshness_to_show() {
    let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap_or_default();
    let context = OpContext::system(TenantId::new(at), RequestId::new(at), at);
    assert!(!context.is_fresh());
}
