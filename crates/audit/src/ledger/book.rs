//! What memory and PostgreSQL give a ledger.
use std::ops::Range;

use async_trait::async_trait;
use keepgate_merkle::{hash::Hash, tree::Frontier};

use super::{
    LedgerError,
    deed::{Deed, Line, Receipt},
};
use crate::SignedHead;

/// A transaction of the program's own tables. Dropping it undoes everything.
#[async_trait]
pub trait LedgerTx: Send + Sized {
    /// Appends `deed` and makes both durable at once, or nothing. There is no other way to commit.
    ///
    /// # Errors
    /// [`LedgerError::UnknownAction`] and the other rules of a deed; [`keepgate_store::StoreError::Conflict`] when another
    /// transaction won: run it again.
    async fn commit(self, deed: &Deed) -> Result<Receipt, LedgerError>;
}

/// Where a ledger is kept: [`super::Memory`] or [`super::Postgres`].
pub trait Backend: Book {
    /// Its transactions. A program gives them its own methods, see [`super`].
    type Tx: LedgerTx;

    /// Begins one.
    ///
    /// # Errors
    /// [`keepgate_store::StoreError::Unavailable`] without a database.
    fn begin(&self) -> impl Future<Output = Result<Self::Tx, LedgerError>> + Send;
}

/// The kept log. Not named outside: a ledger trusts what it asks here no further than its signatures.
#[async_trait]
pub trait Book: Send + Sync {
    /// From now on `table` is audited, and `words` are actions.
    async fn declare(&self, table: &str, words: &[&str]) -> Result<(), LedgerError>;

    /// Appends a line that no change belongs to.
    async fn append(&self, line: Line) -> Result<Receipt, LedgerError>;

    /// The right edge of the tree.
    async fn edge(&self) -> Result<Frontier, LedgerError>;

    /// The newest checkpoint.
    async fn newest(&self) -> Result<Option<String>, LedgerError>;

    /// Keeps a checkpoint. Another one may be newer meanwhile, and stays the newest.
    async fn publish(&self, head: SignedHead, note: &str) -> Result<(), LedgerError>;

    /// Leaves, as far as there are any.
    async fn leaves(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, LedgerError>;

    /// Hashes of the tiles of `level`, as far as there are any: of leaves, or of full tiles below.
    async fn hashes(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, LedgerError>;
}
