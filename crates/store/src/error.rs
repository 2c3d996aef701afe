//! Why a transaction could not do its work.
use keepgate_policy::{CommandError, ErrorKind};

/// What a store reports. Which rows or values were involved never appears.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another transaction won; the caller may run the work again.
    #[error("the transaction conflicted with another one")]
    Conflict,
    /// A change reached commit without an audit entry; nothing was committed.
    #[error("the transaction changed data without an audit entry")]
    Unaudited,
    /// The credential is dead: revoked, expired, disabled, or its tenant is suspended.
    #[error("the credential is no longer valid")]
    Revoked,
    /// The database's own rules refused the statement: the second wall.
    #[error("the database refused the statement")]
    Forbidden,
    /// A stored value breaks a rule of the domain. Names the place, not the value.
    #[error("`{column}` of `{table}` holds an impossible value")]
    Corrupt {
        /// Schema and table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The key that the value was sealed under was destroyed. The value is lost.
    #[error("the key that this was sealed under was destroyed; nothing opens it any more")]
    KeyGone,
    /// The store has no room left.
    #[error("the database has no disk space left")]
    Full,
    /// The store can't be reached or failed.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// A stored value that can't be read back as what it should be.
    #[must_use]
    pub const fn corrupt(table: &'static str, column: &'static str) -> Self {
        Self::Corrupt { table, column }
    }
}

impl CommandError for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Conflict => ErrorKind::Conflict,
            Self::Revoked => ErrorKind::Revoked,
            Self::Forbidden => ErrorKind::Refused("forbidden-by-database"),
            Self::Unaudited => ErrorKind::Failed("unaudited-change"),
            Self::Corrupt { .. } => ErrorKind::Failed("corrupt-value"),
            Self::KeyGone => ErrorKind::Refused("key-destroyed"),
            Self::Full => ErrorKind::Failed("database-full"),
            Self::Unavailable(_) => ErrorKind::Failed("database-unavailable"),
        }
    }
}
