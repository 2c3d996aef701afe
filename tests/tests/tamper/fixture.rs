//! A log whose key is a fixture of ours: what a thief of the real one could make.
use std::{
    fs,
    path::{Path, PathBuf},
};

use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::{Cosigner, Scheme},
    hash::{Hash, leaf_hash},
    note::{Note, NoteSigner},
    tile::{FULL_WIDTH, TileKind, encode_bundle, encode_hashes, tiles_for},
    tree::{HashReader, MemoryTree, root_of},
};

const TENANT: &str = "0190a000-0000-7000-8000-000000000001";
pub const ORIGIN: &str = "localhost/audit/0190a000-0000-7000-8000-000000000001";

pub fn signer(seed: u8) -> NoteSigner {
    NoteSigner::from_seed(ORIGIN.parse().unwrap(), &[seed; 32]).unwrap()
}

pub fn witness(seed: u8) -> Cosigner {
    Cosigner::from_seed(
        format!("witness.example/{seed}").parse().unwrap(),
        Scheme::Ed25519,
        &[seed; 32],
    )
    .unwrap()
}

/// Entry `index`, about `entity`.
pub fn entry(index: usize, entity: &str) -> Vec<u8> {
    let at = format!("2026-01-02T03:{:02}:{:02}.000000Z", index / 60, index % 60);
    let id = format!("0190a000-0000-7000-8000-{index:012x}");
    format!(
        r#"{{"action":"me.read","actor":{{"id":"{TENANT}","type":"user"}},"entity":"{entity}","id":"{id}","outcome":"done","recorded_at":"{at}","request_id":"{id}","tenant":"{TENANT}","time_quality":"synced","v":1}}"#
    )
    .into_bytes()
}

pub fn log(size: usize) -> Vec<Vec<u8>> {
    (0..size).map(|index| entry(index, "thing")).collect()
}

/// The checkpoint of `entries`.
pub fn checkpoint(entries: &[Vec<u8>], origin: &str, by: &NoteSigner) -> Note {
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let checkpoint = Checkpoint {
        origin: origin.to_owned(),
        size: entries.len() as u64,
        root: root_of(&leaves),
    };
    checkpoint.sign(by).unwrap()
}

pub fn cosigned(note: Note, by: &Cosigner, at: u64) -> Note {
    let line = by.cosign(note.text(), at).unwrap();
    note.with_signature(line).unwrap()
}

/// Writes the log under `note`; its directory.
pub fn write(home: &Path, name: &str, entries: &[Vec<u8>], note: &Note) -> PathBuf {
    let dir = home.join(name);
    let tree: MemoryTree = entries.iter().map(|entry| leaf_hash(entry)).collect();
    for path in tiles_for(entries.len() as u64) {
        let start = path.index() * u64::from(FULL_WIDTH);
        let end = start + u64::from(path.width());
        let content = match path.kind() {
            TileKind::Entries => {
                encode_bundle(&entries[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()]).unwrap()
            }
            TileKind::Hashes(level) => encode_hashes(
                &(start..end)
                    .map(|index| tree.read(8 * level, index).unwrap())
                    .collect::<Vec<_>>(),
            ),
        };
        let file = dir.join(path.to_string());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    fs::write(dir.join("checkpoint"), note.to_string()).unwrap();
    dir
}
