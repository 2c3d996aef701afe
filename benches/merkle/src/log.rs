//! A log in memory, as a directory would hold it.
use std::collections::BTreeMap;

use keepgate_merkle::{
    checkpoint::Checkpoint,
    hash::{Hash, leaf_hash},
    note::{NoteSigner, VerifierKey},
    tile::{FULL_WIDTH, TileKind, TilePath, encode_bundle, encode_hashes, tiles_for},
    tree::{HashReader, MemoryTree, root_of},
    verify::Source,
};

/// Whose log it is.
pub const ORIGIN: &str = "bench.keepgate.example/audit";

/// Tiles, entries and a signed checkpoint.
pub struct Log {
    pub note: String,
    pub key: VerifierKey,
    pub entries: Vec<Vec<u8>>,
    tiles: BTreeMap<TilePath, Vec<u8>>,
}

/// A tile is missing.
#[derive(Debug)]
pub struct NotThere;

impl Source for Log {
    type Error = NotThere;

    fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, NotThere> {
        self.tiles.get(path).cloned().ok_or(NotThere)
    }
}

impl Log {
    /// `size` entries of `length` bytes each.
    pub fn of(size: u64, length: usize) -> Self {
        let entries: Vec<Vec<u8>> = (0..size)
            .map(|index| format!("{index:>length$}").into_bytes())
            .collect();
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let signer = NoteSigner::from_seed(ORIGIN.parse().unwrap(), &[7; 32]).unwrap(); // a fixture, no real key
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size,
            root: root_of(&leaves),
        };
        let tree: MemoryTree = leaves.into_iter().collect();
        let tiles = tiles_for(size)
            .map(|path| (path, tile(&tree, &entries, &path)))
            .collect();
        Self {
            note: checkpoint.sign(&signer).unwrap().to_string(),
            key: signer.verifier().clone(),
            entries,
            tiles,
        }
    }

    /// Changes the last byte of the entry in the middle, or changes it back.
    pub fn flip(&mut self) {
        let middle = self.entries.len() / 2;
        self.entries[middle].last_mut().map(|byte| *byte ^= 1).unwrap();
        let bundles: Vec<TilePath> = self
            .tiles
            .keys()
            .filter(|path| path.kind() == TileKind::Entries)
            .copied()
            .collect();
        for path in bundles {
            self.tiles.insert(path, bundle(&self.entries, &path));
        }
    }
}

fn bundle(entries: &[Vec<u8>], path: &TilePath) -> Vec<u8> {
    let start = usize::try_from(path.first_leaf().unwrap()).unwrap();
    encode_bundle(&entries[start..start + usize::from(path.width())]).unwrap()
}

fn tile(tree: &MemoryTree, entries: &[Vec<u8>], path: &TilePath) -> Vec<u8> {
    let TileKind::Hashes(level) = path.kind() else {
        return bundle(entries, path);
    };
    let start = path.index() * u64::from(FULL_WIDTH);
    let hashes: Vec<Hash> = (start..start + u64::from(path.width()))
        .map(|index| tree.read(8 * level, index).unwrap())
        .collect();
    encode_hashes(&hashes)
}
