//! Logs in directories, honest and tampered with.
use std::{
    fs,
    path::{Path, PathBuf},
};

use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::{Cosigner, Scheme},
    hash::{Hash, leaf_hash},
    note::NoteSigner,
    tile::{FULL_WIDTH, TileKind, TilePath, encode_bundle, encode_hashes, tiles_for},
    tree::{HashReader, MemoryTree, root_of},
};
use tempfile::TempDir;

pub const ORIGIN: &str = "audit.keepgate.example/tenant/0001";
/// Around the width of a tile, and a tree of three levels of tiles.
pub const SIZES: [u64; 6] = [1, 255, 256, 257, 700, 70_000];

/// A fixture, no real key.
pub fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN.parse().unwrap(), &[7; 32]).unwrap()
}

/// One log.
pub struct Log {
    pub dir: PathBuf,
    pub entries: Vec<Vec<u8>>,
    pub tree: MemoryTree,
}

/// How a log was tampered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tampering {
    /// A byte of an entry.
    Entry,
    /// The entry and its leaf hash in the tile, but not the root.
    EntryAndTile,
    /// The checkpoint tells another root; nobody signed it.
    Root,
    /// Another key signed the checkpoint.
    Key,
}

pub const TAMPERINGS: [Tampering; 4] = [
    Tampering::Entry,
    Tampering::EntryAndTile,
    Tampering::Root,
    Tampering::Key,
];

impl Log {
    /// The honest log of `size` entries, written to a folder in `home`.
    pub fn honest(home: &TempDir, size: u64) -> Self {
        let entries: Vec<Vec<u8>> = (0..size)
            .map(|index| format!("{{\"v\":1,\"entry\":{index}}}").into_bytes())
            .collect();
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let root = root_of(&leaves);
        let log = Self {
            dir: home.path().join(size.to_string()),
            entries,
            tree: leaves.into_iter().collect(),
        };
        for path in tiles_for(size) {
            log.write(&path.to_string(), &log.tile(&path));
        }
        log.sign(root, &signer());
        log
    }

    /// The index of the entry that [`Log::tampered`] changes.
    pub fn victim(&self) -> usize {
        self.entries.len() / 2
    }

    /// A copy with everything as it was, but for what `how` says.
    pub fn tampered(&self, how: Tampering) -> Self {
        let name = format!("{}-{how:?}", self.entries.len());
        let mut log = Self {
            dir: self.dir.with_file_name(name),
            entries: self.entries.clone(),
            tree: self.tree.clone(),
        };
        copy(&self.dir, &log.dir);
        let victim = self.victim();
        match how {
            Tampering::Entry | Tampering::EntryAndTile => {
                log.entries[victim][0] ^= 1;
                let bundle = log.path_of(TileKind::Entries);
                log.write(&bundle.to_string(), &log.tile(&bundle));
            }
            Tampering::Root => {
                let note = fs::read_to_string(log.dir.join("checkpoint")).unwrap();
                let root = note.lines().nth(2).unwrap().to_owned();
                let other = leaf_hash(b"another").to_string();
                fs::write(log.dir.join("checkpoint"), note.replacen(&root, &other, 1)).unwrap();
            }
            Tampering::Key => {
                let thief = NoteSigner::from_seed(ORIGIN.parse().unwrap(), &[8; 32]).unwrap();
                log.sign(root_of(&self.leaves()), &thief);
            }
        }
        if how == Tampering::EntryAndTile {
            let hashes = log.path_of(TileKind::Hashes(0));
            let mut tile = fs::read(log.dir.join(hashes.to_string())).unwrap();
            let at = victim % usize::from(FULL_WIDTH) * 32;
            tile[at..at + 32].copy_from_slice(leaf_hash(&log.entries[victim]).as_bytes());
            log.write(&hashes.to_string(), &tile);
        }
        log
    }

    pub fn name(&self) -> String {
        self.dir.to_str().unwrap().to_owned()
    }

    fn leaves(&self) -> Vec<Hash> {
        self.entries.iter().map(|entry| leaf_hash(entry)).collect()
    }

    fn path_of(&self, kind: TileKind) -> TilePath {
        let victim = self.victim() as u64 / u64::from(FULL_WIDTH);
        let mut paths = tiles_for(self.entries.len() as u64);
        paths
            .find(|path| path.kind() == kind && path.index() == victim)
            .unwrap()
    }

    fn tile(&self, path: &TilePath) -> Vec<u8> {
        let start = path.index() * u64::from(FULL_WIDTH);
        let range = start..start + u64::from(path.width());
        match path.kind() {
            TileKind::Entries => {
                let start = usize::try_from(start).unwrap();
                encode_bundle(&self.entries[start..start + usize::from(path.width())]).unwrap()
            }
            TileKind::Hashes(level) => {
                let hashes: Vec<Hash> = range.map(|index| self.tree.read(8 * level, index).unwrap()).collect();
                encode_hashes(&hashes)
            }
        }
    }

    fn sign(&self, root: Hash, by: &NoteSigner) {
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: self.entries.len() as u64,
            root,
        };
        let mut note = checkpoint.sign(by).unwrap();
        // As while one key follows another, with a post-quantum signature beside.
        if self.entries.len() >= 257 {
            let text = note.text().to_owned();
            let former = NoteSigner::from_seed(ORIGIN.parse().unwrap(), &[6; 32]).unwrap();
            let second = Cosigner::from_seed(ORIGIN.parse().unwrap(), Scheme::MlDsa44, &[5; 32]).unwrap();
            note = note.with_signature(former.signature(&text).unwrap()).unwrap();
            note = note
                .with_signature(second.cosign(&text, 1_800_000_000).unwrap())
                .unwrap();
        }
        self.write("checkpoint", note.to_string().as_bytes());
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let into = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &into);
        } else {
            fs::copy(entry.path(), into).unwrap();
        }
    }
}
