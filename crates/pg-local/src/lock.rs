//! One process per data directory.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
};

const NAME: &str = "keepgate.lock";

/// A data directory held by this process. The kernel frees it when the process ends, however it ends.
#[derive(Debug)]
pub struct DirLock {
    dir: PathBuf,
    _file: File,
}

/// Why a data directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use by another keepgate (pid {pid}); stop that one first, or give this one a data directory of its own", dir.display())]
    Held {
        /// The data directory.
        dir: PathBuf,
        /// The holder's process id, `unknown` in the instant before it has written it.
        pid: String,
    },
    /// Root would act on a directory that another user can rearrange under it.
    #[error("{} belongs to uid {owner} and keepgate runs as root; run keepgate as its owner, or chown it to root", dir.display())]
    Foreign {
        /// The data directory.
        dir: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// A system call failed.
    #[error("can't use {} as the data directory", dir.display())]
    Io {
        /// The data directory.
        dir: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl DirLock {
    /// Takes `dir`, which is created (0700) if it is missing. Returns at once, whoever holds it.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io {
            dir: dir.into(),
            source,
        };
        create(dir).map_err(failed)?;
        let dir = fs::canonicalize(dir).map_err(failed)?;
        let owner = fs::metadata(&dir).map_err(failed)?.uid();
        if rustix::process::geteuid().is_root() && owner != 0 {
            return Err(LockError::Foreign { dir, owner });
        }
        // Not truncated: until the lock is ours, the pid in it is the holder's.
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(dir.join(NAME)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    pid: read_pid(&mut file),
                    dir,
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        write_pid(&mut file).map_err(failed)?;
        Ok(Self { dir, _file: file })
    }

    /// The directory, symbolic links resolved.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Parents get the usual mode: a 0700 parent would keep the server's user out.
fn create(dir: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

fn read_pid(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().into(),
        _ => "unknown".into(),
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_taker_learns_the_first_ones_pid() {
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("data");
        let held = DirLock::acquire(&dir).unwrap();
        assert_eq!(fs::metadata(held.dir()).unwrap().mode() & 0o777, 0o700);
        let said = DirLock::acquire(&dir).unwrap_err().to_string();
        assert!(said.contains(&format!("pid {}", process::id())), "{said}");
        drop(held);
        DirLock::acquire(&dir).unwrap();
    }

    #[test]
    fn the_mode_of_an_existing_directory_is_kept() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().unwrap();
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let _held = DirLock::acquire(base.path()).unwrap();
        assert_eq!(fs::metadata(base.path()).unwrap().mode() & 0o777, 0o755);
    }
}
