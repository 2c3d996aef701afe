//! Connections: which role, over what, with which limits.
use std::{future::Future, str::FromStr, sync::LazyLock, time::Duration};

use sqlx::{
    PgPool, Postgres, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};
use tokio::{sync::watch, time::Instant};

/// Changes with every [`renew`].
static RENEWED: LazyLock<watch::Sender<u64>> = LazyLock::new(|| watch::Sender::new(0));
/// A refused log-in is tried again so late at the latest.
const AGAIN: Duration = Duration::from_secs(1);
/// For a connection.
const PATIENCE: Duration = Duration::from_secs(5);

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
    PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(PATIENCE)
        .idle_timeout(Duration::from_mins(10))
        .connect_lazy_with(limited(options))
}

/// Connections that `pool` opens from now on are opened with `options`; those it has go on.
pub fn renew(pool: &PgPool, options: PgConnectOptions) {
    pool.set_connect_options(limited(options));
    RENEWED.send_modify(|count| *count = count.wrapping_add(1));
}

fn limited(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("statement_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("lock_timeout", "5s"),
    ])
}

/// A connection of `pool`. While the role's password is being changed, there is a moment when the one we have is refused already, or
/// the new one not accepted yet: that is waited out.
///
/// # Errors
/// Those of the pool.
pub async fn acquire(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    wait_out(|| pool.acquire()).await
}

/// A transaction of `pool`, with the patience of [`acquire`].
///
/// # Errors
/// Those of the pool.
pub async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    wait_out(|| pool.begin()).await
}

async fn wait_out<T, F: Future<Output = Result<T, sqlx::Error>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, sqlx::Error> {
    let (began, mut renewed) = (Instant::now(), RENEWED.subscribe());
    loop {
        renewed.mark_unchanged();
        match attempt().await {
            Err(error) if is_password_refused(&error) && began.elapsed() < PATIENCE => {
                let left = PATIENCE.saturating_sub(began.elapsed());
                // Not more often: whoever waits would keep the database busy with log-ins.
                let _ = tokio::time::timeout(left.min(AGAIN), renewed.changed()).await;
            }
            answer => return answer,
        }
    }
}

/// SQLSTATE 28P01, invalid_password.
fn is_password_refused(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some("28P01"))
}
