//! A stock list that keeps its own audited table with `keepgate-audit` alone, without the gateway.
//!
//! `cargo run -p keepgate-audit --example stock` keeps it in memory; with a database behind it,
//! `cargo run -p keepgate-audit --example stock -- postgres://…` on PostgreSQL, in the schemas `stock` and `ledger`.
use std::{collections::BTreeMap, error::Error, io::Write};

use keepgate_audit::ledger::{self, Backend, Deed, Ledger, LedgerTx, MemoryTx, PostgresTx};
use keepgate_kernel::{PrincipalId, PrincipalKind, Uuid};
use keepgate_merkle::{note::NoteSigner, tlog_proof::TlogProof};
use sqlx::PgPool;

type Anything<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The name of this ledger. The uuid is its own for ever; the host names it and is never connected to.
pub const NAME: &str = "stock.example/audit/0190a000-0000-7000-8000-000000000001";

/// What the program does to its table, written once for each place where it can be.
pub trait Parts {
    /// Adds pieces of a part.
    fn add(&mut self, part: &str, pieces: i32) -> impl Future<Output = Anything<()>> + Send;
}

/// The table in memory.
#[derive(Debug, Clone, Default)]
pub struct Stock(pub BTreeMap<String, i32>);

impl Parts for MemoryTx {
    async fn add(&mut self, part: &str, pieces: i32) -> Anything<()> {
        *self.write::<Stock>().0.entry(part.to_owned()).or_default() += pieces;
        Ok(())
    }
}

/// The table in PostgreSQL.
pub const TABLE: [&str; 2] = [
    "create schema if not exists stock",
    "create table if not exists stock.part (name text primary key, pieces int not null check (pieces >= 0))",
];

impl Parts for PostgresTx {
    async fn add(&mut self, part: &str, pieces: i32) -> Anything<()> {
        sqlx::query(
            "insert into stock.part as p values ($1, $2) on conflict (name) do update set pieces = p.pieces + $2",
        )
        .bind(part)
        .bind(pieces)
        .execute(self.conn())
        .await?;
        Ok(())
    }
}

/// The program: what it is about, who may do it and what it shows are left out.
pub async fn stock<B: Backend<Tx: Parts>>(ledger: &Ledger<B>, ann: PrincipalId) -> Anything<TlogProof> {
    // ten lines
    ledger.audited("stock.part", &["part.add", "part.take"]).await?;
    let mut tx = ledger.begin().await?;
    tx.add("m4-screw", 500).await?;
    let receipt = tx.commit(&Deed::new("part.add", "part:m4-screw", ann)).await?;
    let take = Deed::new("part.take", "part:m4-screw", ann);
    ledger.refused(&take, "out-of-stock").await?;
    let checkpoint = ledger.checkpoint().await?;
    let proof = ledger.proof(receipt.index).await?.ok_or("a checkpoint covers it")?;
    proof.verify(&receipt.leaf_hash, ledger.origin(), &ledger.verifiers())?;
    // so far
    let mut out = std::io::stdout();
    writeln!(out, "entry {} of {} is proved:\n", receipt.index, checkpoint.size)?;
    writeln!(out, "{proof}")?;
    Ok(proof)
}

/// In memory.
pub async fn in_memory(signer: NoteSigner, ann: PrincipalId) -> Anything<TlogProof> {
    stock(&Ledger::memory(signer)?, ann).await
}

/// On PostgreSQL. What makes tables belongs to an installation; then the database refuses whoever forgets the entry.
pub async fn on_postgres(pool: PgPool, signer: NoteSigner, ann: PrincipalId) -> Anything<TlogProof> {
    for statement in TABLE {
        sqlx::query(statement).execute(&pool).await?;
    }
    ledger::migrate(&pool, NAME).await?;
    let ledger = Ledger::postgres(pool.clone(), signer).await?;
    let proof = stock(&ledger, ann).await?;
    let forgotten = sqlx::query("update stock.part set pieces = 0").execute(&pool).await;
    let refusal = forgotten.err().ok_or("the database takes a change without an entry")?;
    writeln!(std::io::stdout(), "a change without an entry: {refusal}")?;
    Ok(proof)
}

#[tokio::main]
async fn main() -> Anything<()> {
    // A fixture, no real key: 32 random bytes, kept where the database's owner can't read them.
    let signer = NoteSigner::from_seed(NAME.parse()?, &[7; 32])?;
    let ann = PrincipalId::from_parts(
        PrincipalKind::User,
        Uuid::from_u128(0x0190_a000_0000_7000_8000_0000_0000_0002),
    );
    match std::env::args().nth(1) {
        None => in_memory(signer, ann).await?,
        Some(url) => on_postgres(PgPool::connect(&url).await?, signer, ann).await?,
    };
    Ok(())
}
