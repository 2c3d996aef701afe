//! Names of nodes and ranges of leaves, and who can read them.

use super::fold_edge;
use crate::hash::Hash;

/// A complete subtree: 2^`level` leaves, beginning with leaf `index` · 2^`level`. Level 0 is the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Height of the subtree, 0 to 63.
    pub level: u8,
    /// Position among the subtrees of that height, from the left.
    pub index: u64,
}

/// Something that knows the hashes of complete subtrees: all leaves in memory, or a set of tiles.
pub trait HashReader {
    /// The hash of the complete subtree `index` at `level` (0 is the leaves), or `None` if it isn't known or isn't
    /// complete. Must always answer the same for the same node.
    fn read(&self, level: u8, index: u64) -> Option<Hash>;
}

impl<R: HashReader + ?Sized> HashReader for &R {
    fn read(&self, level: u8, index: u64) -> Option<Hash> {
        (**self).read(level, index)
    }
}

/// Leaves `start` to `end` (exclusive) as RFC 6962 splits trees: `start` is a multiple of the smallest power of two
/// that is not below `end - start`, and the range is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeafRange {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl LeafRange {
    /// The complete subtrees that make up the range, largest (leftmost) first.
    pub(crate) fn nodes(self) -> impl DoubleEndedIterator<Item = NodeId> {
        let Self { start, end } = self;
        let length = end.saturating_sub(start);
        (0..u64::BITS as u8)
            .rev()
            .filter(move |level| length >> level & 1 == 1)
            .map(move |level| {
                // Every larger subtree of the range lies to the left of this one.
                let before = if level == 63 {
                    0
                } else {
                    length >> (level + 1) << (level + 1)
                };
                NodeId {
                    level,
                    index: start.saturating_add(before) >> level,
                }
            })
    }

    /// The hash over the range, or the first node that `reader` doesn't know.
    pub(crate) fn hash(self, reader: &impl HashReader) -> Result<Option<Hash>, NodeId> {
        let hashes = self
            .nodes()
            .map(|node| reader.read(node.level, node.index).ok_or(node))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(fold_edge(hashes.iter().rev()))
    }
}

/// Where RFC 6962 splits a tree of `length` > 1 leaves: the largest power of two below `length`.
pub(crate) fn split(length: u64) -> u64 {
    let below = length.saturating_sub(1).max(1);
    1 << below.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_splits_at_the_largest_power_of_two_below_its_size() {
        for (length, expected) in [
            (2, 1),
            (3, 2),
            (4, 2),
            (5, 4),
            (256, 128),
            (257, 256),
            (u64::MAX, 1 << 63),
        ] {
            assert_eq!(split(length), expected, "{length}");
        }
    }

    #[test]
    fn a_range_falls_into_one_subtree_per_set_bit_of_its_length() {
        let nodes: Vec<_> = LeafRange { start: 8, end: 15 }
            .nodes()
            .map(|node| (node.level, node.index))
            .collect();
        assert_eq!(nodes, [(2, 2), (1, 6), (0, 14)]);
        let whole: Vec<_> = LeafRange {
            start: 0,
            end: u64::MAX,
        }
        .nodes()
        .collect();
        assert_eq!(whole.len(), 64);
        assert_eq!(
            whole.last(),
            Some(&NodeId {
                level: 0,
                index: u64::MAX - 1
            })
        );
    }
}
