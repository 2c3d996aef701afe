//! `secret://file/ABSOLUTE/PATH`: how the configuration names a secret without holding it.
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use secrecy::SecretString;

use super::{PrivateFile, PrivateFileError};

const SCHEME: &str = "secret://file/";

/// The name of a secret. Safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef(PathBuf);

/// Why a text names no secret. Never holds the text: it may be the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// No reference at all, so perhaps the secret itself.
    #[error(
        "a secret must not stand in the configuration; put it into a file of mode 0600 and write secret://file/ABSOLUTE/PATH"
    )]
    Literal,
    /// No absolute path behind the scheme.
    #[error("the reference must be secret://file/ and an absolute path without its first slash")]
    Path,
}

impl SecretRef {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether the file is there, private and ours.
    ///
    /// # Errors
    /// [`PrivateFileError`].
    pub fn check(&self) -> Result<(), PrivateFileError> {
        PrivateFile::open_linked(&self.0).map(drop)
    }

    /// The secret: the file's text without the line's end.
    ///
    /// # Errors
    /// [`PrivateFileError`]; an empty file and one that is no text have the wrong size.
    pub fn read(&self) -> Result<SecretString, PrivateFileError> {
        let content = PrivateFile::open_linked(&self.0)?.read()?;
        let bytes = content.len().try_into().unwrap_or(u64::MAX);
        let wrong = |expected| PrivateFileError::Size {
            path: self.0.clone(),
            bytes,
            expected,
        };
        let text = String::from_utf8(content).map_err(|_| wrong("and they are not UTF-8 text"))?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            Err(wrong("which is no secret"))
        } else {
            Ok(secret.to_owned().into())
        }
    }
}

impl FromStr for SecretRef {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let path = text.strip_prefix(SCHEME).ok_or(ReferenceError::Literal)?;
        // `secret://file//etc/x` is what one gets by pasting an absolute path.
        let path = path.trim_start_matches('/');
        let sound = !path.is_empty() && !path.ends_with('/') && path.split('/').all(|part| part != ".." && part != ".");
        if sound {
            Ok(Self(Path::new("/").join(path)))
        } else {
            Err(ReferenceError::Path)
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.0.display().to_string().trim_start_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_reference_names_an_absolute_path() {
        for text in ["secret://file/etc/keepgate/tw", "secret://file//etc/keepgate/tw"] {
            let reference: SecretRef = text.parse().unwrap();
            assert_eq!(reference.path(), Path::new("/etc/keepgate/tw"));
            assert_eq!(reference.to_string(), "secret://file/etc/keepgate/tw");
        }
    }

    #[test]
    fn anything_else_is_taken_for_a_literal_secret() {
        for text in ["hunter2", "", "file:///etc/x", "secret://env/TOKEN", "SECRET://file/x"] {
            assert_eq!(text.parse::<SecretRef>(), Err(ReferenceError::Literal), "{text}");
        }
        for text in ["secret://file/", "secret://file/etc/../x", "secret://file/etc/"] {
            assert_eq!(text.parse::<SecretRef>(), Err(ReferenceError::Path), "{text}");
        }
    }

    #[test]
    fn the_secret_is_the_file_s_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        super::super::write_private(&path, b"hunter2\n").unwrap();
        let reference: SecretRef = format!("secret://file{}", path.display()).parse().unwrap();
        assert_eq!(reference.read().unwrap().expose_secret(), "hunter2");
        super::super::write_private(&path, b"\n").unwrap();
        assert!(matches!(reference.read(), Err(PrivateFileError::Size { .. })));
    }
}
