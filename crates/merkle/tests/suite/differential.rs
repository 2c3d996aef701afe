//! Two implementations that nobody here wrote say the same: `ct-merkle`, and `signed_note` with `tlog_tiles`.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use keepgate_merkle::checkpoint::Checkpoint;
use keepgate_merkle::hash::{Hash, leaf_hash};
use keepgate_merkle::note::Note;
use keepgate_merkle::proof::{consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
use keepgate_merkle::tile::{TileKind, TilePath};
use keepgate_merkle::tree::{MemoryTree, root_of};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sha2::Sha256;
use signed_note::{StandardVerifier, VerifierList};
use tlog_tiles::tlog;

use crate::support::{ORIGIN, VKEY, signer, vkey};

type Entries = Vec<Vec<u8>>;

fn entries() -> impl Strategy<Value = Entries> {
    vec(vec(any::<u8>(), 0..20), 1..300)
}

/// Our tree over `entries`.
fn ours(entries: &[Vec<u8>]) -> (MemoryTree, Hash) {
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    (leaves.iter().copied().collect(), root_of(&leaves))
}

/// The tree of `ct-merkle` over the same.
fn theirs(entries: &[Vec<u8>]) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    for entry in entries {
        tree.push(entry.clone());
    }
    tree
}

/// The hashes that `tlog_tiles` stores for the same.
struct Stored(Vec<tlog::Hash>);

impl tlog::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog_tiles::Error> {
        Ok(indexes
            .iter()
            .map(|index| self.0[usize::try_from(*index).unwrap()])
            .collect())
    }
}

fn stored(entries: &[Vec<u8>]) -> Stored {
    let mut stored = Stored(vec![]);
    for (index, entry) in entries.iter().enumerate() {
        let more = tlog::stored_hashes(index as u64, entry, &stored).unwrap();
        stored.0.extend(more);
    }
    stored
}

fn digests(proof: &[Hash]) -> Vec<ct_merkle::digest::Output<Sha256>> {
    proof.iter().map(|hash| (*hash.as_bytes()).into()).collect()
}

fn root(hash: &Hash, size: usize) -> RootHash<Sha256> {
    RootHash::new((*hash.as_bytes()).into(), size as u64)
}

fn bytes(proof: &[Hash]) -> Vec<tlog::Hash> {
    proof.iter().map(|hash| tlog::Hash(*hash.as_bytes())).collect()
}

fn flipped(proof: &[Hash], at: Index) -> Option<Vec<Hash>> {
    let mut changed = proof.to_vec();
    let hash = changed.get_mut(at.index(proof.len().max(1)))?;
    let mut bits = *hash.as_bytes();
    bits[0] ^= 1;
    *hash = Hash::from_bytes(bits);
    Some(changed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn roots_and_inclusion_proofs(entries in entries(), at: Index, bit: Index) {
        let (tree, our_root) = ours(&entries);
        let (size, index) = (entries.len(), at.index(entries.len()));
        let (their_tree, stored) = (theirs(&entries), stored(&entries));
        prop_assert_eq!(&their_tree.root(), &root(&our_root, size));
        prop_assert_eq!(tlog::tree_hash(size as u64, &stored).unwrap().0, *our_root.as_bytes());

        let path = inclusion_proof(index as u64, size as u64, &tree).unwrap();
        let their_proof = tlog::prove_record(size as u64, index as u64, &stored).unwrap();
        prop_assert_eq!(&bytes(&path), &their_proof);
        let judge = |path: &[Hash]| {
            let ct = InclusionProof::<Sha256>::from_digests(digests(path).iter());
            let by_ct = root(&our_root, size).verify_inclusion(&entries[index], index as u64, &ct).is_ok();
            let leaf = tlog::record_hash(&entries[index]);
            let by_tlog = tlog::check_record(&bytes(path), size as u64, tlog::Hash(*our_root.as_bytes()), index as u64, leaf).is_ok();
            let by_us = verify_inclusion(index as u64, size as u64, &leaf_hash(&entries[index]), path, &our_root).is_ok();
            (by_us, by_ct, by_tlog)
        };
        prop_assert_eq!(judge(&path), (true, true, true));
        if let Some(wrong) = flipped(&path, bit) {
            prop_assert_eq!(judge(&wrong), (false, false, false));
        }
    }

    #[test]
    fn consistency_proofs(entries in entries(), at: Index, bit: Index) {
        let (tree, second_root) = ours(&entries);
        let (first, second) = (at.index(entries.len()) + 1, entries.len());
        let (_, first_root) = ours(&entries[..first]);
        let proof = consistency_proof(first as u64, second as u64, &tree).unwrap();
        let stored = stored(&entries);
        prop_assert_eq!(&bytes(&proof), &tlog::prove_tree(second as u64, first as u64, &stored).unwrap());
        let judge = |proof: &[Hash]| {
            let ct = ConsistencyProof::<Sha256>::from_digests(digests(proof).iter());
            let by_ct = root(&second_root, second).verify_consistency(&root(&first_root, first), &ct).is_ok();
            let (old, new) = (tlog::Hash(*first_root.as_bytes()), tlog::Hash(*second_root.as_bytes()));
            let by_tlog = tlog::check_tree(&bytes(proof), second as u64, new, first as u64, old).is_ok();
            let by_us = verify_consistency(first as u64, second as u64, &first_root, &second_root, proof).is_ok();
            (by_us, by_ct, by_tlog)
        };
        prop_assert_eq!(judge(&proof), (true, true, true));
        if let Some(wrong) = flipped(&proof, bit) {
            prop_assert_eq!(judge(&wrong), (false, false, false));
        }
    }

    #[test]
    fn signed_checkpoints(size: u64, hash: [u8; 32], at: Index, byte: u8) {
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size: size >> 1, root: Hash::from_bytes(hash) };
        let note = checkpoint.sign(&signer()).unwrap().to_string().into_bytes();
        let judge = |note: &[u8]| {
            let known = VerifierList::new(vec![Box::new(StandardVerifier::new(VKEY).unwrap())]);
            let read = signed_note::Note::from_bytes(note).ok();
            let text = read.filter(|read| read.verify(&known).is_ok()).map(|read| read.text().to_vec());
            let told = text.and_then(|text| tlog_tiles::Checkpoint::from_bytes(&text).ok());
            told.map(|told| (told.size(), told.hash().0))
        };
        prop_assert_eq!(judge(&note), Some((checkpoint.size, hash)));
        // One byte changed anywhere: who accepts it must read the same out of it.
        let mut changed = note.clone();
        let at = at.index(changed.len());
        changed[at] = byte;
        let told = Checkpoint::open(&changed, ORIGIN, &[vkey()]).ok();
        prop_assert_eq!(told.map(|told| (told.size, *told.root.as_bytes())), judge(&changed));
        prop_assert!(Note::parse(&changed).is_err() || changed == note || judge(&changed).is_none());
    }

    #[test]
    fn paths_of_tiles(level in 0_u8..8, index in 0_u64..1_000_000_000, width in 1_u32..=256) {
        // `tlog_tiles` writes the height, always 8 here, into its paths.
        let theirs = tlog_tiles::Tile::new(8, level, index, width, false).path().replacen("tile/8/", "tile/", 1);
        let ours = TilePath::new(TileKind::Hashes(level), index, u16::try_from(width).unwrap()).unwrap();
        prop_assert_eq!(ours.to_string(), theirs);
    }
}
