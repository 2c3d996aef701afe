//! Proofs: the right ones pass, anything changed fails.

use keepgate_merkle::hash::{Hash, empty_root, leaf_hash, node_hash};
use keepgate_merkle::proof::{
    BuildProof, Inconsistent, NotIncluded, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion,
};
use keepgate_merkle::tree::{MemoryTree, root_of};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::{BIG, leaves, naive_root, naive_split};

/// PATH of RFC 6962 section 2.1.1, word for word.
fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let split = naive_split(leaves.len());
    let (left, right) = leaves.split_at(split);
    let (mut path, sibling) = if index < split {
        (naive_path(index, left), right)
    } else {
        (naive_path(index - split, right), left)
    };
    path.push(naive_root(sibling));
    path
}

/// SUBPROOF of RFC 6962 section 2.1.2, word for word.
fn naive_subproof(first: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if first == leaves.len() {
        return if known { vec![] } else { vec![naive_root(leaves)] };
    }
    let split = naive_split(leaves.len());
    let (left, right) = leaves.split_at(split);
    let (mut proof, sibling) = if first <= split {
        (naive_subproof(first, left, known), right)
    } else {
        (naive_subproof(first - split, right, false), left)
    };
    proof.push(naive_root(sibling));
    proof
}

fn flip(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8 % 32] ^= 1 << (bit % 8);
    Hash::from_bytes(bytes)
}

/// Every way to change a proof by one element: a bit flipped, one left out, one doubled, one added.
fn damaged(proof: &[Hash], at: Index, bit: usize, foreign: Hash) -> Vec<Vec<Hash>> {
    let mut damaged = vec![[proof, &[foreign]].concat(), [&[foreign], proof].concat()];
    if !proof.is_empty() {
        let at = at.index(proof.len());
        let mut flipped = proof.to_vec();
        flipped[at] = flip(&flipped[at], bit);
        let mut shorter = proof.to_vec();
        shorter.remove(at);
        let mut doubled = proof.to_vec();
        doubled.insert(at, proof[at]);
        damaged.extend([flipped, shorter, doubled]);
    }
    damaged
}

#[test]
fn every_leaf_of_every_small_tree_has_the_proof_of_the_rfc() {
    let all = leaves(130);
    let tree: MemoryTree = all.iter().copied().collect();
    for size in 1..=all.len() {
        let root = naive_root(&all[..size]);
        assert_eq!(root_of(&all[..size]), root);
        for index in 0..size {
            let proof = inclusion_proof(index as u64, size as u64, &tree).unwrap();
            if size <= 40 {
                assert_eq!(proof, naive_path(index, &all[..size]), "{index} of {size}");
            }
            assert_eq!(
                verify_inclusion(index as u64, size as u64, &all[index], &proof, &root),
                Ok(())
            );
        }
    }
}

#[test]
fn every_pair_of_small_trees_has_the_proof_of_the_rfc() {
    let all = leaves(130);
    let tree: MemoryTree = all.iter().copied().collect();
    let roots: Vec<_> = (0..=all.len()).map(|size| root_of(&all[..size])).collect();
    for second in 1..=all.len() {
        for first in 1..=second {
            let proof = consistency_proof(first as u64, second as u64, &tree).unwrap();
            if second <= 40 {
                assert_eq!(
                    proof,
                    naive_subproof(first, &all[..second], true),
                    "{first} to {second}"
                );
            }
            let (first, second, older, newer) = (first as u64, second as u64, &roots[first], &roots[second]);
            assert_eq!(
                verify_consistency(first, second, older, newer, &proof),
                Ok(()),
                "{first} to {second}"
            );
        }
    }
}

#[test]
fn an_index_at_or_beyond_the_size_is_refused() {
    let all = leaves(3);
    let root = root_of(&all);
    for (index, size) in [(3, 3), (4, 3), (0, 0), (u64::MAX, u64::MAX)] {
        let expected = Err(NotIncluded::NoSuchLeaf { index, size });
        assert_eq!(verify_inclusion(index, size, &all[0], &[], &root), expected);
        let tree: MemoryTree = all.iter().copied().collect();
        assert_eq!(
            inclusion_proof(index, size, &tree),
            Err(BuildProof::NoSuchLeaf { index, size })
        );
    }
}

#[test]
fn nothing_is_proved_from_the_empty_tree_or_to_a_smaller_one() {
    let root = root_of(&leaves(5));
    assert_eq!(
        verify_consistency(0, 5, &empty_root(), &root, &[]),
        Err(Inconsistent::FromEmpty)
    );
    assert_eq!(
        verify_consistency(0, 0, &empty_root(), &empty_root(), &[]),
        Err(Inconsistent::FromEmpty)
    );
    let shrank = Err(Inconsistent::Shrank { first: 6, second: 5 });
    assert_eq!(verify_consistency(6, 5, &root, &root, &[]), shrank);
    for (first, second) in [(0, 5), (6, 5)] {
        assert_eq!(
            consistency_proof(first, second, &*BIG),
            Err(BuildProof::NoSuchGrowth { first, second })
        );
    }
}

#[test]
fn equal_sizes_need_equal_roots_and_an_empty_proof() {
    let (root, other) = (root_of(&leaves(5)), leaf_hash(b"other"));
    assert_eq!(verify_consistency(5, 5, &root, &root, &[]), Ok(()));
    assert_eq!(
        verify_consistency(5, 5, &root, &root, &[root]),
        Err(Inconsistent::WrongLength)
    );
    assert_eq!(
        verify_consistency(5, 5, &root, &other, &[]),
        Err(Inconsistent::OtherSecondRoot)
    );
}

#[test]
fn hashes_left_over_are_refused_even_if_the_roots_are_made_to_fit() {
    let extra = leaf_hash(b"extra");
    for size in [1, 2, 3, 8] {
        let mut proof = inclusion_proof(0, size, &*BIG).unwrap();
        proof.push(extra);
        let fitted = node_hash(&extra, &root_at(size));
        let refused = Err(NotIncluded::WrongLength);
        assert_eq!(
            verify_inclusion(0, size, &leaves_at(0), &proof, &fitted),
            refused,
            "size {size}"
        );
    }
    for (first, second) in [(3, 5), (6, 8), (7, 8)] {
        let mut proof = consistency_proof(first, second, &*BIG).unwrap();
        proof.push(extra);
        let [older, newer] = [first, second].map(|size| node_hash(&extra, &root_at(size)));
        let refused = Err(Inconsistent::WrongLength);
        assert_eq!(
            verify_consistency(first, second, &older, &newer, &proof),
            refused,
            "{first} to {second}"
        );
    }
}

#[test]
fn a_proof_beyond_the_known_leaves_names_the_missing_node() {
    let tree: MemoryTree = leaves(5).into_iter().collect();
    assert!(
        matches!(inclusion_proof(0, 6, &tree), Err(BuildProof::Missing(node)) if (node.level, node.index) == (1, 2))
    );
    assert!(matches!(consistency_proof(5, 8, &tree), Err(BuildProof::Missing(_))));
}

#[test]
fn the_largest_sizes_are_handled_without_overflow() {
    let hash = leaf_hash(b"x");
    for proof in [vec![], vec![hash; 64], vec![hash; 65]] {
        assert!(verify_inclusion(u64::MAX - 1, u64::MAX, &hash, &proof, &hash).is_err());
        assert!(verify_inclusion(0, u64::MAX, &hash, &proof, &hash).is_err());
        assert!(verify_consistency(u64::MAX - 1, u64::MAX, &hash, &hash, &proof).is_err());
        assert!(verify_consistency(1 << 63, u64::MAX, &hash, &hash, &proof).is_err());
        assert!(verify_consistency(1, u64::MAX, &hash, &hash, &proof).is_err());
    }
}

proptest! {
    #[test]
    fn an_inclusion_proof_with_anything_changed_fails(
        (index, size) in (1_u64..3000).prop_flat_map(|size| (0..size, Just(size))),
        at: Index, bit in 0_usize..256, other in 0_u64..3000,
    ) {
        let leaf = leaves_at(index);
        let root = root_at(size);
        let proof = inclusion_proof(index, size, &*BIG).unwrap();
        prop_assert_eq!(verify_inclusion(index, size, &leaf, &proof, &root), Ok(()));
        for proof in damaged(&proof, at, bit, leaf_hash(b"foreign")) {
            prop_assert!(verify_inclusion(index, size, &leaf, &proof, &root).is_err());
        }
        prop_assert!(verify_inclusion(index, size, &flip(&leaf, bit), &proof, &root).is_err());
        prop_assert!(verify_inclusion(index, size, &leaf, &proof, &flip(&root, bit)).is_err());
        if other != index {
            prop_assert!(verify_inclusion(other, size, &leaf, &proof, &root).is_err());
        }
    }

    #[test]
    fn a_consistency_proof_with_anything_changed_fails(
        (first, second) in (1_u64..3000).prop_flat_map(|second| (1..=second, Just(second))),
        at: Index, bit in 0_usize..256,
    ) {
        let (older, newer) = (root_at(first), root_at(second));
        let proof = consistency_proof(first, second, &*BIG).unwrap();
        prop_assert_eq!(verify_consistency(first, second, &older, &newer, &proof), Ok(()));
        for proof in damaged(&proof, at, bit, leaf_hash(b"foreign")) {
            prop_assert!(verify_consistency(first, second, &older, &newer, &proof).is_err());
        }
        prop_assert!(verify_consistency(first, second, &flip(&older, bit), &newer, &proof).is_err());
        prop_assert!(verify_consistency(first, second, &older, &flip(&newer, bit), &proof).is_err());
        if first != second {
            prop_assert!(verify_consistency(second, first, &newer, &older, &proof).is_err());
        }
    }

    #[test]
    fn a_random_proof_never_panics(first: u64, second: u64, bytes in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
        let proof: Vec<_> = bytes.into_iter().map(Hash::from_bytes).collect();
        let hash = leaf_hash(b"x");
        prop_assert!(verify_inclusion(first, second, &hash, &proof, &hash).is_err());
        prop_assert!(first == second || verify_consistency(first, second, &hash, &hash, &proof).is_err());
    }
}

fn leaves_at(index: u64) -> Hash {
    leaf_hash(&crate::support::entry(index))
}

fn root_at(size: u64) -> Hash {
    root_of(&leaves(size))
}
