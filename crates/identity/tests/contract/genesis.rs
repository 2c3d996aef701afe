//! The first tenants and principals.
use std::sync::Arc;

use keepgate_identity::{
    ApiKeyFormat, Authenticator, BucketKey, EnrolError, Environment, FrontDesk, Hasher, KeyRing, LoggedIn, Tokens,
    genesis::{GenesisError, Names, Plan, Secrets, plan},
    memory, postgres,
};
use keepgate_kernel::{Clock, Level, RequestId, SystemClock, TenantId};
use keepgate_policy::{Authorized, Command, OpContext, Standing, authorize};
use keepgate_store::{
    Begin, MemStore,
    postgres::Role,
    testing::{FrontAndApp, TestDb},
};
use sqlx::ConnectOptions;

use crate::support::{Tx, at_once, settle};

fn format() -> ApiKeyFormat {
    ApiKeyFormat::new(Environment::Live, &[6; 32])
}

async fn planned() -> (Plan, Secrets) {
    plan(
        Names::standard().unwrap(),
        SystemClock.now(),
        &format(),
        &Hasher::new(2),
    )
    .await
    .unwrap()
}

async fn enrol(store: &Arc<dyn Begin<dyn Tx>>, platform: TenantId, code: &str) -> Result<LoggedIn, EnrolError> {
    let (at, buckets) = (SystemClock.now(), Arc::new(BucketKey::new(&[1; 32])));
    let desk = FrontDesk::new(store.clone(), platform, Hasher::new(2), buckets);
    let prepared = desk
        .enrol(code, "violet-harbour-7".into(), RequestId::new(at), None, at)
        .await
        .unwrap();
    let mut tx = store.begin(&prepared.context).await.unwrap();
    let proof: Authorized<_> = authorize(&prepared.context).unwrap();
    let opened = prepared.command.run(&proof, &mut *tx).await?;
    settle(tx).await.unwrap();
    Ok(at_once(opened))
}

async fn the_first_people_and_the_first_key_enter(store: Arc<dyn Begin<dyn Tx>>, secrets: &Secrets) {
    let platform = secrets.platform_tenant;
    for (code, tenant, principal, level) in [
        (&secrets.platform_enrolment, platform, secrets.admin, Level::GlobalAdmin),
        (
            &secrets.owner_enrolment,
            secrets.tenant,
            secrets.owner,
            Level::TenantOwner,
        ),
    ] {
        let opened = enrol(&store, platform, code.expose()).await.unwrap();
        assert_eq!(
            (opened.tenant, opened.principal, opened.level),
            (tenant, principal, level)
        );
        assert!(enrol(&store, platform, code.expose()).await.is_err(), "once");
    }
    let (tokens, at) = (
        Arc::new(Tokens::new(KeyRing::new(&[5; 32], &[]).unwrap(), "kg", "kg")),
        SystemClock.now(),
    );
    let authenticator =
        Authenticator::new(store.clone(), platform, tokens, Arc::new(format()), Hasher::new(2)).unwrap();
    let who = authenticator
        .authenticate(secrets.service_key.expose(), None, RequestId::new(at), at)
        .await
        .unwrap();
    let (service, credential) = (who.principal, who.credential);
    assert_eq!(
        (service.tenant, service.standing),
        (secrets.tenant, Standing::Level(Level::Operator))
    );
    assert!(service.unit.is_some());
    let context = entered(service, credential);
    assert_eq!(
        store.begin(&context).await.unwrap().me().await.unwrap().unwrap().level,
        Level::Operator
    );
}

#[expect(clippy::disallowed_methods, reason = "the authenticator has just recognised it")]
fn entered(principal: keepgate_policy::Principal, credential: keepgate_policy::Credential) -> OpContext {
    let at = SystemClock.now();
    OpContext::authenticated(
        principal,
        credential,
        Some(keepgate_policy::Assurance {
            at,
            factors: keepgate_policy::Factors::Two,
        }),
        None,
        RequestId::new(at),
        at,
    )
}

#[tokio::test]
async fn in_postgres_it_happens_once_and_lets_the_first_people_in() {
    let db = TestDb::new().await;
    let mut migrator = db.options(Role::Migrator).connect().await.unwrap();
    assert!(!postgres::has_genesis(&mut migrator).await.unwrap());
    let mut service = db.options(Role::App).connect().await.unwrap();
    assert_eq!(postgres::platform_tenant(&mut service).await.unwrap(), None);
    let (first, secrets) = planned().await;
    postgres::genesis(&mut migrator, &first).await.unwrap();
    assert!(postgres::has_genesis(&mut migrator).await.unwrap());
    assert_eq!(
        postgres::platform_tenant(&mut service).await.unwrap(),
        Some(secrets.platform_tenant)
    );
    let (second, _) = planned().await;
    assert!(matches!(
        postgres::genesis(&mut migrator, &second).await,
        Err(GenesisError::AlreadyDone)
    ));
    the_first_people_and_the_first_key_enter(Arc::new(FrontAndApp::of(&db)), &secrets).await;
    let mut admin = db.admin().await;
    let entries: Vec<(String, String)> =
        sqlx::query_as("select action, entity from audit.entry where action = 'platform.genesis' order by entity")
            .fetch_all(&mut admin)
            .await
            .unwrap();
    let mut told = [secrets.platform_tenant.to_string(), secrets.tenant.to_string()];
    told.sort();
    assert_eq!(
        entries.iter().map(|(_, entity)| entity.clone()).collect::<Vec<_>>(),
        told
    );
    let tenants: i64 = sqlx::query_scalar("select count(*) from rbac.tenant")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    assert_eq!(tenants, 2, "the second attempt left nothing");
    db.drop().await;
}

#[tokio::test]
async fn in_postgres_the_service_can_t_call_it() {
    let db = TestDb::new().await;
    let (plan, _) = planned().await;
    let mut service = db.options(Role::App).connect().await.unwrap();
    assert!(matches!(
        postgres::genesis(&mut service, &plan).await,
        Err(GenesisError::Store(_))
    ));
    db.drop().await;
}

#[tokio::test]
async fn in_memory_it_happens_once_and_lets_the_first_people_in() {
    let store = MemStore::new().with_door(memory::door);
    let (first, secrets) = planned().await;
    memory::genesis(&store, &first).await.unwrap();
    let (second, _) = planned().await;
    assert!(matches!(
        memory::genesis(&store, &second).await,
        Err(GenesisError::AlreadyDone)
    ));
    the_first_people_and_the_first_key_enter(Arc::new(store), &secrets).await;
}

#[tokio::test]
async fn before_it_nobody_enters() {
    let store = MemStore::new().with_door(memory::door);
    let at = SystemClock.now();
    assert!(MemStore::begin(&store, &OpContext::system(TenantId::new(at), RequestId::new(at), at)).is_err());
}

#[tokio::test]
async fn nothing_that_is_written_shows_a_secret() {
    let (plan, secrets) = planned().await;
    let shown = format!("{plan:?} {secrets:?}");
    for secret in [
        secrets.platform_enrolment.expose(),
        secrets.owner_enrolment.expose(),
        secrets.service_key.expose(),
    ] {
        assert!(!shown.contains(secret));
    }
}
