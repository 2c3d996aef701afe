//! Reading and writing the file.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::text::LARGEST;
use crate::KeyServiceError;

/// Why a key file is not used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It can't be opened, read or written. A symbolic link is refused here.
    #[error("the key file can't be read or written")]
    Io(#[source] io::Error),
    /// Others may read or write it.
    #[error("the key file has mode {mode:03o}; it must be readable by its owner alone (0600 or 0400)")]
    Mode {
        /// The permission bits found.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("the key file belongs to user {owner}, not to the user who runs Keepgate")]
    Owner {
        /// The user id found.
        owner: u32,
    },
    /// Neither 32 bytes nor lines of versions.
    #[error("the key file holds {length} bytes: neither 32 nor lines of versions")]
    Length {
        /// Bytes found.
        length: usize,
    },
    /// A line is none, or says what another one says.
    #[error("line {number} of the key file is not understood")]
    Line {
        /// Counted from 1.
        number: usize,
    },
    /// No randomness to make one.
    #[error(transparent)]
    Crypto(#[from] KeyServiceError),
}

fn no_follow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}

/// The checks are on the opened file, so that it can't be exchanged between check and use.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(no_follow())
        .open(path)
        .map_err(KeyFileError::Io)?;
    check(&file)?;
    // Room for everything at once: a buffer that grows leaves copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    let most = u64::try_from(LARGEST + 1).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut content).map_err(KeyFileError::Io)?;
    if content.len() > LARGEST {
        return Err(KeyFileError::Length { length: content.len() });
    }
    Ok(content)
}

fn check(file: &File) -> Result<(), KeyFileError> {
    let meta = file.metadata().map_err(KeyFileError::Io)?;
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Mode { mode });
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(KeyFileError::Owner { owner: meta.uid() });
    }
    Ok(())
}

pub(super) fn create(path: &Path, key: &[u8; 32]) -> Result<(), KeyFileError> {
    write(path, key)?;
    sync_folder(path)
}

fn write(path: &Path, content: &[u8]) -> Result<(), KeyFileError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(KeyFileError::Io)?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .map_err(KeyFileError::Io)
}

fn sync_folder(path: &Path) -> Result<(), KeyFileError> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(KeyFileError::Io),
        None => Ok(()),
    }
}

/// The new content under the old name, in one step. Only under [`lock`].
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), KeyFileError> {
    let unfinished = beside(path, "new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(KeyFileError::Io(error)),
        _ => {}
    }
    write(&unfinished, content)?;
    fs::rename(&unfinished, path).map_err(KeyFileError::Io)?;
    sync_folder(path)
}

/// One writer at a time, also among processes: ends when the file is dropped.
pub(super) fn lock(path: &Path) -> Result<File, KeyFileError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(beside(path, "lock"))
        .map_err(KeyFileError::Io)?;
    file.lock().map_err(KeyFileError::Io)?;
    Ok(file)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}
