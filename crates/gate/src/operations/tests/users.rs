//! Users: who may make, change and delete whom.
use keepgate_identity::{PrincipalStatus, ReadMe};
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, TenantId, UnitId};
use keepgate_policy::ErrorKind::{self, Refused};
use keepgate_rbac::CreateTenant;

use super::house::{House, cases, context, now};
use crate::operations::{CreateUser, DeleteUser, GetUser, ListUsers, UpdateUser};

fn new(email: &str, level: Level) -> CreateUser {
    CreateUser::new(email.parse().unwrap(), level, now()).unwrap()
}

fn change(id: PrincipalId) -> UpdateUser {
    UpdateUser {
        id,
        level: None,
        unit: None,
        hat: None,
        active: None,
    }
}

async fn every_pair_of_levels_obeys_the_grant_rule(house: &House) {
    for own in Level::ALL {
        for level in Level::ALL {
            let email = format!("{}-{}@example.org", own.number(), level.number());
            let result = house.perform(&house.caller(own), &new(&email, level)).await;
            let lawful = matches!(own.number(), 4 | 5 | 7) && level < own && level.is_platform() == own.is_platform();
            assert_eq!(result.is_ok(), lawful, "{own} makes {level}: {:?}", result.err());
        }
    }
}

async fn a_new_user_enters_with_the_code_and_is_what_was_asked_for(house: &House) {
    let admin = house.caller(Level::TenantAdmin);
    let command = CreateUser {
        display_name: Some("Ann".into()),
        ..new("ann@example.org", Level::Operator)
    };
    let created = house.perform(&admin, &command).await.unwrap();
    assert!(house.log_in("ann@example.org").await.is_err(), "not before enrolment");
    let opened = house.enrol(&created.code).await;
    assert_eq!(
        (opened.principal, opened.level, opened.tenant),
        (created.id, Level::Operator, house.tenant)
    );
    assert!(opened.unit.is_some());
    house.log_in("Ann@Example.org").await.unwrap();
    let record = house.perform(&admin, &GetUser { id: created.id }).await.unwrap();
    assert_eq!(
        (record.display_name.as_deref(), record.level),
        (Some("Ann"), Some(Level::Operator))
    );
    let me = house.perform(&context(&opened), &ReadMe).await.unwrap();
    assert_eq!(
        (me.display_name.as_deref(), me.tenant_name.as_str()),
        (Some("Ann"), "default")
    );
}

async fn what_can_t_be_made_is_refused_with_its_reason(house: &House) {
    let admin = house.caller(Level::TenantAdmin);
    let nowhere = Some(UnitId::new(now()));
    let bell = Some("\u{7}".to_owned());
    for (command, slug) in [
        (new("operator@example.org", Level::Operator), "email-taken"),
        (
            CreateUser {
                unit: nowhere,
                ..new("a@example.org", Level::Operator)
            },
            "unit-not-found",
        ),
        (
            CreateUser {
                display_name: bell,
                ..new("a@example.org", Level::Operator)
            },
            "invalid-name",
        ),
        (
            CreateUser {
                tenant: Some(TenantId::new(now())),
                ..new("a@example.org", Level::Operator)
            },
            "other-tenant",
        ),
        (new("a@example.org", Level::TenantAdmin), "grant-not-below-own"),
    ] {
        assert_eq!(house.perform(&admin, &command).await.unwrap_err(), Refused(slug));
    }
    let owner = house.caller(Level::TenantOwner);
    let placed = CreateUser {
        unit: nowhere,
        ..new("a@example.org", Level::TenantAdmin)
    };
    assert_eq!(
        house.perform(&owner, &placed).await.unwrap_err(),
        Refused("unit-not-allowed")
    );
}

async fn level_seven_appoints_owners_of_any_tenant_and_nobody_else_there(house: &House) {
    let global = house.caller(Level::GlobalAdmin);
    let acme = house
        .perform(
            &global,
            &CreateTenant {
                id: TenantId::new(now()),
                name: "Acme".into(),
            },
        )
        .await
        .unwrap();
    let in_acme = |email: &str, level| CreateUser {
        tenant: Some(acme.id),
        ..new(email, level)
    };
    for level in Level::ALL.into_iter().filter(|level| *level != Level::TenantOwner) {
        assert!(
            house.perform(&global, &in_acme("x@example.org", level)).await.is_err(),
            "{level}"
        );
    }
    let nowhere = CreateUser {
        tenant: Some(TenantId::new(now())),
        ..new("y@example.org", Level::TenantOwner)
    };
    assert_eq!(
        house.perform(&global, &nowhere).await.unwrap_err(),
        Refused("tenant-not-found")
    );
    let created = house
        .perform(&global, &in_acme("boss@example.org", Level::TenantOwner))
        .await
        .unwrap();
    let boss = house.enrol(&created.code).await;
    assert_eq!((boss.tenant, boss.level), (acme.id, Level::TenantOwner));
    house
        .perform(&context(&boss), &new("operator@example.org", Level::Operator))
        .await
        .unwrap();
    assert_eq!(
        house.perform(&global, &GetUser { id: created.id }).await.unwrap_err(),
        Refused("user-not-found")
    );
}

async fn a_list_shows_the_tenant_s_users_page_by_page(house: &House) {
    let of_unit = house
        .perform(&house.caller(Level::Supervisor), &ListUsers { after: None, limit: 50 })
        .await
        .unwrap();
    assert_eq!(of_unit.len(), 3, "a supervisor's unit");
    let admin = house.caller(Level::TenantAdmin);
    let all = house
        .perform(&admin, &ListUsers { after: None, limit: 50 })
        .await
        .unwrap();
    assert_eq!(all.len(), 5, "the bootstrap service is no user");
    let first = house
        .perform(&admin, &ListUsers { after: None, limit: 2 })
        .await
        .unwrap();
    let rest = house
        .perform(
            &admin,
            &ListUsers {
                after: first.last().map(|user| user.id),
                limit: 50,
            },
        )
        .await
        .unwrap();
    assert_eq!([first, rest].concat(), all);
    assert_eq!(
        house
            .perform(&house.caller(Level::Operator), &ListUsers { after: None, limit: 2 })
            .await
            .unwrap_err(),
        Refused("level-too-low")
    );
}

async fn a_new_level_binds_the_open_session_at_once(house: &House) {
    let (owner, admin) = (house.caller(Level::TenantOwner), house.caller(Level::TenantAdmin));
    let id = admin.principal().id;
    let record = house
        .perform(
            &owner,
            &UpdateUser {
                level: Some(Level::Operator),
                ..change(id)
            },
        )
        .await
        .unwrap();
    assert_eq!(record.level, Some(Level::Operator));
    assert!(record.unit.is_some(), "a lower level goes to the tenant's first unit");
    assert_eq!(house.perform(&admin, &ReadMe).await.unwrap().level, Level::Operator);
    // The token still says 4: the first wall lets it pass, the second does not.
    let refused = house
        .perform(&admin, &new("a@example.org", Level::FieldAgent))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, Refused("forbidden-by-database" | "unit-not-found")),
        "{refused:?}"
    );
    let record = house
        .perform(
            &owner,
            &UpdateUser {
                level: Some(Level::TenantAdmin),
                ..change(id)
            },
        )
        .await
        .unwrap();
    assert_eq!((record.level, record.unit), (Some(Level::TenantAdmin), None));
}

async fn nobody_changes_themselves_peers_superiors_or_strangers(house: &House) {
    let admin = house.caller(Level::TenantAdmin);
    let peer = house
        .create(Level::TenantOwner, "peer@example.org", Level::TenantAdmin)
        .await
        .id;
    let owner = house.caller(Level::TenantOwner).principal().id;
    let global = house.caller(Level::GlobalAdmin).principal().id;
    let service = PrincipalId::new(PrincipalKind::Service, now());
    for (id, slug) in [
        (admin.principal().id, "not-oneself"),
        (peer, "out-of-reach"),
        (owner, "out-of-reach"),
        (global, "user-not-found"),
        (service, "user-not-found"),
    ] {
        for command in [
            UpdateUser {
                level: Some(Level::FieldAgent),
                ..change(id)
            },
            UpdateUser {
                active: Some(false),
                ..change(id)
            },
        ] {
            assert_eq!(house.perform(&admin, &command).await.unwrap_err(), Refused(slug));
        }
        assert_eq!(
            house.perform(&admin, &DeleteUser { id }).await.unwrap_err(),
            Refused(slug)
        );
    }
    let nothing = change(house.caller(Level::Operator).principal().id);
    assert_eq!(
        house.perform(&admin, &nothing).await.unwrap_err(),
        Refused("nothing-to-change")
    );
}

async fn a_disabled_user_is_out_at_once_and_logs_in_anew_when_active_again(house: &House) {
    let (admin, operator) = (house.caller(Level::TenantAdmin), house.caller(Level::Operator));
    let id = operator.principal().id;
    let record = house
        .perform(
            &admin,
            &UpdateUser {
                active: Some(false),
                ..change(id)
            },
        )
        .await
        .unwrap();
    assert_eq!(record.status, PrincipalStatus::Disabled);
    assert!(!house.enters(&operator).await);
    assert_eq!(house.perform(&operator, &ReadMe).await.unwrap_err(), ErrorKind::Revoked);
    assert_eq!(
        house.log_in("operator@example.org").await.unwrap_err(),
        Refused("invalid-credentials")
    );
    house
        .perform(
            &admin,
            &UpdateUser {
                active: Some(true),
                ..change(id)
            },
        )
        .await
        .unwrap();
    assert!(!house.enters(&operator).await, "old sessions stay dead");
    assert!(
        house
            .enters(&context(&house.log_in("operator@example.org").await.unwrap()))
            .await
    );
}

async fn a_deleted_user_is_gone_and_the_address_free(house: &House) {
    let (admin, operator) = (house.caller(Level::TenantAdmin), house.caller(Level::Operator));
    let id = operator.principal().id;
    house.perform(&admin, &DeleteUser { id }).await.unwrap();
    assert!(!house.enters(&operator).await);
    assert_eq!(
        house.perform(&admin, &GetUser { id }).await.unwrap_err(),
        Refused("user-not-found")
    );
    assert_eq!(
        house.perform(&admin, &DeleteUser { id }).await.unwrap_err(),
        Refused("user-not-found")
    );
    assert_eq!(
        house
            .perform(
                &admin,
                &UpdateUser {
                    active: Some(true),
                    ..change(id)
                }
            )
            .await
            .unwrap_err(),
        Refused("user-not-found")
    );
    let again = house
        .create(Level::TenantAdmin, "operator@example.org", Level::Operator)
        .await;
    assert_eq!(house.enrol(&again.code).await.principal, again.id);
}

cases!(
    every_pair_of_levels_obeys_the_grant_rule,
    a_new_user_enters_with_the_code_and_is_what_was_asked_for,
    what_can_t_be_made_is_refused_with_its_reason,
    level_seven_appoints_owners_of_any_tenant_and_nobody_else_there,
    a_list_shows_the_tenant_s_users_page_by_page,
    a_new_level_binds_the_open_session_at_once,
    nobody_changes_themselves_peers_superiors_or_strangers,
    a_disabled_user_is_out_at_once_and_logs_in_anew_when_active_again,
    a_deleted_user_is_gone_and_the_address_free,
);
