//! The data directory: where it is, and what lies in it.
//!
//! | what | whose |
//! |---|---|
//! | `keepgate.toml` | the configuration, if it lies here |
//! | `keys/kek` | the key-encryption key |
//! | `keys/bootstrap.json` | the first run's codes, until they have been shown |
//! | `log-heads/heads` | what was signed last of each audit log |
//! | `node` | the id of this instance, in attestations of its clock |
//! | `tls/` | the development certificate and its authority |
//! | `pgdata/`, `run/`, `secrets/pgpass`, `postgres.log`, `keepgate.lock` | the private PostgreSQL |
use std::path::{Path, PathBuf};

use crate::{
    environment::Environment,
    exit::Exit,
    failure::{Failure, chain},
    secrets,
};
use keepgate_kernel::{Clock, RequestId, SystemClock, Uuid};
use keepgate_pg_local::{DirLock, LockError};

/// The folder of [`keepgate_audit::HeadFile`].
pub const LOG_HEADS: &str = "log-heads";

/// Less than this and nothing is started: a database without room for its log loses its footing.
const LEAST_BYTES: u64 = 64 * 1024 * 1024;

/// `/var/lib/keepgate` for root, whose home the database's user can't enter; else `keepgate` in `$XDG_DATA_HOME` or in
/// `~/.local/share`.
///
/// # Errors
/// Exit code 2 for a user without a home.
pub fn default(environment: &Environment) -> Result<PathBuf, Failure> {
    if rustix::process::geteuid().is_root() {
        return Ok("/var/lib/keepgate".into());
    }
    let home = || environment.absolute_path("HOME").map(|home| home.join(".local/share"));
    let base = environment.absolute_path("XDG_DATA_HOME").or_else(home);
    base.map(|base| base.join("keepgate")).ok_or_else(|| {
        Failure::usage(
            "no data directory",
            "neither XDG_DATA_HOME nor HOME is set",
            "name one with --data-dir",
        )
    })
}

/// The id of this instance, made on the first call. No secret.
///
/// # Errors
/// Those of the system; exit code 2 for a file that holds no id.
pub fn node(dir: &Path) -> Result<Uuid, Failure> {
    let file = dir.join("node");
    let failed = |error: &std::io::Error| Failure::io(format!("can't use {}", file.display()), error);
    match std::fs::read_to_string(&file) {
        Ok(text) => text.trim().parse().map_err(|_| {
            let what = format!("can't use {}", file.display());
            Failure::usage(what, "it holds no UUID", "remove it: the instance then gets another id")
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = RequestId::new(SystemClock.now()).uuid();
            secrets::write_private(&file, format!("{id}\n").as_bytes()).map_err(|error| failed(&error))?;
            Ok(id)
        }
        Err(error) => Err(failed(&error)),
    }
}

/// Creates the directory (0700) if it is missing, takes it, and makes its private sub-folders.
///
/// # Errors
/// Exit code 9 when another process has it, 8 when the disk is full.
pub fn take(dir: &Path) -> Result<DirLock, Failure> {
    let lock = DirLock::acquire(dir).map_err(|error| refused(dir, &error))?;
    if let Some(free) = free_bytes(lock.dir())
        && free < LEAST_BYTES
    {
        return Err(Failure::new(
            Exit::DiskFull,
            format!("can't work in {}", dir.display()),
            format!("only {} MiB of disk space are left", free / 1024 / 1024),
            "free some space, or move the data directory to a larger disk",
        ));
    }
    for folder in ["keys", "tls"] {
        let path = lock.dir().join(folder);
        secrets::create_private_dir(&path)
            .map_err(|error| Failure::io(format!("can't create {}", path.display()), &error))?;
    }
    Ok(lock)
}

/// A held directory ends with exit code 9.
pub fn refused(dir: &Path, error: &LockError) -> Failure {
    let what = format!("can't use the data directory {}", dir.display());
    match error {
        LockError::Held { pid, .. } => Failure::new(
            Exit::DataDirInUse,
            what,
            format!("another keepgate (pid {pid}) is using it"),
            "stop that one first, or give this one a directory of its own with --data-dir",
        ),
        LockError::Io { source, .. } => Failure::io(what, source),
        other => Failure::new(
            Exit::Usage,
            what,
            chain(other),
            "choose another directory with --data-dir",
        ),
    }
}

/// What the file system still has for us; `None` if it doesn't say.
pub fn free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt};

    use super::*;

    #[test]
    fn a_directory_is_made_private_and_held_by_one() {
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("data");
        let held = take(&dir).unwrap();
        for path in [dir.clone(), dir.join("keys"), dir.join("tls")] {
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700, "{}", path.display());
        }
        let said = take(&dir).unwrap_err();
        assert_eq!(said.exit, Exit::DataDirInUse);
        assert!(
            said.to_string().contains(&format!("pid {}", std::process::id())),
            "{said}"
        );
        drop(held);
        take(&dir).unwrap();
    }

    #[test]
    fn the_default_follows_xdg_and_never_root_s_home() {
        let environment: Environment = [("XDG_DATA_HOME", "/x"), ("HOME", "/u/me")].into_iter().collect();
        let home_only: Environment = [("HOME", "/u/me"), ("XDG_DATA_HOME", "relative")].into_iter().collect();
        let none: Environment = std::iter::empty::<(&str, &str)>().collect();
        if rustix::process::geteuid().is_root() {
            assert_eq!(default(&none).unwrap(), Path::new("/var/lib/keepgate"));
            return;
        }
        assert_eq!(default(&environment).unwrap(), Path::new("/x/keepgate"));
        assert_eq!(default(&home_only).unwrap(), Path::new("/u/me/.local/share/keepgate"));
        assert!(default(&none).is_err());
    }
}
