//! Which database, as which roles.
use keepgate_pg_local::LocalPg;
use keepgate_store::postgres::{ConnectError, Role, options};
use secrecy::ExposeSecret;
use sqlx::postgres::PgConnectOptions;

use crate::{
    config::{Config, DatabaseRef},
    embedded::DATABASE,
    exit::Exit,
    failure::{Failure, chain},
};

/// How to log in as one role.
pub type Link = PgConnectOptions;

/// The database, as each role reaches it. Its `Debug` shows no password.
pub struct Databases {
    /// `embedded` or `external`.
    pub kind: &'static str,
    /// As `kg_app`.
    pub app: Link,
    /// As `kg_auth`.
    pub auth: Link,
    /// As `kg_integrator`.
    pub integrator: Link,
    /// As `kg_migrator`; `None` when the configuration has no `migrate_url`.
    pub migrator: Option<Link>,
}

impl Databases {
    /// Those of the private PostgreSQL.
    ///
    /// # Errors
    /// Exit code 10 for a socket address that can't be used.
    pub fn embedded(pg: &LocalPg) -> Result<Self, Failure> {
        let link = |role: Role| link(&pg.url(DATABASE, role.name()));
        Ok(Self {
            kind: "embedded",
            app: link(Role::App)?,
            auth: link(Role::Auth)?,
            integrator: link(Role::Integrator)?,
            migrator: Some(link(Role::Migrator)?),
        })
    }

    /// Those of the configuration; `None` if it names none.
    ///
    /// # Errors
    /// Exit code 2 for a URL that can't be used, 4 for a secret that can't be read.
    pub fn external(config: &Config) -> Result<Option<Self>, Failure> {
        let (Some(app), Some(auth), Some(integrator)) =
            (&config.database_url, &config.auth_url, &config.integrator_url)
        else {
            return Ok(None);
        };
        let migrator = config.migrate_url.as_ref().map(settle).transpose()?;
        Ok(Some(Self {
            kind: "external",
            app: settle(app)?,
            auth: settle(auth)?,
            integrator: settle(integrator)?,
            migrator,
        }))
    }

    /// As `kg_migrator`.
    ///
    /// # Errors
    /// Exit code 2 when the configuration has no `migrate_url`.
    pub fn migrator(&self) -> Result<&Link, Failure> {
        self.migrator.as_ref().ok_or_else(|| {
            Failure::usage(
                "can't log in as kg_migrator",
                "the configuration has no migrate_url",
                "set migrate_url to the same database with the role kg_migrator",
            )
        })
    }
}

/// A link from the configuration, its secret read.
///
/// # Errors
/// As [`Databases::external`].
fn settle(reference: &DatabaseRef) -> Result<Link, Failure> {
    match reference {
        DatabaseRef::Url(url) => link(url),
        DatabaseRef::Secret(secret) => {
            let url = secret.read().map_err(|error| {
                Failure::new(
                    Exit::KeyFile,
                    "can't read a database URL",
                    error.to_string(),
                    error.help(),
                )
            })?;
            link(url.expose_secret())
        }
    }
}

/// A link from a URL.
///
/// # Errors
/// Exit code 2 for one that can't be used.
pub fn link(url: &str) -> Result<Link, Failure> {
    options(url).map_err(|error| connect_failure(&error))
}

/// Why a database can't be used, without its URL.
pub fn connect_failure(error: &ConnectError) -> Failure {
    match error {
        ConnectError::Unverified => Failure::usage(
            "refusing a database connection that can be listened to",
            "over a network the server's certificate must be checked",
            "add sslmode=verify-full (and sslrootcert=FILE for a private authority) to the URL, or use a unix socket",
        ),
        ConnectError::Url(_) => Failure::usage(
            "can't read a database URL",
            "it is not postgres://USER@HOST/DATABASE?sslmode=verify-full",
            "correct database_url, auth_url, integrator_url or migrate_url; a socket directory is percent-encoded as the host",
        ),
        ConnectError::Unreachable(_) => Failure::new(
            Exit::Incomplete,
            "can't reach the database",
            chain(error),
            "check that it runs and that the role may log in",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_connection_without_verification_is_refused() {
        let refused = settle(&DatabaseRef::Url("postgres://kg_app@db.example/keepgate".into()))
            .err()
            .unwrap();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(
            settle(&DatabaseRef::Url(
                "postgres://kg_app@db.example/d?sslmode=verify-full".into()
            ))
            .is_ok()
        );
        assert!(settle(&DatabaseRef::Url("postgres://kg_app@%2Frun%2Fpg/d".into())).is_ok());
    }

    #[test]
    fn a_url_with_a_password_comes_from_a_private_file_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        crate::secrets::write_private(&path, b"postgres://kg_app:hunter2@%2Frun%2Fpg/d\n").unwrap();
        let secret = DatabaseRef::Secret(format!("secret://file{}", path.display()).parse().unwrap());
        assert!(settle(&secret).is_ok());
    }
}
