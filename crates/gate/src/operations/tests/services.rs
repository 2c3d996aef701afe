//! Services: below their makers, and gone with their keys.
use keepgate_identity::PrincipalStatus;
use keepgate_kernel::{KeyId, Level, PrincipalId, PrincipalKind, RequestId};
use keepgate_policy::{ErrorKind::Refused, OpContext};

use super::house::{House, cases, entered, now};
use crate::operations::{
    CreateService, DeleteService, Expiry, GetService, IssueServiceKey, ListServices, UpdateService,
};

fn new(name: &str, level: Level) -> CreateService {
    CreateService {
        id: PrincipalId::new(PrincipalKind::Service, now()),
        name: name.into(),
        level,
        unit: None,
    }
}

fn change(id: PrincipalId) -> UpdateService {
    UpdateService {
        id,
        name: None,
        level: None,
        unit: None,
        active: None,
    }
}

async fn key(house: &House, service: PrincipalId) -> IssueServiceKey {
    let key = house.format.mint(KeyId::new(now())).unwrap();
    let phc = house.hasher.hash(key.secret()).await.unwrap();
    IssueServiceKey {
        service,
        name: "k".into(),
        scopes: None,
        expiry: Expiry::Standard,
        allowed_cidrs: None,
        key,
        phc,
    }
}

/// Whoever bears the key, if it is believed.
async fn bearer(house: &House, command: &IssueServiceKey) -> Option<OpContext> {
    let found = house
        .authenticator
        .authenticate(command.key.expose(), None, RequestId::new(now()), now())
        .await;
    found.ok().map(|who| entered(who.principal, who.credential))
}

async fn a_service_is_made_strictly_below_its_maker(house: &House) {
    for own in Level::ALL {
        for level in Level::ALL {
            let made = house.perform(&house.caller(own), &new("s", level)).await;
            let lawful = matches!(own.number(), 4 | 5) && level < own;
            assert_eq!(made.is_ok(), lawful, "{own} makes {level}: {:?}", made.err());
        }
    }
}

async fn keys_act_as_the_service_and_never_above_their_owner(house: &House) {
    let (owner, admin) = (house.caller(Level::TenantOwner), house.caller(Level::TenantAdmin));
    let service = house.perform(&owner, &new("billing", Level::Operator)).await.unwrap();
    let (one, other) = (key(house, service.id).await, key(house, service.id).await);
    house.perform(&admin, &one).await.unwrap();
    house.perform(&owner, &other).await.unwrap();
    for command in [&one, &other] {
        let who = bearer(house, command).await.unwrap();
        assert_eq!(
            (who.principal().id, who.principal().level()),
            (service.id, Some(Level::Operator))
        );
    }
    // Raised by the owner, the admin's key stays below the admin.
    let raise = UpdateService {
        level: Some(Level::TenantAdmin),
        ..change(service.id)
    };
    assert_eq!(
        house.perform(&admin, &raise).await.unwrap_err(),
        Refused("grant-not-below-own")
    );
    house.perform(&owner, &raise).await.unwrap();
    house.authenticator.forget_keys_of(service.id);
    let low = bearer(house, &one).await.unwrap();
    assert_eq!(low.principal().level(), Some(Level::Supervisor));
    let high = bearer(house, &other).await.unwrap();
    assert_eq!(high.principal().level(), Some(Level::TenantAdmin));
    // And the admin reaches that service no longer.
    let again = key(house, service.id).await;
    assert_eq!(
        house.perform(&admin, &again).await.unwrap_err(),
        Refused("out-of-reach")
    );
    assert_eq!(
        house
            .perform(&admin, &DeleteService { id: service.id })
            .await
            .unwrap_err(),
        Refused("out-of-reach")
    );
}

async fn a_disabled_service_s_keys_open_nothing_until_it_is_active_again(house: &House) {
    let admin = house.caller(Level::TenantAdmin);
    let service = house.perform(&admin, &new("billing", Level::Operator)).await.unwrap();
    let command = key(house, service.id).await;
    house.perform(&admin, &command).await.unwrap();
    let who = bearer(house, &command).await.unwrap();
    let switch = |active| UpdateService {
        active: Some(active),
        ..change(service.id)
    };
    let off = house.perform(&admin, &switch(false)).await.unwrap();
    assert_eq!(off.status, PrincipalStatus::Disabled);
    assert!(!house.enters(&who).await);
    let further = key(house, service.id).await;
    assert_eq!(
        house.perform(&admin, &further).await.unwrap_err(),
        Refused("service-disabled")
    );
    house.perform(&admin, &switch(true)).await.unwrap();
    assert!(house.enters(&who).await);
}

async fn a_deleted_service_is_gone_with_every_key(house: &House) {
    let (owner, admin) = (house.caller(Level::TenantOwner), house.caller(Level::TenantAdmin));
    let service = house.perform(&admin, &new("billing", Level::Operator)).await.unwrap();
    let (one, other) = (key(house, service.id).await, key(house, service.id).await);
    house.perform(&admin, &one).await.unwrap();
    house.perform(&owner, &other).await.unwrap();
    let bearers = [bearer(house, &one).await.unwrap(), bearer(house, &other).await.unwrap()];
    house.perform(&admin, &DeleteService { id: service.id }).await.unwrap();
    for who in bearers {
        assert!(!house.enters(&who).await);
    }
    let gone = Refused("service-not-found");
    assert_eq!(
        house.perform(&owner, &GetService { id: service.id }).await.unwrap_err(),
        gone
    );
    let further = key(house, service.id).await;
    assert_eq!(house.perform(&owner, &further).await.unwrap_err(), gone);
    let list = ListServices { after: None, limit: 50 };
    let left = house.perform(&owner, &list).await.unwrap();
    assert!(left.iter().all(|found| found.id != service.id));
}

async fn a_service_is_renamed_moved_and_nothing_is_no_change(house: &House) {
    let admin = house.caller(Level::TenantAdmin);
    let service = house.perform(&admin, &new("billing", Level::Operator)).await.unwrap();
    assert!(service.unit.is_some());
    let renamed = UpdateService {
        name: Some("invoices".into()),
        level: Some(Level::FieldAgent),
        ..change(service.id)
    };
    let seen = house.perform(&admin, &renamed).await.unwrap();
    assert_eq!(
        (seen.display_name.as_deref(), seen.level),
        (Some("invoices"), Some(Level::FieldAgent))
    );
    for (wrong, slug) in [
        (change(service.id), "nothing-to-change"),
        (
            UpdateService {
                name: Some("\u{7}".into()),
                ..change(service.id)
            },
            "invalid-name",
        ),
        (
            UpdateService {
                name: Some("x".into()),
                ..change(house.caller(Level::Operator).principal().id)
            },
            "service-not-found",
        ),
    ] {
        assert_eq!(house.perform(&admin, &wrong).await.unwrap_err(), Refused(slug));
    }
}

cases!(
    a_service_is_made_strictly_below_its_maker,
    keys_act_as_the_service_and_never_above_their_owner,
    a_disabled_service_s_keys_open_nothing_until_it_is_active_again,
    a_deleted_service_is_gone_with_every_key,
    a_service_is_renamed_moved_and_nothing_is_no_change,
);
