//! Starting it.
use keepgate_pg_local::{DirLock, FindError, LocalPg, Mode, Options, Search, StartError, Status, cache, provision};

use super::{ROLES, fetch};
use crate::{
    config::Config,
    data_dir,
    environment::Environment,
    exit::Exit,
    failure::{Failure, chain},
};

/// Starts the private PostgreSQL in the directory that `lock` holds. When this machine has no server binaries, they are
/// fetched once.
///
/// # Errors
/// Exit code 10 when it can't be found or started, 8 when the disk is full.
pub fn start(config: &Config, environment: &Environment, lock: DirLock) -> Result<LocalPg, Failure> {
    let dir = lock.dir().to_owned();
    match LocalPg::start_in(lock, options(config, environment)) {
        Err(StartError::Find(FindError::Missing { .. })) if config.postgres.bin_dir.is_none() => {
            let bin_dir = fetch::binaries(environment)?;
            let mut options = options(config, environment);
            options.search.bin_dir = Some(bin_dir);
            let lock = DirLock::acquire(&dir).map_err(|error| data_dir::refused(&dir, &error))?;
            LocalPg::start_in(lock, options).map_err(|error| failed(config, &error))
        }
        started => started.map_err(|error| failed(config, &error)),
    }
}

fn options(config: &Config, environment: &Environment) -> Options {
    let mut options = Options::new(&config.data_dir, Mode::Durable);
    options.search = search(config, environment);
    options.roles = ROLES.map(String::from).to_vec();
    options.max_connections = config.postgres.max_connections;
    options.on_change = Some(Box::new(|status| match status {
        Status::Ready { pid } => tracing::info!(pid, "the private PostgreSQL accepts connections"),
        Status::Restarting { attempt, why } => {
            tracing::error!(attempt, why, "the private PostgreSQL died and is started again")
        }
        Status::Starting | Status::Stopped => {}
    }));
    options
}

/// Where the binaries are looked for.
pub fn search(config: &Config, environment: &Environment) -> Search {
    let cached = cache_dir(environment).and_then(|cache| provision::installed(&cache));
    Search {
        bin_dir: config.postgres.bin_dir.clone(),
        path: environment.get("PATH").map(ToOwned::to_owned),
        also: cached.into_iter().collect(),
    }
}

/// Where fetched binaries are kept.
pub fn cache_dir(environment: &Environment) -> Option<std::path::PathBuf> {
    let is_root = rustix::process::geteuid().is_root();
    cache::cache_dir(is_root, environment.get("XDG_CACHE_HOME"), environment.get("HOME"))
}

fn failed(config: &Config, error: &StartError) -> Failure {
    let what = "can't start the private PostgreSQL";
    if data_dir::free_bytes(&config.data_dir).is_some_and(|free| free < 16 * 1024 * 1024) {
        return Failure::new(Exit::DiskFull, what, chain(error), "free some space and start again");
    }
    match error {
        StartError::Lock(error) => data_dir::refused(&config.data_dir, error),
        StartError::Io { source, .. } if matches!(source.kind(), std::io::ErrorKind::StorageFull) => {
            Failure::io(what, source)
        }
        StartError::NoPasswords { .. } | StartError::BadPasswords { .. } => Failure::new(
            Exit::KeyFile,
            what,
            chain(error),
            "the cluster's passwords belong to the backup of the data directory",
        ),
        _ => {
            // The way out is the part behind the semicolon.
            let told = chain(error);
            let (why, help) = told
                .split_once("; ")
                .unwrap_or((&told, "see postgres.log in the data directory"));
            Failure::new(Exit::NoPostgres, what, why, help)
        }
    }
}
