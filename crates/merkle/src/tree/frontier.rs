//! The right edge of a tree: all that is needed to append to it.

use crate::hash::{Hash, empty_root, node_hash};

/// A compact range over a whole tree: its size and the roots of the complete subtrees along its right edge, largest
/// (leftmost) first. There is one per set bit of the size, so at most 63 hashes describe a tree of any size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    edge: Vec<Hash>,
}

/// Why a size and a list of hashes are not a [`Frontier`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// The number of hashes differs from the number of set bits of the size.
    #[error("a tree of {size} leaves has {expected} hashes on its right edge, not {found}")]
    WrongCount {
        /// The number of leaves.
        size: u64,
        /// How many hashes that size needs.
        expected: u32,
        /// How many were given.
        found: usize,
    },
    /// The size is above [`Frontier::MAX_SIZE`].
    #[error("a tree of {0} leaves is too large")]
    TooLarge(u64),
}

impl Frontier {
    /// The largest size that can be restored: what a signed 64-bit database column holds. Counting on from there one
    /// leaf at a time can't reach the end of `u64`.
    pub const MAX_SIZE: u64 = i64::MAX.unsigned_abs();

    /// Restores a frontier from what [`Frontier::size`] and [`Frontier::edge`] told.
    pub fn from_parts(size: u64, edge: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > Self::MAX_SIZE {
            return Err(FrontierError::TooLarge(size));
        }
        let expected = size.count_ones();
        if usize::try_from(expected) != Ok(edge.len()) {
            return Err(FrontierError::WrongCount {
                size,
                expected,
                found: edge.len(),
            });
        }
        Ok(Self { size, edge })
    }

    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the right edge, largest subtree first.
    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    /// The hashes of the right edge, largest subtree first, without a copy.
    pub fn into_edge(self) -> Vec<Hash> {
        self.edge
    }

    /// Appends one leaf hash and returns the index it got.
    pub fn push(&mut self, leaf: Hash) -> u64 {
        let index = self.size;
        let mut carry = leaf;
        for _ in 0..index.trailing_ones() {
            // One subtree per set bit: there is always a left neighbour here.
            let Some(left) = self.edge.pop() else { break };
            carry = node_hash(&left, &carry);
        }
        self.edge.push(carry);
        self.size += 1;
        index
    }

    /// The root of the tree as it stands.
    pub fn root(&self) -> Hash {
        fold_edge(self.edge.iter().rev()).unwrap_or_else(empty_root)
    }
}

/// Hashes the roots of neighbouring subtrees together, given from the rightmost (smallest) to the leftmost; `None`
/// without any.
pub(crate) fn fold_edge<'a>(mut right_to_left: impl Iterator<Item = &'a Hash>) -> Option<Hash> {
    let last = *right_to_left.next()?;
    Some(right_to_left.fold(last, |right, left| node_hash(left, &right)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    #[test]
    fn a_frontier_is_restored_only_with_one_hash_per_set_bit() {
        let hash = leaf_hash(b"x");
        assert_eq!(Frontier::from_parts(0, vec![]), Ok(Frontier::default()));
        assert!(Frontier::from_parts(7, vec![hash; 3]).is_ok());
        assert_eq!(
            Frontier::from_parts(7, vec![hash; 2]),
            Err(FrontierError::WrongCount {
                size: 7,
                expected: 3,
                found: 2
            })
        );
        assert_eq!(
            Frontier::from_parts(0, vec![hash]),
            Err(FrontierError::WrongCount {
                size: 0,
                expected: 0,
                found: 1
            })
        );
        assert_eq!(
            Frontier::from_parts(u64::MAX, vec![hash; 64]),
            Err(FrontierError::TooLarge(u64::MAX))
        );
    }

    #[test]
    fn a_restored_frontier_goes_on_like_the_one_it_was_taken_from() {
        let mut frontier = Frontier::default();
        for index in 0..100_u64 {
            let mut restored = Frontier::from_parts(frontier.size(), frontier.edge().to_vec()).unwrap();
            let leaf = leaf_hash(&index.to_be_bytes());
            assert_eq!(frontier.push(leaf), index);
            assert_eq!(restored.push(leaf), index);
            assert_eq!(restored.root(), frontier.root());
            assert_eq!(restored.into_edge(), frontier.edge());
        }
    }
}
