//! Transactions, a signer, and a way to number entries in both worlds.
use std::{collections::BTreeMap, str::FromStr, sync::Arc, time::Duration};

use async_trait::async_trait;
use keepgate_audit::{
    AuditLog, AuditReader, EntryCheck, LogHost, LogKeys, LogSigner, MetaReader, NewEntry, Receipt, SealedOpening,
    SignerError, SubjectKey,
    archive::Archives,
    clock::ClockLedger,
    commitment::{Opening, SOURCE},
    memory::integrate,
    opening::plaintext,
    postgres::{Integrator, PgCosignedLogs},
    sink::Sinks,
    timestamp::StampedLogs,
    witness::{CosignedLogs, WitnessAlarms},
};
use keepgate_kernel::{Action, AuditId, Entity, Level, Outcome, PrincipalId, TenantId, Timestamp};
use keepgate_merkle::{
    note::{NoteSigner, VerifierKey},
    tile::{TilePath, tiles_for},
    verify::{Outcome as Verdict, Request, Source, verify},
};
use keepgate_policy::OpContext;
use keepgate_store::{
    MemTx, PgTx, StoreError,
    postgres::Role,
    testing::{TestDb, TestTx, World},
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

pub const HOST: &str = "gate.example";

/// Everything a case does with a transaction.
pub trait Tx:
    TestTx + AuditLog + AuditReader + Archives + MetaReader + WitnessAlarms + ClockLedger + Sinks + Number + Beside
{
}
impl<T: TestTx + AuditLog + AuditReader + Archives + MetaReader + WitnessAlarms + ClockLedger + Sinks + Number + Beside>
    Tx for T
{
}

/// What stands beside the transactions on the same store.
#[async_trait]
pub trait Beside: Send {
    async fn cosigned_logs(&mut self) -> Box<dyn CosignedLogs>;
    async fn stamped_logs(&mut self) -> Box<dyn StampedLogs>;
}

#[async_trait]
impl Beside for MemTx {
    async fn cosigned_logs(&mut self) -> Box<dyn CosignedLogs> {
        Box::new(self.home().clone())
    }

    async fn stamped_logs(&mut self) -> Box<dyn StampedLogs> {
        Box::new(self.home().clone())
    }
}

#[async_trait]
impl Beside for PgTx {
    async fn cosigned_logs(&mut self) -> Box<dyn CosignedLogs> {
        Box::new(outside(self).await)
    }

    async fn stamped_logs(&mut self) -> Box<dyn StampedLogs> {
        Box::new(outside(self).await)
    }
}

async fn outside(tx: &mut PgTx) -> PgCosignedLogs {
    let options = as_integrator(tx).await;
    PgCosignedLogs::new(PgPoolOptions::new().max_connections(1).connect_lazy_with(options))
}

/// The same database, logged in as `kg_integrator`.
#[expect(
    clippy::disallowed_methods,
    reason = "the test runner hands the throwaway cluster over in the environment"
)]
async fn as_integrator(tx: &mut PgTx) -> PgConnectOptions {
    let name: String = sqlx::query_scalar("select current_database()::text")
        .fetch_one(tx.conn())
        .await
        .unwrap();
    let options = PgConnectOptions::from_str(&std::env::var("DATABASE_URL").unwrap()).unwrap();
    options.database(&name).username(Role::Integrator.name())
}

/// A signer with a key made from a fixed seed: databases of tests only.
pub struct Signer;

pub fn note_signer(origin: &str) -> NoteSigner {
    NoteSigner::from_seed(origin.parse().unwrap(), &[9; 32]).unwrap()
}

#[async_trait]
impl LogSigner for Signer {
    async fn keys_for(&self, _: TenantId, origin: &str) -> Result<Arc<LogKeys>, SignerError> {
        Ok(Arc::new(note_signer(origin).into()))
    }

    async fn meta_keys(&self, origin: &str) -> Result<Option<Arc<LogKeys>>, SignerError> {
        Ok(Some(Arc::new(note_signer(origin).into())))
    }
}

pub fn host() -> LogHost {
    HOST.parse().unwrap()
}

/// Numbers everything that is committed.
#[async_trait]
pub trait Number: Send {
    async fn number(&mut self);
}

#[async_trait]
impl Number for MemTx {
    async fn number(&mut self) {
        let report = integrate(self, &host(), &Signer).await.unwrap();
        assert!(report.held.is_empty(), "{report:?}");
    }
}

#[async_trait]
impl Number for PgTx {
    async fn number(&mut self) {
        let options = as_integrator(self).await;
        drain(&mut integrator(options, Arc::new(Signer))).await;
    }
}

pub fn integrator(options: PgConnectOptions, signer: Arc<dyn LogSigner>) -> Integrator {
    Integrator::new(
        PgPoolOptions::new().max_connections(1).connect_lazy_with(options),
        host(),
        signer,
    )
    .sign_every(Duration::ZERO)
}

pub fn integrator_of(db: &TestDb) -> Integrator {
    integrator(db.options(Role::Integrator), Arc::new(Signer))
}

/// Passes until nothing that is committed waits. Transactions of other databases of the cluster hold the mark back for
/// a moment, and no event tells when they end, hence the short rests.
pub async fn drain(integrator: &mut Integrator) {
    loop {
        let report = integrator.pass().await.unwrap();
        assert!(report.held.is_empty(), "{report:?}");
        if !report.busy && !report.more && report.lag.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn number(world: &World<dyn Tx>) {
    let mut tx = world.begin(&world.worker()).await;
    tx.number().await;
    commit(tx).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "no doorway in this suite")]
pub async fn commit(tx: Box<dyn Tx>) -> Result<(), StoreError> {
    tx.commit().await
}

pub fn done(at: Timestamp, entity: &str) -> NewEntry {
    NewEntry {
        id: AuditId::new(at),
        action: Action::MessageAccept,
        entity: Entity::stored(entity.to_owned()),
        outcome: Outcome::Done,
        reason: None,
        actor: None,
    }
}

pub fn refused(at: Timestamp, entity: &str, reason: &str) -> NewEntry {
    NewEntry {
        outcome: Outcome::Refused,
        reason: Some(reason.to_owned()),
        ..done(at, entity)
    }
}

/// Appends in a transaction of its own.
pub async fn append(world: &World<dyn Tx>, context: &OpContext, entry: &NewEntry) -> Receipt {
    let mut tx = world.begin(context).await;
    let receipt = tx.append(entry).await.unwrap();
    commit(tx).await.unwrap();
    receipt
}

/// The address of `context`, committed to, and sealed as far as a store can tell.
pub fn sealed(context: &OpContext) -> Option<(Opening, SealedOpening)> {
    let opening = Opening {
        salt: rand::random(),
        value: context.source()?.to_canonical().to_string(),
    };
    let sealed = SealedOpening {
        commitment: opening.commitment(SOURCE),
        key: AuditId::new(context.at()).uuid(),
        sealed: [&[0; 28][..], &plaintext(&opening)].concat(),
        fresh: None,
    };
    Some((opening, sealed))
}

/// The same, with a key that is stored in passing.
pub fn with_key(context: &OpContext) -> Option<(Opening, SealedOpening)> {
    let (opening, mut sealed) = sealed(context)?;
    sealed.fresh = Some(SubjectKey {
        id: sealed.key,
        subject: context.principal().id.uuid(),
        kek: "0123456789abcdef".to_owned(),
        wrapped: vec![7; 60],
    });
    Some((opening, sealed))
}

/// Appends with an address in a transaction of its own.
pub async fn append_with(world: &World<dyn Tx>, context: &OpContext, entry: &NewEntry, source: &SealedOpening) {
    let mut tx = world.begin(context).await;
    tx.append_with(entry, Some(source)).await.unwrap();
    commit(tx).await.unwrap();
}

/// Appends `count` entries in one transaction and numbers them.
pub async fn fill(world: &World<dyn Tx>, context: &OpContext, count: usize) {
    let mut tx = world.begin(context).await;
    for n in 0..count {
        tx.append(&done(world.now, &format!("thing:{n}"))).await.unwrap();
    }
    commit(tx).await.unwrap();
    number(world).await;
}

pub fn admin(world: &World<dyn Tx>) -> OpContext {
    world.caller(Level::TenantAdmin)
}

pub fn actor(world: &World<dyn Tx>, level: Level) -> PrincipalId {
    world.caller(level).principal().id
}

/// A log as a verifier gets it.
pub struct Copy {
    pub origin: String,
    pub checkpoint: String,
    pub tiles: BTreeMap<TilePath, Vec<u8>>,
}

/// Fetches everything a verifier would ask for.
pub async fn copy(world: &World<dyn Tx>, context: &OpContext) -> Copy {
    let mut tx = world.begin(context).await;
    let origin = tx.log_info().await.unwrap().unwrap().origin;
    let checkpoint = tx.checkpoint(None).await.unwrap().unwrap();
    let mut tiles = BTreeMap::new();
    for path in tiles_for(checkpoint.size) {
        if let Ok(Some(content)) = tx.tile(&path).await {
            tiles.insert(path, content);
        }
    }
    Copy {
        origin,
        checkpoint: checkpoint.note,
        tiles,
    }
}

struct Files<'c>(&'c Copy);

impl Source for Files<'_> {
    type Error = &'static str;
    fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, &'static str> {
        self.0.tiles.get(path).cloned().ok_or("no such file")
    }
}

impl Copy {
    pub fn key(&self) -> VerifierKey {
        note_signer(&self.origin).verifier().clone()
    }

    pub fn verify(&self, since: Option<&str>) -> Verdict<&'static str> {
        let keys = [self.key()];
        let since: Vec<_> = since.into_iter().map(|note| note.as_bytes().to_vec()).collect();
        let request = Request {
            checkpoint: self.checkpoint.as_bytes(),
            origin: &self.origin,
            keys: &keys,
            since: &since,
            policy: None,
        };
        verify(
            &request,
            &mut Files(self),
            &mut EntryCheck::for_origin(&self.origin).unwrap(),
        )
    }

    pub fn assert_verified(&self, size: u64) {
        match self.verify(None) {
            Verdict::Verified(verified) => assert_eq!(verified.size, size),
            other => panic!("{other:?}"),
        }
    }

    /// The index that the verifier names, and what it says.
    pub fn tampered(&self, since: Option<&str>) -> (Option<u64>, String) {
        match self.verify(since) {
            Verdict::Tampered(tampered) => (tampered.index, tampered.to_string()),
            other => panic!("the change was not found: {other:?}"),
        }
    }
}
