//! Checking inclusion proofs.

use crate::hash::{Hash, node_hash};

/// Why an inclusion proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotIncluded {
    /// The tree has no leaf with this index.
    #[error("a tree of {size} leaves has no leaf {index}")]
    NoSuchLeaf {
        /// The index claimed.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The proof has too few or too many hashes for this index and size.
    #[error("the inclusion proof has the wrong number of hashes")]
    WrongLength,
    /// The proof leads to another root.
    #[error("the inclusion proof leads to another root")]
    OtherRoot,
}

/// Checks that `leaf` is leaf `index` of the tree with `size` leaves and this `root` (RFC 9162 section 2.1.3.2).
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> Result<(), NotIncluded> {
    if index >= size {
        return Err(NotIncluded::NoSuchLeaf { index, size });
    }
    // The names of the RFC: fn, sn and r.
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(NotIncluded::WrongLength);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A right edge without a sibling rises unchanged to the level where it has one.
            let lift = if node & 1 == 1 || node == 0 {
                0
            } else {
                node.trailing_zeros()
            };
            (node, last) = (node >> lift, last >> lift);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(NotIncluded::WrongLength);
    }
    if hash == *root {
        Ok(())
    } else {
        Err(NotIncluded::OtherRoot)
    }
}
