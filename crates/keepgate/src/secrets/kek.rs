//! The key-encryption key's file: 32 random bytes, mode 0600. Whoever loses it loses every sealed value.
use std::path::Path;

use aws_lc_rs::{
    hkdf,
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

use super::{PrivateFile, PrivateFileError, write_private};
use crate::{exit::Exit, failure::Failure};

const BYTES: usize = 32;

/// The key-encryption key. Wiped when dropped.
pub struct Kek(Zeroizing<[u8; BYTES]>);

impl Kek {
    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    /// Exit code 4 if it is open to others, not ours, a link, or of the wrong size.
    pub fn load(path: &Path) -> Result<Option<Self>, Failure> {
        let refuse = |error: &PrivateFileError| {
            Failure::new(Exit::KeyFile, "can't use the key-encryption key", error.to_string(), error.help())
        };
        let content = match PrivateFile::open(path).and_then(PrivateFile::read) {
            Ok(content) => Zeroizing::new(content),
            Err(PrivateFileError::Missing(_)) => return Ok(None),
            Err(error) => return Err(refuse(&error)),
        };
        let key = <[u8; BYTES]>::try_from(content.as_slice()).map_err(|_| {
            let bytes = content.len().try_into().unwrap_or(u64::MAX);
            refuse(&PrivateFileError::Size { path: path.into(), bytes, expected: "not the 32 of a key" })
        })?;
        Ok(Some(Self(Zeroizing::new(key))))
    }

    /// Makes a new key and its file. Only for a database that has no data yet: see [`Kek::lost`].
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let failed = |why: &str| Failure::new(Exit::Failed, "can't make the key-encryption key", why, "check the directory");
        let mut key = Zeroizing::new([0; BYTES]);
        SystemRandom::new().fill(key.as_mut_slice()).map_err(|_| failed("the system gives no random numbers"))?;
        write_private(path, key.as_slice())
            .map_err(|error| Failure::io(format!("can't write the key file {}", path.display()), &error))?;
        Ok(Self(key))
    }

    /// The database holds values sealed under a key whose file is gone. A new key would not open them.
    pub fn lost(path: &Path) -> Failure {
        Failure::new(
            Exit::KeyFile,
            "the key-encryption key is missing",
            format!("{} does not exist, and the database holds data sealed under it", path.display()),
            "restore the file from your backup, or name it with `kek_file`; a new key would not open what is there",
        )
    }

    /// The key itself.
    pub fn expose(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// A key of its own for another purpose: HKDF-SHA256 (RFC 5869) with `purpose` as info.
    ///
    /// # Errors
    /// None that can happen for 32 bytes; they end the command.
    pub fn derive(&self, purpose: &'static str) -> Result<Zeroizing<[u8; BYTES]>, Failure> {
        let mut key = Zeroizing::new([0; BYTES]);
        let info = [purpose.as_bytes()];
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"keepgate/v1").extract(self.0.as_slice());
        extracted.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(key.as_mut_slice())).map_err(|_| {
            Failure::new(Exit::KeyFile, format!("can't derive the key for {purpose}"), "HKDF failed", "report this")
        })?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_new_key_is_private_random_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        assert!(Kek::load(&path).unwrap().is_none());
        let made = Kek::create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Kek::load(&path).unwrap().unwrap().expose(), made.expose());
        assert_ne!(Kek::create(&dir.path().join("other")).unwrap().expose(), made.expose());
    }

    #[test]
    fn open_misshapen_and_linked_key_files_end_with_code_4() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        Kek::create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(Kek::load(&path).err().unwrap().exit, Exit::KeyFile);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, [0; 31]).unwrap();
        let said = Kek::load(&path).err().unwrap();
        assert_eq!(said.exit, Exit::KeyFile);
        assert!(said.to_string().contains("31 bytes"), "{said}");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(Kek::load(&link).err().unwrap().exit, Exit::KeyFile);
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_not_by_time() {
        let dir = tempfile::tempdir().unwrap();
        let kek = Kek::create(&dir.path().join("kek")).unwrap();
        assert_eq!(*kek.derive("a").unwrap(), *kek.derive("a").unwrap());
        assert_ne!(*kek.derive("a").unwrap(), *kek.derive("b").unwrap());
        assert_ne!(&*kek.derive("a").unwrap(), kek.expose());
    }
}
