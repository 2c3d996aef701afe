//! Fixtures: a test key, a naive tree, a whole log in memory.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use keepgate_merkle::checkpoint::Checkpoint;
use keepgate_merkle::hash::{Hash, empty_root, leaf_hash, node_hash};
use keepgate_merkle::note::{NoteSigner, VerifierKey};
use keepgate_merkle::policy::Policy;
use keepgate_merkle::tile::{FULL_WIDTH, TileKind, TilePath, encode_bundle, encode_hashes, tiles_for};
use keepgate_merkle::tree::{HashReader, MemoryTree, root_of};
use keepgate_merkle::verify::{Observer, Outcome, Request, Source, Tampered, verify};
use sha2::{Digest, Sha256};

pub const ORIGIN: &str = "audit.keepgate.example/tenant/0001";
/// The key of [`signer`]; its base64 contains a `+`.
pub const VKEY: &str = "audit.keepgate.example/tenant/0001+19829cc5+AX6xrj+QSSoDAfXehG6kcqcb7kIoEH6HW3KnCYosiKoO";

/// A signer whose seed is the SHA-256 of a phrase: a fixture, never a real key.
pub fn signer_named(name: &str, phrase: &str) -> NoteSigner {
    let seed: [u8; 32] = Sha256::digest(phrase).into();
    NoteSigner::from_seed(name.parse().unwrap(), &seed).unwrap()
}

pub fn signer() -> NoteSigner {
    signer_named(ORIGIN, "keepgate test key")
}

pub fn vkey() -> VerifierKey {
    VKEY.parse().unwrap()
}

pub fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

pub fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|index| leaf_hash(&entry(index))).collect()
}

/// The largest log of the tests.
pub static BIG: LazyLock<MemoryTree> = LazyLock::new(|| leaves(70_000).into_iter().collect());

/// MTH of RFC 6962 section 2.1, word for word.
pub fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(naive_split(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

pub fn naive_split(length: usize) -> usize {
    let mut split = 1;
    while split * 2 < length {
        split *= 2;
    }
    split
}

/// The content of a hash tile, from a tree.
pub fn hash_tile(tree: &MemoryTree, path: &TilePath) -> Vec<u8> {
    let TileKind::Hashes(level) = path.kind() else {
        panic!("{path} is no hash tile")
    };
    let start = path.index() * u64::from(FULL_WIDTH);
    let hashes: Vec<_> = (start..start + u64::from(path.width()))
        .map(|index| tree.read(8 * level, index).unwrap())
        .collect();
    encode_hashes(&hashes)
}

/// A log as a directory would hold it.
#[derive(Clone)]
pub struct Log {
    pub checkpoint: Checkpoint,
    pub tiles: BTreeMap<TilePath, Vec<u8>>,
    pub reads: Vec<TilePath>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct NotThere;

impl Source for Log {
    type Error = NotThere;

    fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, NotThere> {
        self.reads.push(*path);
        self.tiles.get(path).cloned().ok_or(NotThere)
    }
}

impl Log {
    pub fn of(size: u64) -> Self {
        Self::with(&(0..size).map(entry).collect::<Vec<_>>())
    }

    /// A log of these entries, its tiles and root all fitting them.
    pub fn with(entries: &[Vec<u8>]) -> Self {
        let size = entries.len() as u64;
        let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let root = root_of(&leaves);
        let tree: MemoryTree = leaves.into_iter().collect();
        let content = |path: &TilePath| match path.kind() {
            TileKind::Entries => {
                let start = usize::try_from(path.first_leaf().unwrap()).unwrap();
                encode_bundle(&entries[start..start + usize::from(path.width())]).unwrap()
            }
            TileKind::Hashes(_) => hash_tile(&tree, path),
        };
        let tiles = tiles_for(size).map(|path| (path, content(&path))).collect();
        Self {
            checkpoint: Checkpoint {
                origin: ORIGIN.into(),
                size,
                root,
            },
            tiles,
            reads: Vec::new(),
        }
    }

    pub fn signed(&self) -> String {
        self.checkpoint.sign(&signer()).unwrap().to_string()
    }

    /// The tile with this path, to be tampered with.
    pub fn tile_mut(&mut self, path: &str) -> &mut Vec<u8> {
        self.tiles.get_mut(&path.parse().unwrap()).unwrap()
    }

    pub fn verify(&mut self) -> Outcome<NotThere> {
        self.verify_since(None)
    }

    pub fn verify_since(&mut self, since: Option<&str>) -> Outcome<NotThere> {
        let checkpoint = self.signed();
        self.verify_as(&checkpoint, since, &mut ())
    }

    pub fn verify_as(&mut self, note: &str, since: Option<&str>, observer: &mut impl Observer) -> Outcome<NotThere> {
        let keys = [vkey()];
        let since: Vec<_> = since.into_iter().map(|note| note.as_bytes().to_vec()).collect();
        self.verify_against(note, &since, None, &keys, observer)
    }

    pub fn verify_against(
        &mut self,
        note: &str,
        since: &[Vec<u8>],
        policy: Option<&Policy>,
        keys: &[VerifierKey],
        observer: &mut impl Observer,
    ) -> Outcome<NotThere> {
        verify(
            &Request {
                checkpoint: note.as_bytes(),
                origin: ORIGIN,
                keys,
                since,
                policy,
            },
            self,
            observer,
        )
    }
}

/// What was tampered with, as its index and reason in words.
pub fn tampered(outcome: Outcome<NotThere>) -> (Option<u64>, String) {
    let Outcome::Tampered(Tampered { index, reason }) = outcome else {
        panic!("not found: {outcome:?}")
    };
    (index, reason.to_string())
}
