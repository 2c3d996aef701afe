//! SQLSTATE to [`StoreError`].
use crate::StoreError;

/// Codes that Keepgate's own functions raise.
pub mod sqlstate {
    /// `gate.enter` does not believe the claims, or the credential is dead.
    pub const NOT_ENTERED: &str = "KG001";
    /// A change reached commit without an audit entry.
    pub const UNAUDITED: &str = "KG002";
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(|e| e.code())
            .map(|code| code.into_owned());
        match code.as_deref() {
            // serialization failure, deadlock, unique violation, lock not available
            Some("40001" | "40P01" | "23505" | "55P03") => Self::Conflict,
            Some(sqlstate::NOT_ENTERED) => Self::Revoked,
            Some(sqlstate::UNAUDITED) => Self::Unaudited,
            Some("42501") => Self::Forbidden,
            Some("53100") => Self::Full,
            _ => Self::Unavailable(Box::new(error)),
        }
    }
}
