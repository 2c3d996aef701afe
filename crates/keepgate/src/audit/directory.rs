//! A log as a directory in the C2SP tlog-tiles layout.
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::source::Unreadable;

/// A directory with `checkpoint` and `tile/…`.
pub struct Directory(PathBuf);

impl Directory {
    /// Looks nowhere yet.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The same; empty when there is no such file.
    pub fn read_if_there(&self, name: &str, most: usize) -> Result<Vec<u8>, Unreadable> {
        match self.0.join(name).try_exists() {
            Ok(false) => Ok(Vec::new()),
            Ok(true) | Err(_) => self.read(name, most),
        }
    }

    /// A file of at most `most` bytes.
    pub fn read(&self, name: &str, most: usize) -> Result<Vec<u8>, Unreadable> {
        let path = self.0.join(name);
        let failed = |error: std::io::Error| Unreadable {
            why: format!("{}: {error}", path.display()),
            elsewhere: error.kind() == std::io::ErrorKind::NotFound,
        };
        let mut content = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        File::open(&path)
            .map_err(failed)?
            .take(limit)
            .read_to_end(&mut content)
            .map_err(failed)?;
        if content.len() > most {
            return Err(Unreadable::new(format!("{}: more than {most} bytes", path.display())));
        }
        Ok(content)
    }
}
