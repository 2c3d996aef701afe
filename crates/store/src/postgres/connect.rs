//! Connections: which role, over what, with which limits.
use std::{str::FromStr, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};

/// A database role of the service; each logs in on its own, none can become another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Serves requests and workers, behind row-level security.
    App,
    /// Serves what happens before anybody is known: reads verifiers, opens sessions, and nothing else.
    Auth,
    /// Numbers audit entries and publishes checkpoints.
    Integrator,
    /// Runs migrations and the genesis.
    Migrator,
}

impl Role {
    /// The role's name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "kg_app",
            Self::Auth => "kg_auth",
            Self::Integrator => "kg_integrator",
            Self::Migrator => "kg_migrator",
        }
    }
}

/// Why a database address can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not a `postgres://` URL.
    #[error("the database URL can't be read")]
    Url(#[source] sqlx::Error),
    /// A network connection whose certificate would not be checked.
    #[error("the database is reached over a network without `sslmode=verify-full`")]
    Unverified,
    /// No connection.
    #[error("the database can't be reached")]
    Unreachable(#[source] sqlx::Error),
}

/// Connection options from a URL. Anything but a unix socket needs `sslmode=verify-full`.
///
/// # Errors
/// [`ConnectError::Url`] and [`ConnectError::Unverified`].
pub fn options(url: &str) -> Result<PgConnectOptions, ConnectError> {
    let options = PgConnectOptions::from_str(url).map_err(ConnectError::Url)?;
    let local = options.get_socket().is_some() || options.get_host().starts_with('/');
    if local || matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
        Ok(options.application_name("keepgate"))
    } else {
        Err(ConnectError::Unverified)
    }
}

/// A pool of at most `max` connections with the limits a service needs: 5 s to get one, 10 s for a statement, 10 s idle
/// inside a transaction. Connects lazily.
#[must_use]
pub fn pool(options: PgConnectOptions, max: u32) -> PgPool {
    let options = options.options([
        ("statement_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("lock_timeout", "5s"),
    ]);
    PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_mins(10))
        .connect_lazy_with(options)
}
