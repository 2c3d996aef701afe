//! Hats: put on and taken off like a grant, and masks that only remove.
use keepgate_identity::ReadMe;
use keepgate_kernel::{Hat, Level, PrincipalId};
use keepgate_policy::ErrorKind::Refused;
use keepgate_rbac::ListUnits;

use super::house::{House, cases, context, now};
use crate::operations::{CreateUser, GetUser, ListUsers, UpdateUser};

fn wear(id: PrincipalId, hat: Option<Hat>) -> UpdateUser {
    UpdateUser {
        id,
        level: None,
        unit: None,
        hat: Some(hat),
        active: None,
    }
}

async fn a_hat_ends_the_sessions_and_is_worn_from_the_next_log_in_on(house: &House) {
    let (owner, admin) = (house.caller(Level::TenantOwner), house.caller(Level::TenantAdmin));
    let id = admin.principal().id;
    let record = house
        .perform(&owner, &wear(id, Some(Hat::PrivacyOfficer)))
        .await
        .unwrap();
    assert_eq!(
        (record.hat, record.level),
        (Some(Hat::PrivacyOfficer), Some(Level::TenantAdmin))
    );
    assert!(!house.enters(&admin).await, "the session without the hat is dead");
    let opened = house.log_in("tenant_admin@example.org").await.unwrap();
    assert_eq!(
        (opened.hat, opened.level),
        (Some(Hat::PrivacyOfficer), Level::TenantAdmin)
    );
    let worn = context(&opened);
    let me = house.perform(&worn, &ReadMe).await.unwrap();
    assert_eq!(me.hat, Some(Hat::PrivacyOfficer));
    // What the mask leaves, and what it takes.
    let list = ListUsers { after: None, limit: 10 };
    assert!(house.perform(&worn, &list).await.is_ok());
    let units = ListUnits { after: None, limit: 10 };
    assert_eq!(
        house.perform(&worn, &units).await.unwrap_err(),
        Refused("hat-leaves-out")
    );
    let new = CreateUser::new("a@example.org".parse().unwrap(), Level::Operator, now()).unwrap();
    assert_eq!(house.perform(&worn, &new).await.unwrap_err(), Refused("hat-leaves-out"));
    // A service that forgot about the hat meets the second wall.
    let mut bare = worn.principal().clone();
    bare.hat = None;
    let bare = super::house::entered(bare, worn.credential());
    assert_eq!(
        house.perform(&bare, &new).await.unwrap_err(),
        Refused("forbidden-by-database")
    );
    house.perform(&owner, &wear(id, None)).await.unwrap();
    assert!(!house.enters(&worn).await, "taking it off ends sessions as well");
    assert_eq!(house.log_in("tenant_admin@example.org").await.unwrap().hat, None);
}

async fn a_hat_is_given_to_lower_levels_only(house: &House) {
    let admin = house.caller(Level::TenantAdmin);
    for (who, slug) in [
        (Level::TenantOwner, "out-of-reach"),
        (Level::TenantAdmin, "not-oneself"),
    ] {
        let id = house.caller(who).principal().id;
        let refused = house.perform(&admin, &wear(id, Some(Hat::Auditor))).await.unwrap_err();
        assert_eq!(refused, Refused(slug));
    }
    let supervisor = house.caller(Level::Supervisor);
    let operator = house.caller(Level::Operator).principal().id;
    let refused = house.perform(&supervisor, &wear(operator, Some(Hat::Billing))).await;
    assert_eq!(refused.unwrap_err(), Refused("level-too-low"));
}

async fn a_user_may_be_born_with_a_hat(house: &House) {
    let owner = house.caller(Level::TenantOwner);
    let command = CreateUser {
        hat: Some(Hat::Auditor),
        ..CreateUser::new("eve@example.org".parse().unwrap(), Level::TenantAdmin, now()).unwrap()
    };
    let created = house.perform(&owner, &command).await.unwrap();
    assert_eq!(house.enrol(&created.code).await.hat, Some(Hat::Auditor));
    let record = house.perform(&owner, &GetUser { id: created.id }).await.unwrap();
    assert_eq!(record.hat, Some(Hat::Auditor));
}

cases!(
    a_hat_ends_the_sessions_and_is_worn_from_the_next_log_in_on,
    a_hat_is_given_to_lower_levels_only,
    a_user_may_be_born_with_a_hat,
);
