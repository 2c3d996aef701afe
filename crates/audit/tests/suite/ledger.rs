//! What a program's own ledger promises, in memory and on PostgreSQL. The table is that of `examples/stock.rs`.
use std::sync::Arc;

use keepgate_audit::{
    HeadFile, LeafVersion, LogFault,
    ledger::{self, Backend, Deed, Ledger, LedgerError, LedgerTx, MemoryTx, Postgres, PostgresTx},
};
use keepgate_kernel::{Clock, Outcome, PrincipalId, PrincipalKind, RequestId, SystemClock, Uuid};
use keepgate_merkle::{hash::Hash, tile::tiles_for, tlog_proof::VerifyTlogProof};
use keepgate_store::{StoreError, testing::TestDb};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    stock::{NAME, Parts, Stock, TABLE},
    support::{Copy, note_signer},
};

mod database;
mod document;

fn ann() -> PrincipalId {
    PrincipalId::from_parts(PrincipalKind::User, Uuid::from_u128(7))
}

fn add() -> Deed {
    Deed::new("part.add", "part:m4-screw", ann())
}

/// How many pieces there are.
trait Look {
    async fn pieces(&mut self, part: &str) -> Option<i32>;
}

impl Look for MemoryTx {
    async fn pieces(&mut self, part: &str) -> Option<i32> {
        self.read::<Stock>()?.0.get(part).copied()
    }
}

impl Look for PostgresTx {
    async fn pieces(&mut self, part: &str) -> Option<i32> {
        sqlx::query_scalar("select pieces from stock.part where name = $1")
            .bind(part)
            .fetch_optional(self.conn())
            .await
            .unwrap()
    }
}

async fn copy<B: Backend>(ledger: &Ledger<B>) -> Copy {
    let signed = ledger.checkpoint().await.unwrap();
    let mut tiles = std::collections::BTreeMap::new();
    for path in tiles_for(signed.size) {
        tiles.insert(path, ledger.tile(&path).await.unwrap().unwrap());
    }
    Copy {
        origin: ledger.origin().to_owned(),
        checkpoint: signed.note,
        tiles,
    }
}

/// Appends lines that no change belongs to.
async fn fill<B: Backend>(ledger: &Ledger<B>, count: usize) {
    for _ in 0..count {
        ledger.refused(&add(), "out-of-stock").await.unwrap();
    }
}

async fn a_change_and_its_entry_become_durable_together<B: Backend<Tx: Parts + Look>>(ledger: &Ledger<B>) {
    let request = RequestId::new(SystemClock.now());
    let mut tx = ledger.begin().await.unwrap();
    tx.add("m4-screw", 500).await.unwrap();
    let occurred = "2026-01-02T03:04:05Z".parse().unwrap();
    let deed = add().in_request(request).occurred_at(occurred);
    let receipt = tx.commit(&deed).await.unwrap();
    assert_eq!(ledger.begin().await.unwrap().pieces("m4-screw").await, Some(500));
    let leaf = ledger.entry(0).await.unwrap().unwrap();
    assert_eq!(
        (leaf.version, leaf.outcome, leaf.reason.as_deref()),
        (LeafVersion::V2, Outcome::Done, None)
    );
    assert_eq!(
        (leaf.action.as_str(), leaf.entity.as_str(), leaf.actor),
        ("part.add", "part:m4-screw", ann())
    );
    assert_eq!(
        (leaf.id, leaf.request, leaf.occurred_at),
        (receipt.entry, request, Some(occurred))
    );
    assert_eq!((leaf.recorded_at, receipt.index), (receipt.recorded_at, 0));
    assert!(ledger.origin().ends_with(&leaf.tenant.uuid().to_string()));
    assert_eq!(
        receipt.leaf_hash,
        Hash::from_bytes(keepgate_audit::leaf::leaf_hash(&leaf.to_bytes()))
    );
    assert_eq!(ledger.entry(1).await.unwrap(), None);
}

async fn a_dropped_transaction_never_was<B: Backend<Tx: Parts + Look>>(ledger: &Ledger<B>) {
    let mut tx = ledger.begin().await.unwrap();
    tx.add("m4-screw", 500).await.unwrap();
    drop(tx);
    assert_eq!(ledger.begin().await.unwrap().pieces("m4-screw").await, None);
    assert_eq!(ledger.checkpoint().await.unwrap().size, 0);
}

async fn a_word_nobody_told_undoes_the_change<B: Backend<Tx: Parts + Look>>(ledger: &Ledger<B>) {
    for (word, known) in [("part.lend", true), ("part", false), ("Part.add", false)] {
        let mut tx = ledger.begin().await.unwrap();
        tx.add("m4-screw", 500).await.unwrap();
        let end = tx.commit(&Deed::new(word, "part:m4-screw", ann())).await;
        match end {
            Err(LedgerError::UnknownAction(told)) if known => assert_eq!(told, word),
            Err(LedgerError::BadAction(told)) if !known => assert_eq!(told, word),
            other => panic!("{word}: {other:?}"),
        }
    }
    let told = ledger.audited("stock.part", &["part add"]).await;
    assert!(matches!(told, Err(LedgerError::BadAction(_))));
    assert_eq!(ledger.begin().await.unwrap().pieces("m4-screw").await, None);
    ledger.audited("stock.part", &["part.lend"]).await.unwrap();
    let tx = ledger.begin().await.unwrap();
    let receipt = tx
        .commit(&Deed::new("part.lend", "part:m4-screw", ann()))
        .await
        .unwrap();
    assert_eq!(receipt.index, 0, "no place was used up");
}

async fn what_was_refused_or_failed_is_told_with_its_reason<B: Backend<Tx: Parts + Look>>(ledger: &Ledger<B>) {
    ledger.refused(&add(), "out-of-stock").await.unwrap();
    ledger.failed(&add(), "scanner-broken").await.unwrap();
    let told = ledger.entries(0..9).await.unwrap();
    let told: Vec<_> = told.iter().map(|leaf| (leaf.outcome, leaf.reason.as_deref())).collect();
    let meant = [
        (Outcome::Refused, Some("out-of-stock")),
        (Outcome::Failed, Some("scanner-broken")),
    ];
    assert_eq!(told, meant);
    let wordless = ledger.refused(&add(), "Out of stock!").await;
    assert!(matches!(wordless, Err(LedgerError::BadDeed(_))));
}

async fn it_verifies_at_every_kind_of_size_and_proves_each_entry<B: Backend<Tx: Parts + Look>>(ledger: &Ledger<B>) {
    let (mut size, mut older) = (0, None);
    for more in [1, 254, 1, 1, 87] {
        fill(ledger, more).await;
        size += more as u64;
        let copy = copy(ledger).await;
        copy.assert_verified(size);
        assert!(matches!(
            copy.verify(older.as_deref()),
            keepgate_merkle::verify::Outcome::Verified(_)
        ));
        older = Some(copy.checkpoint);
    }
    assert_eq!(
        ledger.checkpoint().await.unwrap().note,
        older.unwrap(),
        "the same log, the same checkpoint"
    );
    let other = Hash::from_bytes([1; 32]);
    for index in [0, 1, 127, 254, 255, 256, 343] {
        let leaf = ledger.entry(index).await.unwrap().unwrap().to_bytes();
        let proof = ledger.proof(index).await.unwrap().unwrap();
        let hash = Hash::from_bytes(keepgate_audit::leaf::leaf_hash(&leaf));
        let seen = proof.verify(&hash, ledger.origin(), &ledger.verifiers()).unwrap();
        assert_eq!(seen.size, size);
        let none = proof.verify(&other, ledger.origin(), &ledger.verifiers());
        assert!(matches!(none, Err(VerifyTlogProof::Inclusion(_))));
    }
    fill(ledger, 1).await;
    assert_eq!(ledger.proof(size).await.unwrap(), None, "no checkpoint covers it yet");
}

async fn a_copy_in_a_folder_is_whole<B: Backend<Tx: Parts + Look>>(ledger: &Ledger<B>) {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(ledger.copy_to(folder.path()).await.unwrap(), 0);
    fill(ledger, 3).await;
    let signed = ledger.checkpoint().await.unwrap();
    fill(ledger, 1).await;
    assert_eq!(ledger.copy_to(folder.path()).await.unwrap(), 3, "what is signed");
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(read("checkpoint"), signed.note.as_bytes());
    assert_eq!(read("vkey"), format!("{}\n", note_signer(NAME).verifier()).as_bytes());
    for path in tiles_for(3) {
        assert_eq!(Some(read(&path.to_string())), ledger.tile(&path).await.unwrap());
    }
}

async fn a_signer_that_remembers_more_signs_nothing<B: Backend<Tx: Parts + Look> + Clone>(ledger: &Ledger<B>) {
    let dir = tempfile::tempdir().unwrap();
    let heads = Arc::new(HeadFile::open(dir.path()).unwrap());
    let later = Ledger::memory(note_signer(NAME)).unwrap().remembering(heads.clone());
    later.audited("stock.part", &["part.add"]).await.unwrap();
    fill(&later, 2).await;
    later.checkpoint().await.unwrap();
    let ledger = ledger.clone().remembering(heads);
    fill(&ledger, 1).await;
    let back = ledger.checkpoint().await;
    assert!(
        matches!(back, Err(LedgerError::Log(LogFault::Shrank { signed: 2, size: 1 }))),
        "{back:?}"
    );
    fill(&ledger, 2).await;
    let fork = ledger.checkpoint().await;
    assert!(matches!(fork, Err(LedgerError::Log(LogFault::Forked(2)))), "{fork:?}");
    assert_eq!(ledger.proof(0).await.unwrap(), None, "nothing was signed");
}

/// A database with the ledger and the table, and a pool of its owner.
async fn prepared(db: &TestDb) -> (PgPool, Ledger<Postgres>) {
    let pool = owner(db).await;
    for statement in TABLE {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    ledger::migrate(&pool, NAME).await.unwrap();
    let ledger = Ledger::postgres(pool.clone(), note_signer(NAME)).await.unwrap();
    ledger.audited("stock.part", &["part.add", "part.take"]).await.unwrap();
    (pool, ledger)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test runner hands the throwaway cluster over in the environment"
)]
async fn owner(db: &TestDb) -> PgPool {
    let name: String = sqlx::query_scalar("select current_database()::text")
        .fetch_one(&mut db.admin().await)
        .await
        .unwrap();
    let options: PgConnectOptions = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
    PgPoolOptions::new()
        .max_connections(8)
        .connect_lazy_with(options.database(&name))
}

macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        mod memory { $(
            #[tokio::test]
            async fn $case() {
                let ledger = super::Ledger::memory(super::note_signer(super::NAME)).unwrap();
                ledger.audited("stock.part", &["part.add", "part.take"]).await.unwrap();
                super::$case(&ledger).await;
            }
        )+ }
        mod postgres { $(
            #[tokio::test]
            async fn $case() {
                let db = super::TestDb::new().await;
                super::$case(&super::prepared(&db).await.1).await;
                db.drop().await;
            }
        )+ }
    };
}

cases!(
    a_change_and_its_entry_become_durable_together,
    a_dropped_transaction_never_was,
    a_word_nobody_told_undoes_the_change,
    what_was_refused_or_failed_is_told_with_its_reason,
    it_verifies_at_every_kind_of_size_and_proves_each_entry,
    a_copy_in_a_folder_is_whole,
    a_signer_that_remembers_more_signs_nothing,
);

#[tokio::test]
async fn of_two_changes_in_memory_that_overlap_the_second_is_told() {
    let ledger = Ledger::memory(note_signer(NAME)).unwrap();
    ledger.audited("stock.part", &["part.add"]).await.unwrap();
    let (mut one, mut two) = (ledger.begin().await.unwrap(), ledger.begin().await.unwrap());
    one.add("m4-screw", 1).await.unwrap();
    two.add("m4-screw", 1).await.unwrap();
    one.commit(&add()).await.unwrap();
    let lost = two.commit(&add()).await;
    assert!(
        matches!(lost, Err(LedgerError::Store(StoreError::Conflict))),
        "{lost:?}"
    );
}

#[test]
fn a_ledger_s_name_ends_in_its_own_number() {
    for name in [
        "stock.example",
        "stock.example/audit/",
        "/audit/0190a000-0000-7000-8000-000000000001",
        "a/audit/1",
    ] {
        let refused = Ledger::memory(note_signer(name));
        assert!(matches!(refused, Err(LedgerError::BadName(_))), "{name}");
    }
}
