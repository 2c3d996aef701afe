//! Why a ledger could not do what it was asked.
use keepgate_store::StoreError;

use crate::{HeadsError, LogFault};

/// What a ledger reports. Nothing was written unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The word is well formed, but nobody told the ledger of it.
    #[error("`{0}` is none of this ledger's actions; name it in `audited`")]
    UnknownAction(String),
    /// Not a word for an action.
    #[error("`{0}` can't name an action: write `area.verb`, of a-z and -, at most 80 characters")]
    BadAction(String),
    /// Another field of a deed breaks a rule of the leaf.
    #[error("{0}")]
    BadDeed(&'static str),
    /// Not the name of a log.
    #[error("`{0}` can't name a ledger: write `<host>/audit/<uuid>`, the uuid in lower case and yours for ever")]
    BadName(String),
    /// The database has no schema `ledger`, or not for this user.
    #[error("the database holds no ledger; let its owner call `keepgate_audit::ledger::migrate` once")]
    NotMigrated,
    /// The schema was made by a newer version of this crate.
    #[error("the database's ledger has version {0}, which this program does not know")]
    Newer(i32),
    /// The database keeps the ledger of another number.
    #[error("the database keeps the ledger of another name")]
    OtherLedger,
    /// The database knows no such table, or can't watch it: a view, or a trigger of the name `audited` is there already.
    #[error("`{table}` is no table that can be watched")]
    NotWatched {
        /// As it was told.
        table: String,
        /// What the database says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log does not continue what was signed: somebody changed it. Nothing is signed.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// The memory of what was signed can't be used. Nothing is signed.
    #[error(transparent)]
    Heads(#[from] HeadsError),
    /// A file could not be written.
    #[error("`{path}` can't be written")]
    Io {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
