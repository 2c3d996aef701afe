//! From a bearer string to a principal.
use std::{net::IpAddr, sync::Arc, time::Duration};

use chrono::TimeDelta;
use keepgate_identity::{
    ApiKey, ApiKeyFormat, AuthError, Authenticator, Environment, Hasher, KeyRing, NewApiKey, RevocationMirror,
    RevokeApiKey, RotateApiKey, Tokens,
};
use keepgate_kernel::{Action, KeyId, Level, RequestId, Timestamp};
use keepgate_policy::{Credential, Principal, Scopes, Standing};
use keepgate_store::testing::World;

use crate::support::{Tx, cases, done, key, key_of, member, perform, worker};

struct Desk {
    authenticator: Arc<Authenticator<dyn Tx>>,
    tokens: Arc<Tokens>,
    format: Arc<ApiKeyFormat>,
    hasher: Hasher,
}

fn desk(world: &World<dyn Tx>) -> Desk {
    let tokens = Arc::new(Tokens::new(KeyRing::new(&[5; 32], &[]).unwrap(), "kg", "kg"));
    let (format, hasher) = (Arc::new(ApiKeyFormat::new(Environment::Test, &[6; 32])), Hasher::new(2));
    let authenticator = Authenticator::new(
        world.store(),
        world.ids.platform,
        tokens.clone(),
        format.clone(),
        hasher.clone(),
    );
    // A view that has just heard of nothing: what is tested here is what the authenticator itself knows.
    let view = Arc::new(RevocationMirror::new());
    view.learn(&[], 0, tokio::time::Instant::now());
    Desk {
        authenticator: Arc::new(authenticator.unwrap().with_view(view, world.store())),
        tokens,
        format,
        hasher,
    }
}

impl Desk {
    async fn recognise(
        &self,
        bearer: &str,
        source: Option<&str>,
        at: Timestamp,
    ) -> Result<(Principal, Credential), AuthError> {
        let source = source.map(|text| text.parse::<IpAddr>().unwrap());
        self.authenticator
            .authenticate(bearer, source, RequestId::new(at), at)
            .await
            .map(|who| (who.principal, who.credential))
    }

    async fn issue(&self, world: &World<dyn Tx>, change: impl FnOnce(&mut NewApiKey)) -> ApiKey {
        let minted = self.format.mint(KeyId::new(world.now)).unwrap();
        let phc = self.hasher.hash(minted.secret()).await.unwrap();
        key(world, Level::Operator, |new| {
            new.id = minted.id();
            new.phc = phc;
            change(new);
        })
        .await;
        minted
    }
}

async fn a_token_is_its_session_without_a_look_at_the_store(world: &World<dyn Tx>) {
    let desk = desk(world);
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    let id = keepgate_kernel::SessionId::new(world.now);
    let new = keepgate_identity::NewSession {
        factors: keepgate_policy::Factors::One,
        id,
        principal: member(world, Level::Operator),
        expires_at: world.now + TimeDelta::hours(8),
    };
    let opened = tx.open_session(&new).await.unwrap();
    done(tx).await;
    let token = desk.tokens.issue(&opened, world.now).unwrap();
    let (principal, credential) = desk.recognise(token.expose(), None, world.now).await.unwrap();
    assert_eq!(credential, Credential::Session(id));
    assert_eq!(
        (principal.id, principal.unit, principal.standing),
        (opened.principal, Some(world.ids.unit), Standing::Level(Level::Operator))
    );
    let late = world.now + TimeDelta::hours(9);
    assert!(matches!(
        desk.recognise(token.expose(), None, late).await,
        Err(AuthError::Expired)
    ));
    assert!(matches!(
        desk.recognise("nonsense", None, world.now).await,
        Err(AuthError::Malformed)
    ));
}

async fn a_key_is_its_service_with_its_scopes(world: &World<dyn Tx>) {
    let desk = desk(world);
    let key = desk
        .issue(world, |new| new.scopes = Some(vec![Action::MessageAccept]))
        .await;
    for _cold_then_warm in 0..2 {
        let (principal, credential) = desk.recognise(key.expose(), None, world.now).await.unwrap();
        assert_eq!(credential, Credential::ApiKey(key.id()));
        assert_eq!(
            (principal.tenant, principal.unit),
            (world.ids.tenant, Some(world.ids.unit))
        );
        assert_eq!(principal.scopes, Scopes::Only(vec![Action::MessageAccept]));
    }
    desk.authenticator
        .write_uses(RequestId::new(world.now), world.now)
        .await
        .unwrap();
    let record = world
        .begin(&world.caller(Level::TenantAdmin))
        .await
        .api_key(key.id())
        .await
        .unwrap()
        .unwrap();
    assert!(record.last_used_at.is_some());
}

async fn a_key_of_the_first_form_goes_on_working_and_gets_the_second_at_its_rotation(world: &World<dyn Tx>) {
    let (desk, admin) = (desk(world), world.caller(Level::TenantAdmin));
    let old = desk.format.mint_first_form(KeyId::new(world.now)).unwrap();
    let phc = desk.hasher.hash(old.secret()).await.unwrap();
    key(world, Level::Operator, |new| {
        new.id = old.id();
        new.phc = phc;
    })
    .await;
    let (_, credential) = desk.recognise(old.expose(), None, world.now).await.unwrap();
    assert_eq!(credential, Credential::ApiKey(old.id()));
    let new = desk.format.mint(old.id()).unwrap();
    let phc = desk.hasher.hash(new.secret()).await.unwrap();
    let overlap = Duration::from_secs(3600);
    let command = RotateApiKey {
        key: new.clone(),
        phc,
        overlap,
    };
    perform(world, &admin, &command).await.unwrap();
    for text in [old.expose(), new.expose()] {
        let (_, credential) = desk.recognise(text, None, world.now).await.unwrap();
        assert_eq!(credential, Credential::ApiKey(old.id()));
    }
}

async fn an_owner_who_falls_takes_the_key_s_policy_along(world: &World<dyn Tx>) {
    let (desk, owner) = (desk(world), world.caller(Level::TenantOwner));
    let admin = world.caller(Level::TenantAdmin);
    let minted = desk.format.mint(KeyId::new(world.now)).unwrap();
    let phc = desk.hasher.hash(minted.secret()).await.unwrap();
    key_of(world, &admin, Level::Supervisor, |new| {
        new.id = minted.id();
        new.phc = phc;
    })
    .await;
    let level = async || {
        desk.recognise(minted.expose(), None, world.now)
            .await
            .unwrap()
            .0
            .standing
    };
    assert_eq!(level().await, Standing::Level(Level::Supervisor));
    let mut tx = world.begin(&owner).await;
    tx.give(
        world.ids.tenant,
        admin.principal().id,
        Level::Operator,
        Some(world.ids.unit),
    )
    .await
    .unwrap();
    done(tx).await;
    desk.authenticator.forget_keys_of(admin.principal().id);
    assert_eq!(level().await, Standing::Level(Level::FieldAgent), "below its owner");
}

async fn uses_are_written_together_and_not_one_by_one(world: &World<dyn Tx>) {
    let desk = desk(world);
    let keys = [desk.issue(world, |_| ()).await, desk.issue(world, |_| ()).await];
    for key in &keys {
        for second in 0..5 {
            let at = world.now + TimeDelta::seconds(second);
            desk.recognise(key.expose(), Some("192.0.2.9"), at).await.unwrap();
        }
    }
    let admin = world.caller(Level::TenantAdmin);
    let last = async |key: &ApiKey| {
        let record = world.begin(&admin).await.api_key(key.id()).await.unwrap().unwrap();
        record.last_used_at.zip(record.last_used_from)
    };
    assert_eq!(last(&keys[0]).await, None, "not a write for each request");
    let write = async || {
        desk.authenticator
            .write_uses(RequestId::new(world.now), world.now)
            .await
            .unwrap()
    };
    write().await;
    for key in &keys {
        let (at, from) = last(key).await.unwrap();
        assert!((at - world.now - TimeDelta::seconds(4)).abs() < TimeDelta::milliseconds(1));
        assert_eq!(from, "192.0.2.9".parse::<IpAddr>().unwrap());
    }
    write().await;
}

async fn a_leaked_text_is_recognised_by_its_whole_secret_only(world: &World<dyn Tx>) {
    let desk = desk(world);
    let key = desk.issue(world, |_| ()).await;
    let leaked = async |text: &str| {
        desk.authenticator
            .leaked(text, RequestId::new(world.now), world.now)
            .await
    };
    let (tenant, report) = leaked(key.expose()).await.unwrap();
    assert_eq!((tenant, report.id), (world.ids.tenant, key.id()));
    let another_secret = desk.format.mint(key.id()).unwrap();
    let unissued = desk.format.mint(KeyId::new(world.now)).unwrap();
    for nothing in [
        another_secret.expose(),
        unissued.expose(),
        "kgl_x",
        "",
        &key.expose()[..70],
    ] {
        assert!(leaked(nothing).await.is_err(), "{nothing}");
    }
}

async fn mistyped_foreign_and_unissued_keys_are_nobody(world: &World<dyn Tx>) {
    let desk = desk(world);
    let unissued = desk.format.mint(KeyId::new(world.now)).unwrap();
    assert!(matches!(
        desk.recognise(unissued.expose(), None, world.now).await,
        Err(AuthError::Unknown)
    ));
    let foreign = ApiKeyFormat::new(Environment::Test, &[7; 32])
        .mint(KeyId::new(world.now))
        .unwrap();
    assert!(matches!(
        desk.recognise(foreign.expose(), None, world.now).await,
        Err(AuthError::Unknown)
    ));
    let (body, last) = unissued.expose().split_at(unissued.expose().len() - 1);
    let mistyped = format!("{body}{}", if last == "x" { "y" } else { "x" });
    assert!(matches!(
        desk.recognise(&mistyped, None, world.now).await,
        Err(AuthError::Malformed)
    ));
    let issued = desk.issue(world, |_| ()).await;
    let other_secret = desk.format.mint(issued.id()).unwrap();
    assert!(matches!(
        desk.recognise(other_secret.expose(), None, world.now).await,
        Err(AuthError::Unknown)
    ));
}

async fn a_key_works_from_its_addresses_only(world: &World<dyn Tx>) {
    let desk = desk(world);
    let key = desk
        .issue(world, |new| {
            new.allowed_cidrs = Some(vec!["10.1.0.0/16".parse().unwrap()])
        })
        .await;
    for _cold_then_warm in 0..2 {
        for (source, allowed) in [
            (Some("10.1.2.3"), true),
            (Some("::ffff:10.1.2.3"), true),
            (Some("10.2.0.1"), false),
            (None, false),
        ] {
            let result = desk.recognise(key.expose(), source, world.now).await;
            assert_eq!(result.is_ok(), allowed, "{source:?}");
            assert!(allowed || matches!(result, Err(AuthError::WrongAddress)));
        }
    }
}

async fn a_key_ends_when_it_says(world: &World<dyn Tx>) {
    let desk = desk(world);
    let key = desk
        .issue(world, |new| new.expires_at = Some(world.now + TimeDelta::seconds(30)))
        .await;
    assert!(desk.recognise(key.expose(), None, world.now).await.is_ok());
    let later = world.now + TimeDelta::seconds(30);
    assert!(
        matches!(desk.recognise(key.expose(), None, later).await, Err(AuthError::Expired)),
        "even from the cache"
    );
}

async fn a_revoked_key_is_told_so_to_who_knows_its_secret(world: &World<dyn Tx>) {
    let (desk, admin) = (desk(world), world.caller(Level::TenantAdmin));
    let key = desk.issue(world, |_| ()).await;
    perform(world, &admin, &RevokeApiKey { id: key.id() }).await.unwrap();
    assert!(matches!(
        desk.recognise(key.expose(), None, world.now).await,
        Err(AuthError::Revoked)
    ));
    let other_secret = desk.format.mint(key.id()).unwrap();
    assert!(matches!(
        desk.recognise(other_secret.expose(), None, world.now).await,
        Err(AuthError::Unknown)
    ));
}

async fn a_verification_is_remembered_for_a_minute_and_forgotten_on_demand(world: &World<dyn Tx>) {
    let (desk, admin) = (desk(world), world.caller(Level::TenantAdmin));
    let key = desk.issue(world, |_| ()).await;
    desk.recognise(key.expose(), None, world.now).await.unwrap();
    perform(world, &admin, &RevokeApiKey { id: key.id() }).await.unwrap();
    let soon = world.now + TimeDelta::seconds(59);
    assert!(
        desk.recognise(key.expose(), None, soon).await.is_ok(),
        "the database refuses it at the next begin"
    );
    let later = world.now + TimeDelta::seconds(60);
    assert!(matches!(
        desk.recognise(key.expose(), None, later).await,
        Err(AuthError::Revoked)
    ));
    desk.authenticator.forget(key.id());
    assert!(matches!(
        desk.recognise(key.expose(), None, soon).await,
        Err(AuthError::Revoked)
    ));
}

async fn both_secrets_work_during_an_overlap(world: &World<dyn Tx>) {
    let (desk, admin) = (desk(world), world.caller(Level::TenantAdmin));
    let old = desk.issue(world, |_| ()).await;
    let new = desk.format.mint(old.id()).unwrap();
    let phc = desk.hasher.hash(new.secret()).await.unwrap();
    let rotate = |overlap| RotateApiKey {
        key: new.clone(),
        phc: phc.clone(),
        overlap,
    };
    perform(world, &admin, &rotate(Duration::from_secs(3600)))
        .await
        .unwrap();
    for key in [&old, &new] {
        assert!(desk.recognise(key.expose(), None, world.now).await.is_ok());
    }
    let over = world.now + TimeDelta::hours(2);
    assert!(matches!(
        desk.recognise(old.expose(), None, over).await,
        Err(AuthError::Unknown)
    ));
    perform(world, &admin, &rotate(Duration::ZERO)).await.unwrap();
    desk.authenticator.forget(old.id());
    assert!(matches!(
        desk.recognise(old.expose(), None, world.now).await,
        Err(AuthError::Unknown)
    ));
}

async fn an_old_secret_is_not_remembered_past_its_end(world: &World<dyn Tx>) {
    let (desk, admin) = (desk(world), world.caller(Level::TenantAdmin));
    let old = desk.issue(world, |_| ()).await;
    let new = desk.format.mint(old.id()).unwrap();
    let phc = desk.hasher.hash(new.secret()).await.unwrap();
    let overlap = Duration::from_secs(30);
    perform(world, &admin, &RotateApiKey { key: new, phc, overlap })
        .await
        .unwrap();
    assert!(desk.recognise(old.expose(), None, world.now).await.is_ok());
    let over = world.now + TimeDelta::seconds(50);
    assert!(matches!(
        desk.recognise(old.expose(), None, over).await,
        Err(AuthError::Unknown)
    ));
}

async fn many_at_once_with_one_key_are_all_recognised(world: &World<dyn Tx>) {
    let desk = desk(world);
    let (key, at) = (desk.issue(world, |_| ()).await, world.now);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (authenticator, key) = (desk.authenticator.clone(), key.clone());
            tokio::spawn(async move {
                authenticator
                    .authenticate(key.expose(), None, RequestId::new(at), at)
                    .await
                    .is_ok()
            })
        })
        .collect();
    for caller in callers {
        assert!(
            caller.await.unwrap(),
            "more than the hasher's queue would hold, were each verified for itself"
        );
    }
}

async fn a_suspended_tenant_s_key_is_revoked(world: &World<dyn Tx>) {
    let desk = desk(world);
    let key = desk.issue(world, |_| ()).await;
    let mut tx = world.begin(&world.caller(Level::GlobalAdmin)).await;
    tx.suspend(world.ids.tenant).await.unwrap();
    done(tx).await;
    assert!(matches!(
        desk.recognise(key.expose(), None, world.now).await,
        Err(AuthError::Revoked)
    ));
}

cases!(
    a_token_is_its_session_without_a_look_at_the_store,
    a_key_is_its_service_with_its_scopes,
    a_key_of_the_first_form_goes_on_working_and_gets_the_second_at_its_rotation,
    an_owner_who_falls_takes_the_key_s_policy_along,
    uses_are_written_together_and_not_one_by_one,
    a_leaked_text_is_recognised_by_its_whole_secret_only,
    mistyped_foreign_and_unissued_keys_are_nobody,
    a_key_works_from_its_addresses_only,
    a_key_ends_when_it_says,
    a_revoked_key_is_told_so_to_who_knows_its_secret,
    a_verification_is_remembered_for_a_minute_and_forgotten_on_demand,
    both_secrets_work_during_an_overlap,
    an_old_secret_is_not_remembered_past_its_end,
    many_at_once_with_one_key_are_all_recognised,
    a_suspended_tenant_s_key_is_revoked,
);
