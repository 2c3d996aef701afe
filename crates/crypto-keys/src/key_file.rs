//! The key file: 32 bytes, ours alone.
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use zeroize::Zeroizing;

use crate::{CryptoError, Kek, aead};

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
    /// It is not 32 bytes long.
    #[error("the key file holds {length} bytes, not 32")]
    Length {
        /// Bytes found, 33 for anything longer.
        length: usize,
    },
    /// No randomness to make one.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Reads the KEK. The checks are on the opened file, so that it can't be exchanged between check and use.
///
/// # Errors
/// [`KeyFileError`]; nothing about the content is told.
pub fn read_key_file(path: &Path) -> Result<Kek, KeyFileError> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(no_follow)
        .open(path)
        .map_err(KeyFileError::Io)?;
    check(&file)?;
    let mut bytes = Zeroizing::new([0; 33]);
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest).map_err(KeyFileError::Io)? {
            0 => break,
            read => length += read,
        }
    }
    match bytes.first_chunk::<32>() {
        Some(key) if length == 32 => Ok(Kek::new(Zeroizing::new(*key))),
        _ => Err(KeyFileError::Length { length }),
    }
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

/// Makes a key file with a fresh KEK, mode 0600, durable before it returns. An existing file is never overwritten.
///
/// # Errors
/// [`KeyFileError::Io`], also when the file exists.
pub fn create_key_file(path: &Path) -> Result<Kek, KeyFileError> {
    let key = aead::random_secret()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(KeyFileError::Io)?;
    file.write_all(&key[..])
        .and_then(|()| file.sync_all())
        .map_err(KeyFileError::Io)?;
    if let Some(folder) = path.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(KeyFileError::Io)?;
    }
    Ok(Kek::new(key))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn scratch() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        (folder, path)
    }

    #[test]
    fn a_created_key_is_read_back_and_never_overwritten() {
        let (_folder, path) = scratch();
        let made = create_key_file(&path).unwrap();
        assert_eq!(read_key_file(&path).unwrap().id(), made.id());
        assert!(matches!(create_key_file(&path), Err(KeyFileError::Io(_))));
        assert_eq!(read_key_file(&path).unwrap().id(), made.id());
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let (_folder, path) = scratch();
        create_key_file(&path).unwrap();
        for mode in [0o640, 0o604, 0o644, 0o660, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(
                matches!(read_key_file(&path), Err(KeyFileError::Mode { mode: found }) if found == mode),
                "{mode:o}"
            );
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(read_key_file(&path).is_ok());
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        let (_folder, path) = scratch();
        for length in [0, 16, 31, 33, 64] {
            let _gone = fs::remove_file(&path);
            fs::write(&path, vec![1; length]).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(
                matches!(read_key_file(&path), Err(KeyFileError::Length { .. })),
                "{length}"
            );
        }
    }

    #[test]
    fn a_link_is_refused() {
        let (folder, path) = scratch();
        create_key_file(&path).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(read_key_file(&link), Err(KeyFileError::Io(_))));
    }
}
