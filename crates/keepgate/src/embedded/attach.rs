//! Joining the private PostgreSQL of a data directory, whether a service is running on it or not.
use std::path::{Path, PathBuf};

use keepgate_pg_local::{DirLock, FindError, LocalPg, LockError, find};

use super::start::{self, search};
use crate::{
    config::Config,
    data_dir,
    environment::Environment,
    exit::Exit,
    failure::{Failure, chain},
    secrets::PrivateFile,
};

/// A server that answers while this value lives.
pub struct Attached {
    /// Ours to stop; `None` beside a running service.
    own: Option<LocalPg>,
    dir: PathBuf,
    bin_dir: PathBuf,
}

impl Attached {
    /// Joins the running server, or starts it.
    ///
    /// # Errors
    /// Exit code 2 when the directory holds no cluster, 10 when it can't be started.
    pub fn to(config: &Config, environment: &Environment) -> Result<Self, Failure> {
        let dir = &config.data_dir;
        if !dir.join("pgdata/PG_VERSION").exists() {
            return Err(Failure::usage(
                format!("{} holds no database", dir.display()),
                if config.database_url.is_some() {
                    "the configuration names a database of your own"
                } else {
                    "nothing was started there yet"
                },
                "name the directory of a private PostgreSQL with --data-dir",
            ));
        }
        match DirLock::acquire(dir) {
            Ok(lock) => {
                let pg = start::start(config, environment, lock)?;
                let (dir, bin_dir) = (pg.dir().to_owned(), pg.binaries().bin_dir.clone());
                Ok(Self {
                    own: Some(pg),
                    dir,
                    bin_dir,
                })
            }
            Err(LockError::Held { dir, .. }) => {
                let bin_dir = running_binaries(config, environment, &dir).map_err(|error| {
                    Failure::new(
                        Exit::NoPostgres,
                        "can't find the binaries of the running PostgreSQL",
                        chain(&error),
                        "install psql",
                    )
                })?;
                Ok(Self {
                    own: None,
                    dir,
                    bin_dir,
                })
            }
            Err(error) => Err(data_dir::refused(dir, &error)),
        }
    }

    /// The socket's directory.
    pub fn socket_dir(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// The passwords, in libpq's format, mode 0600.
    pub fn pgpass(&self) -> PathBuf {
        self.dir.join("secrets/pgpass")
    }

    /// Where its binaries are.
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// Whether the server was started for us and goes with us.
    pub const fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// A URL with the password of `role`: a secret.
    ///
    /// # Errors
    /// Exit code 4 when the passwords can't be read.
    pub fn url(&self, database: &str, role: &str) -> Result<String, Failure> {
        if let Some(pg) = &self.own {
            return Ok(pg.url(database, role));
        }
        let refused = |why: String| {
            Failure::new(
                Exit::KeyFile,
                "can't read the cluster's passwords",
                why,
                "run this as the owner of the data directory",
            )
        };
        let content = PrivateFile::open(&self.pgpass())
            .and_then(PrivateFile::read)
            .map_err(|error| refused(error.to_string()))?;
        let text = String::from_utf8_lossy(&content);
        let mut lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("*:*:*:")?.split_once(':'));
        let password = lines.find_map(|(name, password)| (name == role).then_some(password));
        let password = password.ok_or_else(|| refused(format!("there is none for {role}")))?;
        let host = self
            .socket_dir()
            .display()
            .to_string()
            .replace('%', "%25")
            .replace('/', "%2F")
            .replace(' ', "%20");
        Ok(format!("postgres://{role}:{password}@{host}/{database}"))
    }
}

/// The running server was made by the binaries that made the cluster.
fn running_binaries(config: &Config, environment: &Environment, dir: &Path) -> Result<PathBuf, FindError> {
    let version = std::fs::read_to_string(dir.join("pgdata/PG_VERSION")).unwrap_or_default();
    Ok(find::find(&search(config, environment), version.trim().parse().ok())?.bin_dir)
}
