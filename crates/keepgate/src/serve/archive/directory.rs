//! An archive store in a directory: files of mode 0600, each whole and on the disk before it has its name.
use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Component, Path, PathBuf},
};

use async_trait::async_trait;
use keepgate_audit::archive::{ArchiveStore, StoreFault};

use crate::unfinished::Unfinished;

/// A directory.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    place: String,
}

impl Directory {
    /// Looks nowhere yet; the directory itself must exist, so that a disk that is not mounted is an error.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            place: format!("file://{}", root.display()),
        }
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let name = Path::new(name);
        if name.components().all(|part| matches!(part, Component::Normal(_))) {
            Ok(self.root.join(name))
        } else {
            Err(io::ErrorKind::InvalidFilename.into())
        }
    }
}

#[async_trait]
impl ArchiveStore for Directory {
    async fn put(&self, name: &str, content: &[u8]) -> Result<(), StoreFault> {
        let (root, path, content) = (self.root.clone(), self.path(name).map_err(fault)?, content.to_vec());
        blocking(move || put(&root, &path, &content)).await
    }

    async fn get(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, StoreFault> {
        let path = self.path(name).map_err(fault)?;
        blocking(move || get(&path, most)).await
    }

    fn place(&self) -> &str {
        &self.place
    }
}

fn put(root: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let parent = path.parent().unwrap_or(root);
    if !root.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the directory for archives does not exist",
        ));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    let mut file = Unfinished::begin(path)?;
    file.write_all(content)?;
    file.finish(path)?;
    // The names are on the disk once their directories are.
    for directory in parent.ancestors().take_while(|directory| directory.starts_with(root)) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn get(path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut content = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut content)?;
    Ok(Some(content).filter(|content| content.len() <= most))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, StoreFault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreFault(Box::new(error)))?.map_err(fault)
}

fn fault(error: io::Error) -> StoreFault {
    StoreFault(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn what_is_put_is_got_whole_private_and_within_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let store = Directory::new(dir.path());
        assert_eq!(store.get("ten/0-256/tile/0/000", 10).await.unwrap(), None);
        store.put("ten/0-256/tile/0/000", b"old").await.unwrap();
        store.put("ten/0-256/tile/0/000", b"hashes").await.unwrap();
        assert_eq!(
            store.get("ten/0-256/tile/0/000", 6).await.unwrap().as_deref(),
            Some(&b"hashes"[..])
        );
        assert_eq!(store.get("ten/0-256/tile/0/000", 5).await.unwrap(), None);
        let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("ten/0-256/tile/0/000"), mode("ten/0-256")), (0o600, 0o700));
    }

    #[tokio::test]
    async fn names_do_not_lead_out_and_a_directory_that_is_not_there_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let store = Directory::new(dir.path());
        for name in ["../x", "/etc/x", "a/../../x"] {
            assert!(store.put(name, b"").await.is_err(), "{name}");
            assert!(store.get(name, 1).await.is_err(), "{name}");
        }
        let away = Directory::new(&dir.path().join("not-mounted"));
        assert!(away.put("x", b"").await.is_err());
        assert!(!dir.path().join("not-mounted").exists());
    }
}
