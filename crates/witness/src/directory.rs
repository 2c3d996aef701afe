//! A store in a directory: one folder for each log, named by the SHA-256 of its origin.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use data_encoding::HEXLOWER;
use keepgate_merkle::note::Note;
use sha2::{Digest, Sha256};

use crate::{Decide, MAX_EVIDENCE, Store, StoreError};

/// Checkpoints as files, for one process at a time.
#[derive(Debug)]
pub struct DirectoryStore {
    root: PathBuf,
    /// Held as long as the store lives.
    _lock: File,
    deciding: Mutex<()>,
}

fn failed(what: &str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let what = format!("{what} {}", path.display());
    move |source| StoreError::Io { what, source }
}

/// The name of a log's folder, and of its checkpoint in the protocol.
pub(crate) fn hash_of(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

impl DirectoryStore {
    /// Opens the store in `root`, which is made (mode 0700) if it is not there.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process has it; [`StoreError::Io`].
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        make(root)?;
        let path = root.join("lock");
        let lock = options().create(true).truncate(false).open(&path);
        let lock = lock.map_err(failed("opening", &path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                root: root.to_owned(),
                _lock: lock,
                deciding: Mutex::new(()),
            }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(root.display().to_string())),
            Err(TryLockError::Error(source)) => Err(failed("locking", &path)(source)),
        }
    }

    fn folder(&self, origin: &str) -> PathBuf {
        self.root.join(hash_of(origin.as_bytes()))
    }
}

impl Store for DirectoryStore {
    fn update(&self, origin: &str, decide: Decide<'_>) -> Result<(), StoreError> {
        let _alone = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = decide(self.latest(origin)?.as_ref()) else {
            return Ok(());
        };
        let folder = self.folder(origin);
        make(&folder)?;
        replace(&folder.join("checkpoint"), next.to_string().as_bytes())?;
        // The folder's own name must outlast a crash, too.
        sync(&self.root)
    }

    fn latest(&self, origin: &str) -> Result<Option<Note>, StoreError> {
        let path = self.folder(origin).join("checkpoint");
        match fs::read(&path) {
            Ok(bytes) => Note::parse(&bytes)
                .map(Some)
                .map_err(|_| StoreError::Corrupt(path.display().to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("reading", &path)(error)),
        }
    }

    fn keep(&self, origin: &str, request: &[u8]) -> Result<(), StoreError> {
        let _alone = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.folder(origin).join("evidence");
        make(&self.folder(origin))?;
        make(&folder)?;
        let path = folder.join(hash_of(request));
        if path.exists() || list(&folder)?.len() >= MAX_EVIDENCE {
            return Ok(());
        }
        replace(&path, request)
    }

    fn evidence(&self, origin: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        let folder = self.folder(origin).join("evidence");
        let read = |path: PathBuf| fs::read(&path).map_err(failed("reading", &path));
        list(&folder)?.into_iter().map(read).collect()
    }
}

/// The finished files of a folder, in the order of their names.
fn list(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed("listing", folder))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed("listing", folder))?.path();
        if path.extension().is_none() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn make(folder: &Path) -> Result<(), StoreError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed("making", folder)(error)),
        _ => Ok(()),
    }
}

/// Puts `bytes` at `path` so that whoever reads it, even after a crash, finds the former content or all of this one.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let aside = path.with_extension("new");
    let mut file = options()
        .create(true)
        .truncate(true)
        .open(&aside)
        .map_err(failed("opening", &aside))?;
    file.write_all(bytes).map_err(failed("writing", &aside))?;
    file.sync_all().map_err(failed("writing", &aside))?;
    fs::rename(&aside, path).map_err(failed("writing", path))?;
    path.parent().map_or(Ok(()), sync)
}

fn sync(folder: &Path) -> Result<(), StoreError> {
    let opened = File::open(folder).and_then(|folder| folder.sync_all());
    opened.map_err(failed("writing", folder))
}
