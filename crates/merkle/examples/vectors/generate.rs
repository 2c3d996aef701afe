//! Proofs good and bad, made from the definitions in RFC 6962 section 2.1 alone: nothing here calls the crate.
use data_encoding::BASE64;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

type Hash = Vec<u8>;

const SIZES: [usize; 12] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];

fn sha256(parts: &[&[u8]]) -> Hash {
    parts
        .iter()
        .fold(Sha256::new(), Digest::chain_update)
        .finalize()
        .to_vec()
}

fn leaf(index: usize) -> Hash {
    sha256(&[&[0], format!("entry {index}").as_bytes()])
}

/// The largest power of two below `length`.
fn split(length: usize) -> usize {
    length.next_power_of_two() / 2
}

/// MTH(D[n]).
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => one.clone(),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            sha256(&[&[1], &root(left), &root(right)])
        }
    }
}

/// PATH(m, D[n]).
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return vec![];
    }
    let middle = split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut path, sibling) = if index < middle {
        (path(index, left), root(right))
    } else {
        (path(index - middle, right), root(left))
    };
    path.push(sibling);
    path
}

/// SUBPROOF(m, D[n], b).
fn subproof(first: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if first == leaves.len() {
        return if whole { vec![] } else { vec![root(leaves)] };
    }
    let middle = split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut proof, sibling) = if first <= middle {
        (subproof(first, left, whole), root(right))
    } else {
        (subproof(first - middle, right, false), root(left))
    };
    proof.push(sibling);
    proof
}

/// What can be done to a proof, and what to call it.
fn spoilt(proof: &[Hash]) -> Vec<(&'static str, Vec<Hash>)> {
    let changed = |change: &dyn Fn(&mut Vec<Hash>)| {
        let mut proof = proof.to_vec();
        change(&mut proof);
        proof
    };
    let mut all = vec![("a hash too many", changed(&|proof| proof.push(leaf(99))))];
    if !proof.is_empty() {
        all.push(("the first hash missing", changed(&|proof| drop(proof.remove(0)))));
        all.push(("the last hash missing", changed(&|proof| drop(proof.pop()))));
        all.push((
            "the first hash twice",
            changed(&|proof| proof.insert(0, proof[0].clone())),
        ));
        all.push(("one bit changed", changed(&|proof| proof[0][31] ^= 1)));
        all.push(("a hash of 31 bytes", changed(&|proof| proof[0].truncate(31))));
        all.push(("a hash of 33 bytes", changed(&|proof| proof[0].push(0))));
    }
    if proof.len() > 1 && proof[0] != proof[1] {
        all.push(("two hashes swapped", changed(&|proof| proof.swap(0, 1))));
    }
    all
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| BASE64.encode(hash)).collect()
}

/// Fields as in the vectors of certificate-transparency implementations.
fn inclusion() -> Vec<Value> {
    let mut all = Vec::new();
    for size in SIZES {
        let leaves: Vec<Hash> = (0..size).map(leaf).collect();
        for index in [0, size / 2, size - 1] {
            let (good, root) = (path(index, &leaves), root(&leaves));
            let mut add =
                |desc: &str, index: usize, size: usize, root: &Hash, leaf: &Hash, proof: &[Hash], bad: bool| {
                    all.push(
                        json!({ "desc": desc, "leafIdx": index, "treeSize": size, "root": BASE64.encode(root),
                    "leafHash": BASE64.encode(leaf), "proof": texts(proof), "wantErr": bad }),
                    );
                };
            add("good", index, size, &root, &leaves[index], &good, false);
            add("index at the size", size, size, &root, &leaves[index], &good, true);
            add("size 0", index, 0, &root, &leaves[index], &good, true);
            add("another leaf", index, size, &root, &leaf(99), &good, true);
            add("another root", index, size, &leaf(99), &leaves[index], &good, true);
            add(
                "the node in the leaf's place",
                index,
                size,
                &root,
                &sha256(&[&[1], &leaves[index]]),
                &good,
                true,
            );
            for (desc, proof) in spoilt(&good) {
                add(desc, index, size, &root, &leaves[index], &proof, true);
            }
        }
    }
    all
}

fn consistency() -> Vec<Value> {
    let mut all = Vec::new();
    for second in SIZES {
        for first in [1, second / 2 + 1, second.saturating_sub(1), second] {
            if !(1..=second).contains(&first) {
                continue;
            }
            let leaves: Vec<Hash> = (0..second).map(leaf).collect();
            let (good, old, new) = (subproof(first, &leaves, true), root(&leaves[..first]), root(&leaves));
            let mut add = |desc: &str, sizes: [usize; 2], roots: [&Hash; 2], proof: &[Hash], bad: bool| {
                all.push(
                    json!({ "desc": desc, "size1": sizes[0], "size2": sizes[1], "root1": BASE64.encode(roots[0]),
                    "root2": BASE64.encode(roots[1]), "proof": texts(proof), "wantErr": bad }),
                );
            };
            let sizes = [first, second];
            add("good", sizes, [&old, &new], &good, false);
            add("another old root", sizes, [&leaf(99), &new], &good, true);
            add("another new root", sizes, [&old, &leaf(99)], &good, true);
            if first < second {
                add("sizes swapped", [second, first], [&old, &new], &good, true);
                add("roots swapped", sizes, [&new, &old], &good, true);
                add("the old size one more", [first + 1, second], [&old, &new], &good, true);
            }
            for (desc, proof) in spoilt(&good) {
                add(desc, sizes, [&old, &new], &proof, true);
            }
        }
    }
    all
}

/// Both files, one vector a line.
pub fn files() -> [(&'static str, String); 2] {
    let lines = |all: Vec<Value>| {
        let lines: Vec<String> = all.iter().map(Value::to_string).collect();
        format!("[\n{}\n]\n", lines.join(",\n"))
    };
    [
        ("inclusion.json", lines(inclusion())),
        ("consistency.json", lines(consistency())),
    ]
}
