//! Writing a log as a directory of tiles. The checkpoint comes last: a directory without one is unfinished.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use keepgate_merkle::{
    checkpoint::Checkpoint,
    hash::Hash,
    note::Note,
    tile::{FULL_WIDTH, TileKind, TilePath, encode_bundle, encode_hashes},
    tree::root_of,
};

/// A directory being filled, under another name until it is whole.
pub struct TileDirectory {
    work: PathBuf,
    out: PathBuf,
}

impl TileDirectory {
    /// Starts beside `out`, which must not exist.
    ///
    /// # Errors
    /// Those of the system.
    pub fn begin(out: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(out).is_ok() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{} exists", out.display()),
            ));
        }
        let mut name = out.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(".unfinished");
        let work = out.with_file_name(name);
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        fs::create_dir_all(&work)?;
        Ok(Self {
            work,
            out: out.to_owned(),
        })
    }

    /// Writes one tile.
    ///
    /// # Errors
    /// Those of the system.
    pub fn tile(&self, path: &TilePath, content: &[u8]) -> io::Result<()> {
        self.file(&path.to_string(), content)
    }

    /// Writes any file of the directory.
    ///
    /// # Errors
    /// Those of the system.
    pub fn file(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let path = self.work.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)
    }

    /// Writes the checkpoint and gives the directory its name.
    ///
    /// # Errors
    /// Those of the system.
    pub fn finish(self, checkpoint: &[u8]) -> io::Result<()> {
        self.file("checkpoint", checkpoint)?;
        fs::rename(&self.work, &self.out)
    }
}

impl Drop for TileDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.work);
    }
}

/// The size a checkpoint tells, its signature not looked at: whoever reads the export checks that.
pub fn size_of(checkpoint: &[u8]) -> Option<u64> {
    Note::parse(checkpoint)
        .ok()?
        .text()
        .parse::<Checkpoint>()
        .ok()
        .map(|checkpoint| checkpoint.size)
}

/// Grows the tiles of a log from its entries, 256 at a time.
#[derive(Default)]
pub struct Grower {
    /// Hashes of each level above the leaves: one for each full tile below.
    levels: Vec<Vec<Hash>>,
    bundles: u64,
}

impl Grower {
    /// Writes the next bundle and its level 0 tile. All but the last have 256 entries; `hashes` are the stored ones, so
    /// that an entry that was changed is found by whoever checks.
    ///
    /// # Errors
    /// Those of the system.
    pub fn bundle(&mut self, out: &TileDirectory, entries: &[Vec<u8>], hashes: &[Hash]) -> io::Result<()> {
        let width = u16::try_from(hashes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let bundle = encode_bundle(entries).map_err(io::Error::other)?;
        out.tile(&at(TileKind::Entries, self.bundles, width)?, &bundle)?;
        self.archived(out, hashes)
    }

    /// The same for entries that were archived and removed: their hashes alone.
    ///
    /// # Errors
    /// Those of the system.
    pub fn archived(&mut self, out: &TileDirectory, hashes: &[Hash]) -> io::Result<()> {
        let width = u16::try_from(hashes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        out.tile(&at(TileKind::Hashes(0), self.bundles, width)?, &encode_hashes(hashes))?;
        self.bundles += 1;
        if width == FULL_WIDTH {
            self.push(0, root_of(hashes));
        }
        Ok(())
    }

    fn push(&mut self, level: usize, hash: Hash) {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        let Some(row) = self.levels.get_mut(level) else { return };
        row.push(hash);
        if row.len().is_multiple_of(usize::from(FULL_WIDTH)) {
            let full = row.len() - usize::from(FULL_WIDTH);
            let root = root_of(row.get(full..).unwrap_or_default());
            self.push(level + 1, root);
        }
    }

    /// Writes the tiles above level 0.
    ///
    /// # Errors
    /// Those of the system.
    pub fn finish(&self, out: &TileDirectory) -> io::Result<()> {
        for (level, row) in (1_u8..).zip(&self.levels) {
            for (index, hashes) in (0_u64..).zip(row.chunks(usize::from(FULL_WIDTH))) {
                let width = u16::try_from(hashes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
                out.tile(&at(TileKind::Hashes(level), index, width)?, &encode_hashes(hashes))?;
            }
        }
        Ok(())
    }
}

fn at(kind: TileKind, index: u64, width: u16) -> io::Result<TilePath> {
    TilePath::new(kind, index, width).map_err(io::Error::other)
}
