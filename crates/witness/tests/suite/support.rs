//! A log, a witness on each kind of store, and a clock that can be set.
use std::sync::{Arc, Mutex};

use keepgate_kernel::{Clock, Timestamp};
use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::{Cosigner, Scheme},
    hash::{Hash, leaf_hash},
    note::{Note, NoteSigner},
    proof::consistency_proof,
    tree::{MemoryTree, root_of},
    witness::{AddCheckpoint, KnownLog},
};
use keepgate_witness::{DirectoryStore, MemoryStore, Store, Witness};
use tempfile::TempDir;

pub const ORIGIN: &str = "log.example/audit";

/// Fixtures, no real keys.
pub fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN.parse().unwrap(), &[7; 32]).unwrap()
}

pub fn cosigner(scheme: Scheme) -> Cosigner {
    Cosigner::from_seed("witness.example/w1".parse().unwrap(), scheme, &[8; 32]).unwrap()
}

pub fn known() -> KnownLog {
    KnownLog {
        origin: ORIGIN.to_owned(),
        keys: vec![signer().verifier().clone()],
    }
}

/// A clock for tests.
#[derive(Debug, Clone)]
pub struct Set(Arc<Mutex<Timestamp>>);

impl Set {
    pub fn at(text: &str) -> Self {
        Self(Arc::new(Mutex::new(text.parse().unwrap())))
    }

    pub fn to(&self, text: &str) {
        *self.0.lock().unwrap() = text.parse().unwrap();
    }
}

impl Clock for Set {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A log of `size` leaves; those from `fork` on are not the usual ones.
pub fn forked(size: usize, fork: usize) -> Vec<Hash> {
    let leaf = |index: usize| leaf_hash(format!("{index} {}", index >= fork).as_bytes());
    (0..size).map(leaf).collect()
}

pub fn checkpoint(leaves: &[Hash]) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: leaves.len() as u64,
        root: root_of(leaves),
    }
}

pub fn note(leaves: &[Hash]) -> Note {
    checkpoint(leaves).sign(&signer()).unwrap()
}

pub fn request(old: usize, leaves: &[Hash]) -> Vec<u8> {
    let tree: MemoryTree = leaves.iter().copied().collect();
    let size = leaves.len();
    let proof = if old == 0 || old >= size {
        vec![]
    } else {
        consistency_proof(old as u64, size as u64, &tree).unwrap()
    };
    let request = AddCheckpoint {
        old: old as u64,
        proof,
        checkpoint: note(leaves),
    };
    request.to_string().into_bytes()
}

/// A witness with both kinds of key.
pub fn witness_on(store: Box<dyn Store>, clock: &Set) -> Witness {
    let keys = vec![cosigner(Scheme::Ed25519), cosigner(Scheme::MlDsa44)];
    Witness::new(vec![known()], keys, store, Arc::new(clock.clone())).unwrap()
}

/// The same case on both stores.
pub fn on_both(case: impl Fn(Box<dyn Store>)) {
    case(Box::<MemoryStore>::default());
    let home = TempDir::new().unwrap();
    case(Box::new(DirectoryStore::open(home.path()).unwrap()));
}
