//! Tokens of directories.
use std::time::Duration;

use crate::support::{Tx, done, provider, seeded};
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, RequestId};
use keepgate_sso::{SecretChange, scim::NewScimToken};
use keepgate_store::{StoreError, testing::World};

/// A token for a person of the cast as its actor: the ports don't look at what kind it is.
fn token(world: &World<dyn Tx>, number: u8) -> NewScimToken {
    let actor = world.ids.principal(world.ids.tenant, Level::FieldAgent);
    NewScimToken {
        // Ids of one millisecond have no order.
        id: RequestId::new(world.now + Duration::from_millis(number.into())).uuid(),
        provider: "okta".parse().unwrap(),
        actor: PrincipalId::from_parts(PrincipalKind::Service, actor.uuid()),
        name: "directory".into(),
        hash: [number; 32],
        expires_at: None,
    }
}

async fn issued(world: &World<dyn Tx>, new: &NewScimToken) {
    seeded(world).await;
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    let okta = provider(world, "okta", "https://one.example");
    assert!(tx.put_provider(&okta, &SecretChange::Keep).await.unwrap());
    tx.add_scim_token(new).await.unwrap();
    done(tx).await;
}

async fn a_token_is_recognised_until_it_is_revoked(world: &World<dyn Tx>) {
    let new = token(world, 1);
    issued(world, &new).await;
    let mut tx = world.begin(&world.worker()).await;
    let known = tx.directory(&new.hash).await.unwrap().unwrap();
    assert_eq!(
        (known.token, known.provider, known.actor),
        (new.id, new.provider.clone(), new.actor)
    );
    assert!(tx.directory(&[2; 32]).await.unwrap().is_none());
    assert!(tx.is_scim_token_live(new.id).await.unwrap());
    drop(tx);
    let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
    assert!(tx.revoke_scim_token(new.id).await.unwrap());
    done(tx).await;
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.directory(&new.hash).await.unwrap().is_none());
    assert!(!tx.is_scim_token_live(new.id).await.unwrap());
}

async fn a_token_ends_with_its_time_and_with_its_provider(world: &World<dyn Tx>) {
    let mut new = token(world, 1);
    new.expires_at = Some(world.now - Duration::from_secs(1));
    issued(world, &new).await;
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.directory(&new.hash).await.unwrap().is_none());
    drop(tx);
    let lasting = token(world, 2);
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    tx.add_scim_token(&lasting).await.unwrap();
    done(tx).await;
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    assert!(tx.delete_provider(&lasting.provider).await.unwrap());
    done(tx).await;
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.directory(&lasting.hash).await.unwrap().is_none());
}

async fn tokens_are_listed_in_order_for_levels_four_and_five_without_secrets(world: &World<dyn Tx>) {
    let made = [token(world, 1), token(world, 2)];
    issued(world, &made[0]).await;
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    tx.add_scim_token(&made[1]).await.unwrap();
    done(tx).await;
    let admin = world.caller(Level::TenantAdmin);
    let mut tx = world.begin(&admin).await;
    assert!(tx.revoke_scim_token(made[0].id).await.unwrap());
    done(tx).await;
    let mut tx = world.begin(&admin).await;
    let all = tx.scim_tokens(None, 10).await.unwrap();
    let seen: Vec<_> = all
        .iter()
        .map(|one| (one.id, one.name.clone(), one.revoked_at.is_some()))
        .collect();
    assert_eq!(
        seen,
        [
            (made[0].id, made[0].name.clone(), true),
            (made[1].id, made[1].name.clone(), false)
        ]
    );
    assert_eq!(tx.scim_tokens(None, 1).await.unwrap(), all[..1]);
    assert_eq!(tx.scim_tokens(Some(made[0].id), 10).await.unwrap(), all[1..]);
    let shown = format!("{all:?}");
    assert!(!shown.contains(&format!("{:?}", made[0].hash)), "nothing of the secret");
    for level in [
        Level::FieldAgent,
        Level::Operator,
        Level::Supervisor,
        Level::PlatformOperator,
    ] {
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(tx.scim_tokens(None, 10).await.unwrap().is_empty(), "{level}");
    }
    let mut tx = world.begin(&world.stranger(Level::TenantOwner)).await;
    assert!(tx.scim_tokens(None, 10).await.unwrap().is_empty(), "another tenant's");
}

async fn only_owners_issue_and_only_admins_revoke(world: &World<dyn Tx>) {
    let new = token(world, 1);
    issued(world, &new).await;
    for level in Level::ALL.into_iter().filter(|level| *level != Level::TenantOwner) {
        let mut tx = world.begin(&world.caller(level)).await;
        let refused = tx.add_scim_token(&token(world, 9)).await;
        assert!(matches!(refused, Err(StoreError::Forbidden)), "{level}");
        let mut tx = world.begin(&world.caller(level)).await;
        let revoked = tx.revoke_scim_token(new.id).await.unwrap();
        assert_eq!(revoked, level == Level::TenantAdmin, "{level}");
    }
    let mut tx = world.begin(&world.stranger(Level::TenantOwner)).await;
    assert!(!tx.revoke_scim_token(new.id).await.unwrap(), "another tenant's");
}

crate::support::cases!(postgres_with_front:
    a_token_is_recognised_until_it_is_revoked,
    a_token_ends_with_its_time_and_with_its_provider,
    only_owners_issue_and_only_admins_revoke,
    tokens_are_listed_in_order_for_levels_four_and_five_without_secrets,
);
