//! Which database, as which roles.
use keepgate_pg_local::LocalPg;
use keepgate_store::postgres::{ConnectError, Role, options};
use sqlx::postgres::PgConnectOptions;

use super::{Door, Doors};
use crate::{
    config::{Config, DatabaseRef},
    embedded::DATABASE,
    exit::Exit,
    failure::{Failure, chain},
    secrets::Secrets,
    serve::runtime,
    tls,
};

/// How to log in as one role.
pub type Link = PgConnectOptions;

/// The database, as each role reaches it. Its `Debug` shows no password.
pub struct Databases {
    /// `embedded` or `external`.
    pub kind: &'static str,
    /// As `kg_app`.
    pub app: Link,
    /// As `kg_integrator`.
    pub integrator: Link,
    /// As `kg_migrator`; `None` when the configuration has no `migrate_url`.
    pub migrator: Option<Link>,
    /// The pools of the service, whose passwords may change.
    pub doors: Doors,
}

impl Databases {
    /// Those of the private PostgreSQL.
    ///
    /// # Errors
    /// Exit code 10 for a socket address that can't be used.
    pub fn embedded(pg: &LocalPg) -> Result<Self, Failure> {
        let link = |role: Role| link(&pg.url(DATABASE, role.name()));
        let (app, auth, integrator) = (link(Role::App)?, link(Role::Auth)?, link(Role::Integrator)?);
        Ok(Self {
            kind: "embedded",
            // The private server's passwords are made anew at each start.
            doors: Doors {
                app: Door::fixed("database_url", app.clone()),
                auth: Door::fixed("auth_url", auth),
                integrator: Door::fixed("integrator_url", integrator.clone()),
            },
            app,
            integrator,
            migrator: Some(link(Role::Migrator)?),
        })
    }

    /// Those of the configuration; `None` if it names none.
    ///
    /// # Errors
    /// Exit code 2 for a URL that can't be used, 4 for a secret that can't be read.
    pub fn external(config: &Config) -> Result<Option<Self>, Failure> {
        if config.database_url.is_none() {
            return Ok(None);
        }
        tls::install_provider();
        let secrets = runtime()?.block_on(Secrets::open_some(config, |key| key.ends_with("_url")))?;
        Self::following(config, &secrets)
    }

    /// The same, with passwords that may change while the service runs.
    ///
    /// # Errors
    /// As [`Databases::external`].
    pub fn following(config: &Config, secrets: &Secrets) -> Result<Option<Self>, Failure> {
        let (Some(app), Some(auth), Some(integrator)) =
            (&config.database_url, &config.auth_url, &config.integrator_url)
        else {
            return Ok(None);
        };
        let door = |key, reference: &DatabaseRef| match reference {
            DatabaseRef::Url(url) => Ok(Door::fixed(key, link(url)?)),
            DatabaseRef::Secret(secret) => Door::of(key, secrets.live(secret)?),
        };
        let doors = Doors {
            app: door("database_url", app)?,
            auth: door("auth_url", auth)?,
            integrator: door("integrator_url", integrator)?,
        };
        let migrator = config
            .migrate_url
            .as_ref()
            .map(|reference| door("migrate_url", reference));
        Ok(Some(Self {
            kind: "external",
            app: doors.app.link(),
            integrator: doors.integrator.link(),
            migrator: migrator.transpose()?.map(|door| door.link()),
            doors,
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
    use crate::{config::parsed, secrets::write_private};

    #[test]
    fn a_network_connection_without_verification_is_refused() {
        let refused = link("postgres://kg_app@db.example/keepgate").err().unwrap();
        assert_eq!(refused.exit, Exit::Usage);
        assert!(link("postgres://kg_app@db.example/d?sslmode=verify-full").is_ok());
        assert!(link("postgres://kg_app@%2Frun%2Fpg/d").is_ok());
    }

    #[test]
    fn a_url_with_a_password_comes_from_a_secret_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db.url");
        write_private(&path, b"postgres://kg_app:hunter2@%2Frun%2Fpg/d\n").unwrap();
        let config = parsed(&format!(
            "database_url = \"secret://file{}\"\nauth_url = \"postgres://kg_auth@%2Frun%2Fpg/d\"\n\
             integrator_url = \"postgres://kg_integrator@%2Frun%2Fpg/d\"",
            path.display()
        ));
        let databases = Databases::external(&config).unwrap().unwrap();
        assert_eq!(databases.app.get_username(), "kg_app");
        assert!(!format!("{:?}", databases.doors.app).contains("hunter2"));
        std::fs::remove_file(&path).unwrap();
        let said = Databases::external(&config).err().unwrap();
        assert_eq!(said.exit, Exit::KeyFile);
        assert!(said.to_string().contains("database_url"), "{said}");
    }
}
