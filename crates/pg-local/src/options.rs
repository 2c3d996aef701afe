//! What a caller may choose about its cluster.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{Search, Status, Tether};

/// How much the cluster's data is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every commit is on disk before it is answered; logins need a generated password (SCRAM).
    Durable,
    /// For tests: nothing is synced, and whoever can enter the socket's directory may log in as anyone. The caller
    /// removes the directory afterwards.
    Throwaway,
}

/// Called on the supervisor thread at every change of [`Status`]; it must return soon and not call back.
pub type OnChange = Box<dyn Fn(&Status) + Send>;

/// Where and how to run the cluster.
pub struct Options {
    /// The data directory. Created if missing; of what already lies in it, only `pgdata/` and `run/` are handed to
    /// the server's user.
    pub dir: PathBuf,
    /// Durable or throwaway.
    pub mode: Mode,
    /// Where to look for the server's binaries.
    pub search: Search,
    /// Login roles that get a generated password beside the superuser's. The caller creates the roles themselves.
    pub roles: Vec<String>,
    /// `max_connections` of the server.
    pub max_connections: u16,
    /// Further server settings; they win over ours.
    pub settings: Vec<(String, String)>,
    /// How the server learns of our death.
    pub tether: Tether,
    /// How long to wait for a previous server of this directory that is still shutting down.
    pub patience: Duration,
    /// How long the server may take to accept connections; crash recovery is part of it.
    pub ready_within: Duration,
    /// How long a fast shutdown may take before it becomes an immediate one.
    pub stop_within: Duration,
    /// Hears of every change of status.
    pub on_change: Option<OnChange>,
}

impl Options {
    /// The defaults of a service (100 connections) or of a test run (300).
    pub fn new(dir: impl Into<PathBuf>, mode: Mode) -> Self {
        Self {
            dir: dir.into(),
            mode,
            search: Search::default(),
            roles: Vec::new(),
            max_connections: if mode == Mode::Durable { 100 } else { 300 },
            settings: Vec::new(),
            tether: Tether::default(),
            patience: Duration::from_secs(30),
            ready_within: Duration::from_secs(120),
            stop_within: Duration::from_secs(60),
            on_change: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("dir", &self.dir)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
