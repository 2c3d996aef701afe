//! Secrets in private files.
use std::{os::unix::fs::MetadataExt, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use keepgate_crypto_keys::{Secret, SecretError, SecretStore};
use zeroize::Zeroizing;

use super::{FileWatch, PrivateFile, PrivateFileError};

/// A writer may be at it still when the first event comes.
const SETTLE: Duration = Duration::from_millis(50);
/// For file systems that tell no changes.
const NOW_AND_THEN: Duration = Duration::from_secs(30);

/// Files of ours, mode 0600 or 0400. A secret's name is its path.
#[derive(Clone)]
pub struct FileSecrets(Arc<FileWatch>);

impl FileSecrets {
    /// Over a watch that others may share.
    pub const fn new(watch: Arc<FileWatch>) -> Self {
        Self(watch)
    }
}

/// The file's content and which version of it that is.
///
/// # Errors
/// [`PrivateFileError`].
pub fn read(path: &Path) -> Result<Secret, PrivateFileError> {
    let file = PrivateFile::open_linked(path)?;
    let version = file.version();
    let value = Zeroizing::new(file.read()?);
    Ok(Secret { value, version })
}

fn told(error: PrivateFileError) -> SecretError {
    match error {
        PrivateFileError::Missing(_) => SecretError::NotFound,
        PrivateFileError::Link(_) | PrivateFileError::NotAFile(_) => SecretError::Unusable("not a regular file"),
        PrivateFileError::Open { .. } => SecretError::Denied("others may use the file"),
        PrivateFileError::Foreign { .. } => SecretError::Denied("the file belongs to somebody else"),
        PrivateFileError::Size { .. } => SecretError::Unusable("the file is larger than any secret"),
        PrivateFileError::Io { source, .. } => SecretError::Down(Box::new(source)),
    }
}

#[async_trait]
impl SecretStore for FileSecrets {
    async fn get(&self, name: &str, version: Option<&str>) -> Result<Secret, SecretError> {
        if version.is_some() {
            return Err(SecretError::NotFound);
        }
        read(Path::new(name)).map_err(told)
    }

    async fn watch(&self, name: &str, known: &str) -> Result<Secret, SecretError> {
        let path = Path::new(name);
        loop {
            let mut ticks = self.0.ticks();
            self.0.track(path);
            let secret = read(path).map_err(told)?;
            if secret.version != known {
                return Ok(secret);
            }
            tokio::select! {
                _ = ticks.changed() => tokio::time::sleep(SETTLE).await,
                () = tokio::time::sleep(NOW_AND_THEN) => {}
            }
        }
    }
}

impl std::fmt::Debug for FileSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileSecrets")
    }
}

impl PrivateFile {
    /// Equal for equal versions of the file: its number, and when it was last changed.
    fn version(&self) -> String {
        match self.meta() {
            Ok(meta) => {
                let at = chrono::DateTime::from_timestamp(meta.mtime(), u32::try_from(meta.mtime_nsec()).unwrap_or(0));
                let at = at
                    .map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true))
                    .unwrap_or_default();
                format!("{at}/{}", meta.ino())
            }
            Err(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::write_private, *};

    #[tokio::test]
    async fn a_new_version_of_a_file_ends_the_wait_and_a_broken_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        write_private(&path, b"one").unwrap();
        let store = FileSecrets::new(Arc::new(FileWatch::new()));
        let name = path.to_str().unwrap();
        let first = store.get(name, None).await.unwrap();
        assert_eq!(first.value.as_slice(), b"one");
        let (store_too, name_too, known) = (store.clone(), name.to_owned(), first.version.clone());
        let wait = tokio::spawn(async move { store_too.watch(&name_too, &known).await });
        write_private(&path, b"two").unwrap();
        let second = tokio::time::timeout(Duration::from_secs(5), wait)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(second.value.as_slice(), b"two");
        assert_ne!(first.version, second.version);
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(
            store.watch(name, &second.version).await,
            Err(SecretError::NotFound)
        ));
        assert!(
            matches!(store.get(name, Some("1")).await, Err(SecretError::NotFound)),
            "files keep no versions"
        );
    }
}
