//! A log with its archives laid over it: entries that were removed where the log is are read from where they went.
use std::{
    fs,
    path::{Path, PathBuf},
};

use keepgate_audit::archive::Manifest;
use keepgate_merkle::{
    tile::{TileKind, TilePath},
    verify,
};

use super::{
    directory::Directory,
    source::{Source, Unreadable},
};
use crate::failure::Failure;

/// How far below a named folder archives are looked for: `<store>/<tenant>/<archive>`.
const DEPTH: u32 = 2;
/// No manifest is larger.
const MAX_MANIFEST: usize = 64 << 20;

/// The log, then its archives.
pub struct Laid {
    source: Source,
    archives: Vec<Archived>,
}

/// What an archive says that it holds. Nothing of that is believed: entries from it are hashed like all others.
struct Archived {
    from: u64,
    to: u64,
    files: Directory,
}

impl Laid {
    /// Looks for the archives of the log named `origin` in `folders` and up to two levels below them.
    ///
    /// # Errors
    /// Exit code 2 for a folder that has none.
    pub fn over(source: Source, folders: &[PathBuf], origin: &str) -> Result<Self, Failure> {
        let mut archives = Vec::new();
        for folder in folders {
            let before = archives.len();
            let unusable = |why: String| {
                Failure::usage(
                    "can't use --archive",
                    why,
                    "name the folder that `audit.archive_dir` names, or one below it that holds a manifest.json",
                )
            };
            look(folder, origin, DEPTH, &mut archives)
                .map_err(|error| unusable(format!("{}: {error}", folder.display())))?;
            if archives.len() == before {
                return Err(unusable(format!("{} holds no archive of {origin}", folder.display())));
            }
        }
        Ok(Self { source, archives })
    }

    /// The log itself.
    pub const fn log(&mut self) -> &mut Source {
        &mut self.source
    }

    fn archived(&self, path: &TilePath, gone: Unreadable) -> Result<Vec<u8>, Unreadable> {
        let first = path.first_leaf().unwrap_or(u64::MAX);
        let holds = |archive: &&Archived| (archive.from..archive.to).contains(&first);
        let mut last = gone;
        for archive in self.archives.iter().filter(holds) {
            match archive.files.read(&path.to_string(), path.max_bytes()) {
                Ok(content) => return Ok(content),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn look(folder: &Path, origin: &str, depth: u32, found: &mut Vec<Archived>) -> std::io::Result<()> {
    if folder.join("manifest.json").is_file() {
        let bytes = Directory::new(folder).read("manifest.json", MAX_MANIFEST);
        let bytes = bytes.map_err(|error| std::io::Error::other(error.why))?;
        let manifest = Manifest::read(&bytes).map_err(std::io::Error::other)?;
        if manifest.origin == origin {
            found.push(Archived {
                from: manifest.from,
                to: manifest.to,
                files: Directory::new(folder),
            });
        }
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if depth > 0 && path.is_dir() {
            look(&path, origin, depth - 1, found)?;
        }
    }
    Ok(())
}

impl verify::Source for Laid {
    type Error = Unreadable;

    /// Only entries are taken from archives, and only those that are not where the log is: what somebody removed from a bundle that is
    /// still there is missing.
    fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, Unreadable> {
        match self.source.tile(path) {
            Err(gone) if gone.elsewhere && path.kind() == TileKind::Entries => self.archived(path, gone),
            here => here,
        }
    }

    fn is_elsewhere(&self, error: &Unreadable) -> bool {
        error.elsewhere
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepgate_merkle::{tile::encode_bundle, verify::Source as _};

    const ORIGIN: &str = "gate.example/audit/own";

    fn put(dir: &Path, name: &str, content: &[u8]) {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn archive(dir: &Path, origin: &str, from: u64, to: u64) {
        let month = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
        let (manifest, _) = Manifest::new(origin, month, from, to, to).to_bytes();
        put(dir, "manifest.json", &manifest);
        for number in from / 256..to / 256 {
            put(dir, &format!("tile/entries/{number:03}"), &bundle("there"));
            put(dir, &format!("tile/0/{number:03}"), b"there");
        }
    }

    fn bundle(word: &str) -> Vec<u8> {
        encode_bundle(vec![word.as_bytes().to_vec(); 256]).unwrap()
    }

    #[test]
    fn what_the_log_lacks_is_read_from_an_archive_and_nothing_else() {
        let (log, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(log.path(), "tile/entries/001", &bundle("here"));
        put(log.path(), "tile/entries/002", &bundle("here")[..100]);
        archive(&store.path().join("ten/0-768"), ORIGIN, 0, 768);
        archive(
            &store.path().join("another/0-1024"),
            "gate.example/audit/other",
            0,
            1024,
        );
        let source = Source::Directory(Directory::new(log.path()));
        let mut laid = Laid::over(source, &[store.path().to_owned()], ORIGIN).ok().unwrap();
        let mut read = |name: &str| laid.tile(&name.parse().unwrap());
        assert_eq!(read("tile/entries/000").unwrap(), bundle("there"));
        assert_eq!(read("tile/entries/001").unwrap(), bundle("here"));
        assert_eq!(
            read("tile/entries/002").unwrap(),
            bundle("here")[..100],
            "cut here, so missing"
        );
        assert!(read("tile/0/000").is_err(), "hashes are never taken from an archive");
        assert!(
            read("tile/entries/003").unwrap_err().elsewhere,
            "that one is of another log"
        );
    }

    #[test]
    fn a_folder_without_an_archive_of_the_log_is_told() {
        let store = tempfile::tempdir().unwrap();
        let over = |folder: &Path| {
            let source = Source::Directory(Directory::new(store.path()));
            Laid::over(source, &[folder.to_owned()], ORIGIN)
                .err()
                .map(|failure| failure.exit)
        };
        assert_eq!(over(store.path()), Some(crate::exit::Exit::Usage));
        assert_eq!(over(Path::new("/nonexistent")), Some(crate::exit::Exit::Usage));
        archive(&store.path().join("0-256"), "gate.example/audit/other", 0, 256);
        assert_eq!(over(store.path()), Some(crate::exit::Exit::Usage));
        archive(&store.path().join("256-512"), ORIGIN, 256, 512);
        assert_eq!(over(store.path()), None);
        assert_eq!(over(&store.path().join("256-512")), None);
        put(store.path(), "0-256/manifest.json", b"{}");
        assert_eq!(
            over(store.path()),
            Some(crate::exit::Exit::Usage),
            "what can't be read is no archive"
        );
    }
}
