//! A throwaway cluster for one command.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context, Result};
use keepgate_pg_local::{Binaries, LocalPg, Mode, Options, Search};
use rustix::process::{Pid, test_kill_process};

const PREFIX: &str = "keepgate-test-";
/// Memory file systems in containers can be as small as 64 MiB; a cluster with its test databases takes some hundred.
const ROOM: u64 = 1 << 30;

/// Stops and disappears when it is dropped.
pub struct Throwaway {
    pg: Option<LocalPg>,
    dir: PathBuf,
}

impl Throwaway {
    /// Starts one with these binaries, in memory if there is room.
    pub fn start(binaries: &Binaries) -> Result<Self> {
        Self::on(&base(), binaries, &[])
    }

    /// Starts one that keeps what it commits, as the service's own does, on the disk that holds the build: to measure.
    pub fn durable(binaries: &Binaries) -> Result<Self> {
        let settings = [
            ("fsync", "on"),
            ("synchronous_commit", "on"),
            ("full_page_writes", "on"),
            ("wal_level", "replica"),
            ("max_wal_senders", "10"),
            ("autovacuum", "on"),
        ];
        Self::on(&crate::workspace::target()?, binaries, &settings)
    }

    fn on(base: &Path, binaries: &Binaries, settings: &[(&str, &str)]) -> Result<Self> {
        sweep(base);
        // A short path: the socket's has a limit.
        let dir = base.join(format!("{PREFIX}{}", process::id()));
        let mut options = Options::new(&dir, Mode::Throwaway);
        options.settings = settings
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect();
        options.search = Search {
            bin_dir: Some(binaries.bin_dir.clone()),
            ..Search::default()
        };
        let pg = LocalPg::start(options).context("can't start a throwaway PostgreSQL")?;
        Ok(Self { pg: Some(pg), dir })
    }

    /// Logs in as the superuser, over the unix socket.
    pub fn url(&self) -> String {
        self.pg
            .as_ref()
            .map(|pg| pg.url("postgres", pg.superuser()))
            .unwrap_or_default()
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        drop(self.pg.take());
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn base() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).is_ok_and(|fs| fs.f_bavail * fs.f_frsize >= ROOM);
    if room { memory.into() } else { std::env::temp_dir() }
}

/// A command that was killed leaves its directory behind, named after its process.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| Pid::from_raw(name.strip_prefix(PREFIX)?.parse().ok()?));
        if owner.is_some_and(|pid| test_kill_process(pid).is_err()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
