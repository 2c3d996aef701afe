//! A log for a program of its own: audited tables without the gateway, in memory or on PostgreSQL.
//!
//! A program tells the [`Ledger`] which of its tables are audited and what its actions are called, and commits through it.
//! A change and the entry about it become durable together; a change without one is refused, by the types in memory
//! and by the database on PostgreSQL, whoever makes it. The log has the formats of the gateway's (`docs/audit-format.md`),
//! so `keepgate audit verify` and other people's verifiers check it. `docs/library.md` begins at the beginning.
//!
//! ```
//! # use keepgate_audit::ledger::{Deed, Ledger, LedgerTx, MemoryTx};
//! # use keepgate_kernel::{PrincipalId, PrincipalKind};
//! # use keepgate_merkle::note::NoteSigner;
//! # #[derive(Debug, Clone, Default)]
//! # struct Stock(std::collections::BTreeMap<String, u32>);
//! # trait Parts { async fn add(&mut self, part: &str, pieces: u32) -> Result<(), Box<dyn std::error::Error>>; }
//! # impl Parts for MemoryTx {
//! #     async fn add(&mut self, part: &str, pieces: u32) -> Result<(), Box<dyn std::error::Error>> {
//! #         *self.write::<Stock>().0.entry(part.to_owned()).or_default() += pieces;
//! #         Ok(())
//! #     }
//! # }
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let ann = PrincipalId::new(PrincipalKind::User, "2026-01-02T03:04:05Z".parse::<keepgate_kernel::Timestamp>()?);
//! let name = "stock.example/audit/0190a000-0000-7000-8000-000000000001"; // its uuid is this ledger's for ever
//! let ledger = Ledger::memory(NoteSigner::from_seed(name.parse()?, &[7; 32])?)?; // a fixture, no real key
//!
//! ledger.audited("stock.part", &["part.add", "part.take"]).await?;
//! let mut tx = ledger.begin().await?;
//! tx.add("m4-screw", 500).await?;
//! let receipt = tx.commit(&Deed::new("part.add", "part:m4-screw", ann)).await?;
//! let take = Deed::new("part.take", "part:m4-screw", ann);
//! ledger.refused(&take, "out-of-stock").await?;
//! let checkpoint = ledger.checkpoint().await?;
//! let proof = ledger.proof(receipt.index).await?.ok_or("a checkpoint covers it")?;
//! proof.verify(&receipt.leaf_hash, ledger.origin(), &ledger.verifiers())?;
//!
//! assert_eq!(checkpoint.size, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `add` is the program's own: a trait with what it does to its tables, implemented for [`MemoryTx`] (rows of any type,
//! [`MemoryTx::write`]) and for `PostgresTx` (SQL on its `conn`). `examples/stock.rs` is the whole program.
use std::sync::Arc;

use futures_util::lock::Mutex;
use keepgate_kernel::{Clock, Outcome, SystemClock, TenantId};
use keepgate_merkle::note::VerifierKey;

use crate::{LogKeys, SignedHeads, integrate::tenant_of};

mod book;
mod deed;
mod error;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod read;
mod sign;

pub use book::{Backend, LedgerTx};
pub use deed::{Deed, MAX_ACTION, Receipt};
pub use error::LedgerError;
pub use memory::{Memory, MemoryTx};
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresTx, migrate};

/// A log and the tables it watches. Clones share both. On PostgreSQL several programs may keep one ledger.
#[derive(Clone)]
pub struct Ledger<B> {
    book: B,
    keys: Arc<LogKeys>,
    heads: Option<Arc<dyn SignedHeads>>,
    clock: Arc<dyn Clock>,
    /// One checkpoint after the other: what is remembered must not go back.
    signing: Arc<Mutex<()>>,
}

impl Ledger<Memory> {
    /// An empty ledger in memory. The keys' name is its name: `<host>/audit/<uuid>`.
    ///
    /// # Errors
    /// [`LedgerError::BadName`].
    pub fn memory(keys: impl Into<LogKeys>) -> Result<Self, LedgerError> {
        let keys = keys.into();
        let tenant = named(keys.name())?;
        Ok(Self::over(Memory::new(tenant), keys))
    }
}

/// The number in a ledger's name.
fn named(origin: &str) -> Result<TenantId, LedgerError> {
    tenant_of(origin).ok_or_else(|| LedgerError::BadName(origin.to_owned()))
}

impl<B: Backend> Ledger<B> {
    fn over(book: B, keys: LogKeys) -> Self {
        Self {
            book,
            keys: Arc::new(keys),
            heads: None,
            clock: Arc::new(SystemClock),
            signing: Arc::default(),
        }
    }

    /// Remembers what it signed in `heads`, such as a [`crate::HeadFile`], outside of the database: then a database that was
    /// taken back to an earlier day is noticed, and nothing is signed for it.
    #[must_use]
    pub fn remembering(mut self, heads: Arc<dyn SignedHeads>) -> Self {
        self.heads = Some(heads);
        self
    }

    /// Its name.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.keys.name()
    }

    /// The public halves of its keys: what a stranger needs, and must get from elsewhere than the log.
    #[must_use]
    pub fn verifiers(&self) -> Vec<VerifierKey> {
        self.keys.verifiers()
    }

    /// From now on `table` is audited, and `actions` are among what its entries may say. Safe to repeat. On PostgreSQL the
    /// caller owns the table, unless it is watched already and the actions are known.
    ///
    /// # Errors
    /// [`LedgerError::BadAction`], [`LedgerError::NotWatched`]; [`keepgate_store::StoreError::Forbidden`] when the table is
    /// another's.
    pub async fn audited(&self, table: &str, actions: &[&str]) -> Result<(), LedgerError> {
        self.book.declare(table, actions).await
    }

    /// Begins a transaction. [`LedgerTx::commit`] takes the entry along.
    ///
    /// # Errors
    /// [`keepgate_store::StoreError::Unavailable`] without a database.
    pub async fn begin(&self) -> Result<B::Tx, LedgerError> {
        self.book.begin().await
    }

    /// Records that `deed` was refused, and why: a word such as `out-of-stock`.
    ///
    /// # Errors
    /// The rules of a deed; [`keepgate_store::StoreError::Unavailable`] without a database.
    pub async fn refused(&self, deed: &Deed, reason: &str) -> Result<Receipt, LedgerError> {
        self.book.append(deed.line(Outcome::Refused, Some(reason))?).await
    }

    /// Records that `deed` failed, and why: a word such as `scanner-broken`.
    ///
    /// # Errors
    /// As [`Ledger::refused`].
    pub async fn failed(&self, deed: &Deed, reason: &str) -> Result<Receipt, LedgerError> {
        self.book.append(deed.line(Outcome::Failed, Some(reason))?).await
    }
}

impl<B> std::fmt::Debug for Ledger<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("origin", &self.keys.name())
            .finish_non_exhaustive()
    }
}
