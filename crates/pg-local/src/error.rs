//! Why a cluster did not start or stop: what happened, why, and what to do.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{FindError, LockError};

/// Why [`LocalPg::start`](crate::LocalPg::start) gave up. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No usable server binaries.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The data directory could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Root, and nobody to run the server as.
    #[error(
        "running as root, as which PostgreSQL refuses to run, and /etc/passwd has none of the users {wanted}; create one (`useradd --system keepgate`) or run keepgate as a user of its own"
    )]
    NoUser {
        /// The names tried.
        wanted: String,
    },
    /// The server's user can't get to a directory it needs.
    #[error(
        "PostgreSQL runs as `{user}`, who may not enter {}; choose another data directory such as /var/lib/keepgate, or `chmod o+x` it", dir.display()
    )]
    Unreachable {
        /// The server's user.
        user: String,
        /// The first directory on the way that refuses it.
        dir: PathBuf,
    },
    /// The directory belongs to another user.
    #[error("{} belongs to uid {owner}, but keepgate runs as uid {us}; run keepgate as its owner, or chown it", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Our effective uid.
        us: u32,
    },
    /// A socket address holds about a hundred bytes.
    #[error("the socket path {} is longer than the {limit} bytes the system allows; choose a shorter data directory", path.display())]
    SocketPath {
        /// The socket's path.
        path: PathBuf,
        /// The system's limit, in bytes.
        limit: usize,
    },
    /// `pgdata` is there, but no cluster in it.
    #[error("{} holds files but no PG_VERSION, so it is not a cluster; move it away or restore it from a backup", pgdata.display())]
    NotACluster {
        /// The directory.
        pgdata: PathBuf,
    },
    /// The cluster is there, its passwords are not.
    #[error("the cluster's passwords are missing: {} is gone; restore it from the backup that holds the cluster", path.display())]
    NoPasswords {
        /// Where they should be.
        path: PathBuf,
    },
    /// The password file is open to others or damaged.
    #[error("{} {problem}", path.display())]
    BadPasswords {
        /// The password file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// `initdb` failed.
    #[error("initdb could not create the cluster: {output}")]
    Initdb {
        /// What it said.
        output: String,
    },
    /// A previous server of this directory would not end.
    #[error("another PostgreSQL (pid {pid}) has been using {} for {} s; stop it with `kill -INT {pid}`", pgdata.display(), waited.as_secs())]
    Busy {
        /// One of its processes.
        pid: i32,
        /// The cluster.
        pgdata: PathBuf,
        /// How long we waited.
        waited: Duration,
    },
    /// The server ended before it was ready.
    #[error("PostgreSQL ended at once ({how}); its last words: {log}")]
    Died {
        /// Its exit status.
        how: String,
        /// The end of its log.
        log: String,
    },
    /// The server was not ready in time.
    #[error("PostgreSQL was not ready within {} s; see {}", within.as_secs(), log.display())]
    Slow {
        /// The limit.
        within: Duration,
        /// Its log file.
        log: PathBuf,
    },
    /// `stop` came first.
    #[error("stopped before PostgreSQL was ready")]
    Cancelled,
    /// A system call failed.
    #[error("can't {what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// Why [`LocalPg::stop`](crate::LocalPg::stop) was not clean.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The server had to be killed. Nothing committed is lost: the next start recovers it.
    #[error("PostgreSQL did not stop within {} s and was killed; its next start runs crash recovery", within.as_secs())]
    Forced {
        /// How long it was given.
        within: Duration,
    },
}

/// Names what an I/O operation was for.
pub(crate) trait Doing<T> {
    fn doing(self, verb: &str, path: &Path) -> Result<T, StartError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, verb: &str, path: &Path) -> Result<T, StartError> {
        self.map_err(|source| StartError::Io {
            what: format!("{verb} {}", path.display()),
            source,
        })
    }
}
