//! Building proofs.

use crate::hash::Hash;
use crate::tree::{HashReader, LeafRange, NodeId, split};

/// Why a proof can't be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildProof {
    /// The tree has no leaf with this index.
    #[error("a tree of {size} leaves has no leaf {index}")]
    NoSuchLeaf {
        /// The leaf asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A consistency proof needs 0 < first <= second.
    #[error("no consistency proof leads from size {first} to size {second}")]
    NoSuchGrowth {
        /// The size of the older tree.
        first: u64,
        /// The size of the newer tree.
        second: u64,
    },
    /// The reader doesn't know a hash the proof needs.
    #[error("the hash at level {level}, index {index} is missing", level = .0.level, index = .0.index)]
    Missing(NodeId),
}

/// The proof that leaf `index` is in the tree of the first `size` leaves: siblings from the leaf up.
pub fn inclusion_proof(index: u64, size: u64, reader: &impl HashReader) -> Result<Vec<Hash>, BuildProof> {
    read_all(inclusion_ranges(index, size)?, reader)
}

/// The proof that the tree of the first `second` leaves grew out of the tree of the first `first` leaves. It is empty
/// for equal sizes.
pub fn consistency_proof(first: u64, second: u64, reader: &impl HashReader) -> Result<Vec<Hash>, BuildProof> {
    read_all(consistency_ranges(first, second)?, reader)
}

/// The nodes [`inclusion_proof`] will read, so that they can be fetched before.
pub fn nodes_for_inclusion(index: u64, size: u64) -> Result<Vec<NodeId>, BuildProof> {
    Ok(inclusion_ranges(index, size)?
        .into_iter()
        .flat_map(LeafRange::nodes)
        .collect())
}

/// The nodes [`consistency_proof`] will read, so that they can be fetched before.
pub fn nodes_for_consistency(first: u64, second: u64) -> Result<Vec<NodeId>, BuildProof> {
    Ok(consistency_ranges(first, second)?
        .into_iter()
        .flat_map(LeafRange::nodes)
        .collect())
}

fn read_all(ranges: Vec<LeafRange>, reader: &impl HashReader) -> Result<Vec<Hash>, BuildProof> {
    ranges
        .into_iter()
        .filter_map(|range| range.hash(reader).transpose())
        .collect::<Result<_, _>>()
        .map_err(BuildProof::Missing)
}

/// PATH(m, D[n]) of RFC 6962 section 2.1.1, walked from the root down.
fn inclusion_ranges(index: u64, size: u64) -> Result<Vec<LeafRange>, BuildProof> {
    if index >= size {
        return Err(BuildProof::NoSuchLeaf { index, size });
    }
    let (mut start, mut end) = (0, size);
    let mut siblings = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            siblings.push(LeafRange { start: middle, end });
            end = middle;
        } else {
            siblings.push(LeafRange { start, end: middle });
            start = middle;
        }
    }
    siblings.reverse();
    Ok(siblings)
}

/// SUBPROOF(m, D[n], true) of RFC 6962 section 2.1.2, walked from the root down.
fn consistency_ranges(first: u64, second: u64) -> Result<Vec<LeafRange>, BuildProof> {
    if first == 0 || first > second {
        return Err(BuildProof::NoSuchGrowth { first, second });
    }
    let (mut start, mut end) = (0, second);
    let mut ranges = Vec::new();
    while first != end {
        let middle = start + split(end - start);
        if first <= middle {
            ranges.push(LeafRange { start: middle, end });
            end = middle;
        } else {
            ranges.push(LeafRange { start, end: middle });
            start = middle;
        }
    }
    // The verifier knows the older root already if that tree is one of the subtrees.
    if start != 0 {
        ranges.push(LeafRange { start, end });
    }
    ranges.reverse();
    Ok(ranges)
}
