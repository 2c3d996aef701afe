//! What the targets share: a fixture's key and a whole small log.
use std::{collections::BTreeMap, sync::LazyLock};

use keepgate_merkle::{
    checkpoint::Checkpoint,
    hash::{Hash, leaf_hash},
    note::NoteSigner,
    tile::{FULL_WIDTH, TileKind, TilePath, encode_bundle, encode_hashes, tiles_for},
    tree::{HashReader, MemoryTree, root_of},
    verify::Source,
};

/// The name of the log.
pub const ORIGIN: &str = "fuzz.example/audit";

/// A fixture, never a real key.
pub fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN.parse().expect("a name"), &[7; 32]).expect("a seed")
}

/// The leaves of a tree.
pub fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

/// A log as a directory would hold it.
#[derive(Clone)]
pub struct Log {
    pub note: String,
    pub tiles: BTreeMap<TilePath, Vec<u8>>,
}

/// Two full tiles and a part of a third.
pub static LOG: LazyLock<Log> = LazyLock::new(|| Log::of(600));

impl Log {
    fn of(size: u64) -> Self {
        let leaves = leaves(size);
        let checkpoint = Checkpoint {
            origin: ORIGIN.into(),
            size,
            root: root_of(&leaves),
        };
        let tree: MemoryTree = leaves.into_iter().collect();
        let content = |path: &TilePath| {
            let start = path.index() * u64::from(FULL_WIDTH);
            let all = start..start + u64::from(path.width());
            match path.kind() {
                TileKind::Entries => encode_bundle(all.map(u64::to_be_bytes)).expect("short entries"),
                TileKind::Hashes(level) => encode_hashes(
                    &all.map(|index| tree.read(8 * level, index).expect("a node"))
                        .collect::<Vec<_>>(),
                ),
            }
        };
        Self {
            note: checkpoint.sign(&signer()).expect("a note").to_string(),
            tiles: tiles_for(size).map(|path| (path, content(&path))).collect(),
        }
    }
}

impl Source for Log {
    type Error = ();
    fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, ()> {
        self.tiles.get(path).cloned().ok_or(())
    }
}
