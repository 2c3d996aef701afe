//! Our own vectors, good and bad. They come from a generator that knows the RFC and not the crate; two implementations that
//! nobody here wrote judge them as well.
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash, digest::Output};
use data_encoding::BASE64;
use keepgate_merkle::{
    hash::Hash,
    proof::{verify_consistency, verify_inclusion},
};
use serde_json::Value;
use sha2::Sha256;
use tlog_tiles::tlog;

#[path = "../../examples/vectors/generate.rs"]
mod generate;

const INCLUSION: &str = include_str!("../vectors/inclusion.json");
const CONSISTENCY: &str = include_str!("../vectors/consistency.json");

fn vectors(file: &str) -> Vec<Value> {
    serde_json::from_str(file).unwrap()
}

fn number(vector: &Value, field: &str) -> u64 {
    vector[field].as_u64().unwrap()
}

/// The hash in a field; `None` if it has another length.
fn hash(text: &Value) -> Option<[u8; 32]> {
    BASE64
        .decode(text.as_str().unwrap().as_bytes())
        .unwrap()
        .try_into()
        .ok()
}

fn proof(vector: &Value) -> Option<Vec<[u8; 32]>> {
    vector["proof"].as_array().unwrap().iter().map(hash).collect()
}

fn root(hash: [u8; 32], size: u64) -> RootHash<Sha256> {
    RootHash::new(hash.into(), size)
}

fn digests(proof: &[[u8; 32]]) -> Vec<Output<Sha256>> {
    proof.iter().map(|hash| (*hash).into()).collect()
}

fn theirs(proof: &[[u8; 32]]) -> Vec<tlog::Hash> {
    proof.iter().copied().map(tlog::Hash).collect()
}

fn ours(proof: &[[u8; 32]]) -> Vec<Hash> {
    proof.iter().copied().map(Hash::from_bytes).collect()
}

#[test]
fn the_committed_vectors_are_what_the_generator_writes() {
    let [(_, inclusion), (_, consistency)] = generate::files();
    let advice = "run `cargo run -p keepgate-merkle --example vectors`";
    // As values: the order of fields is a matter of serde_json's features.
    assert_eq!(vectors(INCLUSION), vectors(&inclusion), "{advice}");
    assert_eq!(vectors(CONSISTENCY), vectors(&consistency), "{advice}");
    let bad = |file: &str| vectors(file).iter().filter(|vector| vector["wantErr"] == true).count();
    assert!(bad(INCLUSION) > 100 && bad(CONSISTENCY) > 100);
}

#[test]
fn every_inclusion_vector_is_judged_as_it_says_by_us_and_two_others() {
    for vector in vectors(INCLUSION) {
        let good = vector["wantErr"] == false;
        let (index, size) = (number(&vector, "leafIdx"), number(&vector, "treeSize"));
        let [at_root, leaf] = ["root", "leafHash"].map(|field| hash(&vector[field]).unwrap());
        // A hash of another length is no hash: the types refuse it before anybody verifies.
        let Some(path) = proof(&vector) else {
            assert!(!good, "{vector}");
            continue;
        };
        let (leaf_hash, root_hash) = (Hash::from_bytes(leaf), Hash::from_bytes(at_root));
        let by_us = verify_inclusion(index, size, &leaf_hash, &ours(&path), &root_hash);
        assert_eq!(by_us.is_ok(), good, "{vector}");
        let by_tlog = tlog::check_record(&theirs(&path), size, tlog::Hash(at_root), index, tlog::Hash(leaf));
        assert_eq!(by_tlog.is_ok(), good, "{vector}");
        // This one takes the entry, not its hash.
        let entry = format!("entry {index}");
        if keepgate_merkle::hash::leaf_hash(entry.as_bytes()) == leaf_hash && size > 0 {
            let path = InclusionProof::<Sha256>::from_digests(digests(&path).iter());
            let by_ct = root(at_root, size).verify_inclusion(&entry, index, &path);
            assert_eq!(by_ct.is_ok(), good, "{vector}");
        }
    }
}

#[test]
fn every_consistency_vector_is_judged_as_it_says_by_us_and_two_others() {
    for vector in vectors(CONSISTENCY) {
        let good = vector["wantErr"] == false;
        let (first, second) = (number(&vector, "size1"), number(&vector, "size2"));
        let [old, new] = ["root1", "root2"].map(|field| hash(&vector[field]).unwrap());
        let Some(path) = proof(&vector) else {
            assert!(!good, "{vector}");
            continue;
        };
        let roots = [old, new].map(Hash::from_bytes);
        let by_us = verify_consistency(first, second, &roots[0], &roots[1], &ours(&path));
        assert_eq!(by_us.is_ok(), good, "{vector}");
        let by_tlog = tlog::check_tree(&theirs(&path), second, tlog::Hash(new), first, tlog::Hash(old));
        assert_eq!(by_tlog.is_ok(), good, "{vector}");
        if first <= second {
            let path = ConsistencyProof::<Sha256>::from_digests(digests(&path).iter());
            let by_ct = root(new, second).verify_consistency(&root(old, first), &path);
            assert_eq!(by_ct.is_ok(), good, "{vector}");
        }
    }
}
