//! What both adapters promise about the keys of logs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "cases of a contract fail loudly"
)]
use async_trait::async_trait;
use keepgate_crypto_keys::{
    LogKeyRing, LogKeyTurn, LogKind, MemoryKeys, NewLogKey, SigningPurpose, SigningSeed, Wrapped, log_signing_keys,
    put_first_log_key,
};
use keepgate_kernel::Level;
use keepgate_policy::OpContext;
use keepgate_store::{
    MemTx, PgTx, StoreError, Transaction,
    testing::{TestTx, World},
};

trait Tx: TestTx + LogKeyRing + First {}
impl<T: TestTx + LogKeyRing + First> Tx for T {}

/// Makes the first keys, as signing for the first time does.
#[async_trait]
trait First: Send {
    async fn first(&mut self, log: LogKind);
}

#[async_trait]
impl First for MemTx {
    async fn first(&mut self, log: LogKind) {
        put_first_log_key(self, log, [1; 32]);
    }
}

#[async_trait]
impl First for PgTx {
    async fn first(&mut self, log: LogKind) {
        let purpose = match log {
            LogKind::Own => SigningPurpose::AuditLog,
            LogKind::Meta => SigningPurpose::MetaLog,
        };
        let tenant = self.context().tenant();
        sqlx_as_integrator(self, tenant, purpose).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test runner hands the throwaway cluster over in the environment"
)]
async fn sqlx_as_integrator(tx: &mut PgTx, tenant: keepgate_kernel::TenantId, purpose: SigningPurpose) {
    use std::str::FromStr;

    use sqlx::{ConnectOptions, postgres::PgConnectOptions};
    let name: String = sqlx::query_scalar("select current_database()::text")
        .fetch_one(tx.conn())
        .await
        .unwrap();
    let options = PgConnectOptions::from_str(&std::env::var("DATABASE_URL").unwrap()).unwrap();
    let mut connection = options
        .database(&name)
        .username("kg_integrator")
        .connect()
        .await
        .unwrap();
    let root = MemoryKeys::generate().unwrap();
    let keys = log_signing_keys(&mut connection, &root, tenant, purpose).await.unwrap();
    assert_eq!(keys.len(), 1);
    // The same ever after.
    let again = log_signing_keys(&mut connection, &root, tenant, purpose).await.unwrap();
    assert_eq!(again.first().unwrap().seed.bytes(), keys.first().unwrap().seed.bytes());
}

async fn first(world: &World<dyn Tx>, context: &OpContext, log: LogKind) {
    let mut tx = world.begin(context).await;
    tx.first(log).await;
    tx.commit().await.unwrap();
}

fn fresh() -> NewLogKey {
    let seed = SigningSeed::generate(SigningPurpose::AuditLog).unwrap();
    NewLogKey {
        public: seed.public().unwrap(),
        wrapped: Wrapped {
            kek: "memory".to_owned(),
            bytes: vec![7; 60],
        },
    }
}

async fn rotate(
    world: &World<dyn Tx>,
    context: &OpContext,
    log: LogKind,
    key: &NewLogKey,
    emergency: bool,
) -> Result<LogKeyTurn, StoreError> {
    let mut tx = world.begin(context).await;
    let turn = tx.rotate_log_key(log, key, emergency).await?;
    tx.mark().await?;
    tx.commit().await?;
    Ok(turn)
}

async fn a_new_key_signs_beside_the_former_for_seven_days(world: &World<dyn Tx>) {
    let owner = world.caller(Level::TenantOwner);
    let key = fresh();
    let none = rotate(world, &owner, LogKind::Own, &key, false).await;
    assert_eq!(none.unwrap(), LogKeyTurn::None);
    first(world, &owner, LogKind::Own).await;
    let turned = rotate(world, &owner, LogKind::Own, &key, false).await;
    assert_eq!(turned.unwrap(), LogKeyTurn::Turned);
    let keys = world.begin(&owner).await.log_keys().await.unwrap();
    let [new, old] = keys.as_slice() else {
        panic!("{keys:?}")
    };
    assert_eq!((new.version, new.public, new.signs_until), (2, Some(key.public), None));
    let days = (old.signs_until.unwrap() - world.now).num_days();
    assert!((6..=7).contains(&days), "{days}");
    assert!(old.destroyed_at.is_none() && old.public.is_some());
}

async fn two_at_a_time_unless_it_is_an_emergency(world: &World<dyn Tx>) {
    let owner = world.caller(Level::TenantOwner);
    first(world, &owner, LogKind::Own).await;
    rotate(world, &owner, LogKind::Own, &fresh(), false).await.unwrap();
    let third = fresh();
    let refused = rotate(world, &owner, LogKind::Own, &third, false).await;
    assert_eq!(refused.unwrap(), LogKeyTurn::Overlap);
    let turned = rotate(world, &owner, LogKind::Own, &third, true).await;
    assert_eq!(turned.unwrap(), LogKeyTurn::Turned);
    let keys = world.begin(&owner).await.log_keys().await.unwrap();
    let until: Vec<bool> = keys
        .iter()
        .map(|key| {
            key.signs_until
                .is_some_and(|until| until > world.now + chrono::TimeDelta::days(1))
        })
        .collect();
    assert_eq!(until, [false, false, true], "the second one signs no more");
}

async fn nobody_else_moves_them_and_only_readers_of_the_log_see_them(world: &World<dyn Tx>) {
    let (owner, global) = (world.caller(Level::TenantOwner), world.caller(Level::GlobalAdmin));
    first(world, &owner, LogKind::Own).await;
    first(world, &global, LogKind::Own).await;
    first(world, &global, LogKind::Meta).await;
    for level in Level::ALL {
        let caller = world.caller(level);
        let seen = world.begin(&caller).await.log_keys().await.unwrap();
        let reads = matches!(level, Level::TenantAdmin | Level::TenantOwner | Level::GlobalAdmin);
        assert_eq!(seen.len(), if reads { 2 } else { 0 }, "{level}");
        let own = rotate(world, &caller, LogKind::Own, &fresh(), false).await;
        let meta = rotate(world, &caller, LogKind::Meta, &fresh(), false).await;
        let moves = matches!(level, Level::TenantOwner | Level::GlobalAdmin);
        assert_eq!(own.is_ok(), moves, "{level}: {own:?}");
        assert_eq!(meta.is_ok(), level == Level::GlobalAdmin, "{level}: {meta:?}");
    }
    let stranger = world.stranger(Level::TenantOwner);
    let seen = world.begin(&stranger).await.log_keys().await.unwrap();
    assert!(seen.iter().all(|key| key.log == LogKind::Meta), "{seen:?}");
    assert!(!seen.is_empty());
}

async fn a_rotation_cannot_commit_unaudited(world: &World<dyn Tx>) {
    let owner = world.caller(Level::TenantOwner);
    first(world, &owner, LogKind::Own).await;
    let mut tx = world.begin(&owner).await;
    tx.rotate_log_key(LogKind::Own, &fresh(), false).await.unwrap();
    assert!(matches!(tx.commit().await, Err(StoreError::Unaudited)));
}

keepgate_store::contract!(dyn Tx;
    a_new_key_signs_beside_the_former_for_seven_days,
    two_at_a_time_unless_it_is_an_emergency,
    nobody_else_moves_them_and_only_readers_of_the_log_see_them,
    a_rotation_cannot_commit_unaudited,
);
