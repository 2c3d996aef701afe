//! API keys: who may issue which, and what they are worth.
use chrono::TimeDelta;
use keepgate_identity::{BcryptHash, ListApiKeys, Lookup, ReadMe, RevokeApiKey};
use keepgate_kernel::{Action, KeyId, Level, PrincipalId, PrincipalKind, RequestId};
use keepgate_policy::{
    ErrorKind::{self, Refused},
    OpContext, Scopes,
};

use super::house::{House, cases, entered, now};
use crate::operations::{ApiKeyIssued, DeleteUser, Expiry, ImportApiKey, IssueApiKey, KEY_LIFE, ListUsers, UpdateUser};

async fn new(house: &House, level: Level) -> IssueApiKey {
    let key = house.format.mint(KeyId::new(now())).unwrap();
    let phc = house.hasher.hash(key.secret()).await.unwrap();
    IssueApiKey {
        service: PrincipalId::new(PrincipalKind::Service, now()),
        name: "robot".into(),
        level,
        unit: None,
        scopes: None,
        expiry: Expiry::Standard,
        allowed_cidrs: None,
        key,
        phc,
    }
}

async fn issue(house: &House, by: Level, command: &IssueApiKey) -> Result<ApiKeyIssued, ErrorKind> {
    house.perform(&house.caller(by), command).await
}

async fn bearer(house: &House, issued: &ApiKeyIssued) -> OpContext {
    let who = house
        .authenticator
        .authenticate(issued.key.expose(), None, RequestId::new(now()), now())
        .await
        .unwrap();
    entered(who.principal, who.credential)
}

async fn every_pair_of_levels_obeys_the_grant_rule(house: &House) {
    for own in Level::ALL {
        for level in Level::ALL {
            let result = issue(house, own, &new(house, level).await).await;
            let lawful = matches!(own, Level::TenantAdmin | Level::TenantOwner) && level < own;
            assert_eq!(result.is_ok(), lawful, "{own} issues {level}: {:?}", result.err());
        }
    }
}

async fn a_key_acts_as_its_service_and_manages_nobody(house: &House) {
    let issued = issue(house, Level::TenantOwner, &new(house, Level::TenantAdmin).await)
        .await
        .unwrap();
    let robot = bearer(house, &issued).await;
    let me = house.perform(&robot, &ReadMe).await.unwrap();
    assert_eq!(
        (me.principal.kind(), me.level),
        (PrincipalKind::Service, Level::TenantAdmin)
    );
    assert_eq!(me.display_name.as_deref(), Some("robot"));
    let another = new(house, Level::FieldAgent).await;
    assert_eq!(
        house.perform(&robot, &another).await.unwrap_err(),
        Refused("not-for-api-keys")
    );
    let list = ListUsers { after: None, limit: 10 };
    assert_eq!(
        house.perform(&robot, &list).await.unwrap_err(),
        Refused("not-for-api-keys")
    );
}

async fn scopes_narrow_a_key(house: &House) {
    let command = IssueApiKey {
        scopes: Some(vec![Action::MessageAccept]),
        ..new(house, Level::Operator).await
    };
    let issued = issue(house, Level::TenantAdmin, &command).await.unwrap();
    let robot = bearer(house, &issued).await;
    assert_eq!(robot.principal().scopes, Scopes::Only(vec![Action::MessageAccept]));
    assert_eq!(
        house.perform(&robot, &ReadMe).await.unwrap_err(),
        Refused("scope-missing")
    );
}

async fn what_can_t_be_issued_is_refused_with_its_reason(house: &House) {
    let base = new(house, Level::Operator).await;
    for (command, slug) in [
        (
            IssueApiKey {
                name: String::new(),
                ..base.clone()
            },
            "invalid-name",
        ),
        (
            IssueApiKey {
                expiry: Expiry::At(now() - TimeDelta::minutes(1)),
                ..base.clone()
            },
            "expiry-in-the-past",
        ),
        (
            IssueApiKey {
                level: Level::TenantAdmin,
                ..base.clone()
            },
            "grant-not-below-own",
        ),
        (
            IssueApiKey {
                level: Level::GlobalAdmin,
                ..base.clone()
            },
            "grant-not-below-own",
        ),
    ] {
        assert_eq!(
            issue(house, Level::TenantAdmin, &command).await.unwrap_err(),
            Refused(slug)
        );
    }
    let keys = house
        .perform(
            &house.caller(Level::TenantAdmin),
            &ListApiKeys { after: None, limit: 10 },
        )
        .await
        .unwrap();
    assert_eq!(keys.len(), 1, "only the bootstrap key: a refusal leaves nothing");
}

async fn a_revoked_key_is_refused_at_the_next_operation_though_it_was_just_verified(house: &House) {
    let issued = issue(house, Level::TenantAdmin, &new(house, Level::Operator).await)
        .await
        .unwrap();
    let robot = bearer(house, &issued).await;
    house.perform(&robot, &ReadMe).await.unwrap();
    house
        .perform(&house.caller(Level::TenantAdmin), &RevokeApiKey { id: issued.id })
        .await
        .unwrap();
    assert_eq!(house.perform(&robot, &ReadMe).await.unwrap_err(), ErrorKind::Revoked);
    let again = house
        .authenticator
        .authenticate(issued.key.expose(), None, RequestId::new(now()), now())
        .await;
    assert!(again.is_err(), "nor is it believed");
}

async fn keys_end_when_their_owner_is_disabled_or_deleted(house: &House) {
    let (owner, admin) = (house.caller(Level::TenantOwner), house.caller(Level::TenantAdmin));
    let id = admin.principal().id;
    let first = issue(house, Level::TenantAdmin, &new(house, Level::Operator).await)
        .await
        .unwrap();
    let robot = bearer(house, &first).await;
    let active = |active| UpdateUser {
        id,
        level: None,
        unit: None,
        hat: None,
        active: Some(active),
    };
    house.perform(&owner, &active(false)).await.unwrap();
    assert!(!house.enters(&robot).await);
    house.perform(&owner, &active(true)).await.unwrap();
    assert!(!house.enters(&robot).await, "for good");
    house.perform(&owner, &DeleteUser { id }).await.unwrap();
    let keys = house
        .perform(&owner, &ListApiKeys { after: None, limit: 10 })
        .await
        .unwrap();
    assert!(keys.iter().all(|key| key.owner != id || key.revoked_at.is_some()));
}

async fn a_key_ends_after_ninety_days_unless_something_else_is_said(house: &House) {
    let soon = now() + TimeDelta::days(10);
    let far = now() + TimeDelta::days(400);
    for (by, expiry, wanted) in [
        (Level::TenantAdmin, Expiry::Standard, Ok(Some(now() + KEY_LIFE))),
        (Level::TenantAdmin, Expiry::At(soon), Ok(Some(soon))),
        (Level::TenantAdmin, Expiry::At(far), Err(Refused("expiry-too-far"))),
        (Level::TenantAdmin, Expiry::Never, Err(Refused("expiry-too-far"))),
        (Level::TenantOwner, Expiry::Standard, Ok(Some(now() + KEY_LIFE))),
        (Level::TenantOwner, Expiry::At(far), Ok(Some(far))),
        (Level::TenantOwner, Expiry::Never, Ok(None)),
    ] {
        let command = IssueApiKey {
            expiry,
            ..new(house, Level::Operator).await
        };
        let issued = issue(house, by, &command).await.map(|issued| issued.expires_at);
        match (&issued, &wanted) {
            (Ok(Some(end)), Ok(Some(wanted))) => {
                assert!((*end - *wanted).abs() < TimeDelta::minutes(1), "{by} {expiry:?}")
            }
            _ => assert_eq!(issued, wanted, "{by} {expiry:?}"),
        }
    }
}

async fn an_imported_key_is_issued_whole_or_not_at_all(house: &House) {
    let import = async |lookup: &str| ImportApiKey {
        issue: new(house, Level::Operator).await,
        lookup: Lookup::parse(lookup).unwrap(),
        bcrypt: BcryptHash::parse("$2b$04$abcdefghijklmnopqrstuuW0f9s9w7Dq1n9E4Ff5nE1FqAqV2oKxW").unwrap(),
    };
    let owner = house.caller(Level::TenantOwner);
    let issued = house.perform(&owner, &import("acme_ab12").await).await.unwrap();
    assert!(
        house.perform(&bearer(house, &issued).await, &ReadMe).await.is_ok(),
        "its own key works at once"
    );
    let again = import("acme_ab12cd").await;
    let taken = house.perform(&owner, &again).await.unwrap_err();
    assert_eq!(taken, Refused("lookup-taken"));
    let keys = house
        .perform(&owner, &ListApiKeys { after: None, limit: 10 })
        .await
        .unwrap();
    assert!(
        keys.iter().all(|key| key.id != again.issue.key.id()),
        "a refusal leaves nothing"
    );
    let robot = bearer(house, &issued).await;
    let another = import("other_ab12").await;
    assert_eq!(
        house.perform(&robot, &another).await.unwrap_err(),
        Refused("level-too-low")
    );
}

cases!(
    a_key_ends_after_ninety_days_unless_something_else_is_said,
    an_imported_key_is_issued_whole_or_not_at_all,
    every_pair_of_levels_obeys_the_grant_rule,
    a_key_acts_as_its_service_and_manages_nobody,
    scopes_narrow_a_key,
    what_can_t_be_issued_is_refused_with_its_reason,
    a_revoked_key_is_refused_at_the_next_operation_though_it_was_just_verified,
    keys_end_when_their_owner_is_disabled_or_deleted,
);
