//! tlog_tiles and signed_note, of another vendor: the whole tree is built again from the entries, and every tile compared with it.
//!
//! Their `TileHashReader` is not used: where tiles of the tree's right edge coincide, it leaves some full tiles unauthenticated.
use std::{fs, path::Path};

use keepgate_merkle::tile::entries;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Checkpoint, Tile, tlog};

use crate::logs::{Log, ORIGIN, SIZES, TAMPERINGS, signer};

/// Every hash of the tree, in their order.
struct Stored(Vec<tlog::Hash>);

impl tlog::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog_tiles::Error> {
        let at = |index: &u64| self.0[usize::try_from(*index).unwrap()];
        Ok(indexes.iter().map(at).collect())
    }
}

/// The tree over the entries as they stand in the bundles.
fn rebuilt(dir: &Path, size: u64) -> Stored {
    let mut stored = Stored(vec![]);
    let mut index = 0;
    for bundle in Tile::new_tiles(8, 0, size) {
        if bundle.level() != 0 {
            continue;
        }
        let path = bundle.path().replacen("tile/8/0/", "tile/entries/", 1);
        for entry in entries(&fs::read(dir.join(path)).unwrap()) {
            let more = tlog::stored_hashes(index, entry.unwrap(), &stored).unwrap();
            stored.0.extend(more);
            index += 1;
        }
    }
    stored
}

/// Whether the files in `dir` are the log `origin` of `size` entries, signed by `key`.
pub fn accepts(dir: &Path, size: u64, origin: &str, key: &str) -> bool {
    let key = StandardVerifier::new(key).unwrap();
    let note = Note::from_bytes(&fs::read(dir.join("checkpoint")).unwrap()).unwrap();
    if note.verify(&VerifierList::new(vec![Box::new(key)])).is_err() {
        return false;
    }
    let checkpoint = Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), (origin, size));
    let stored = rebuilt(dir, size);
    let fits = |tile: Tile| {
        let path = dir.join(tile.path().replacen("tile/8/", "tile/", 1));
        fs::read(path).unwrap() == tile.read_data(&stored).unwrap()
    };
    tlog::tree_hash(size, &stored).unwrap() == *checkpoint.hash() && Tile::new_tiles(8, 0, size).into_iter().all(fits)
}

fn takes(log: &Log) -> bool {
    let key = signer().verifier().to_string();
    accepts(&log.dir, log.entries.len() as u64, ORIGIN, &key)
}

#[test]
fn tlog_tiles_replays_every_honest_log_and_no_other() {
    let home = tempfile::tempdir().unwrap();
    for size in SIZES {
        let honest = Log::honest(&home, size);
        assert!(takes(&honest), "{size}");
        for how in TAMPERINGS {
            assert!(!takes(&honest.tampered(how)), "{size}, {how:?}");
        }
    }
}
