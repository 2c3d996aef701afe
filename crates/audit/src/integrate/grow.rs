//! A tree that grows at its right edge, and the tiles that become full on the way.
use keepgate_merkle::{
    hash::Hash,
    tile::FULL_WIDTH,
    tree::{Frontier, root_of},
};

/// The right edge of a tree and of its tiles: enough to append.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) frontier: Frontier,
    /// The hashes of the tile that is not full yet, for each level.
    open: Vec<Vec<Hash>>,
}

/// A tile of 256 hashes, never to change again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FullTile {
    pub(crate) level: u8,
    pub(crate) index: u64,
    pub(crate) hashes: Vec<Hash>,
    /// The root over them: a hash of the next level.
    pub(crate) root: Hash,
}

impl Tree {
    /// A tree from its edge and, level by level, the hashes of the tiles that are not full; `None` if the two do not tell
    /// the same: one of them was changed.
    pub(crate) fn new(frontier: Frontier, open: Vec<Vec<Hash>>) -> Option<Self> {
        let edge: Vec<Hash> = open.iter().rev().flat_map(|hashes| edge_of(hashes)).collect();
        (edge == frontier.edge()).then_some(Self { frontier, open })
    }

    /// Appends a leaf, returns its index and adds the tiles it fills to `full`.
    pub(crate) fn push(&mut self, leaf: Hash, full: &mut Vec<FullTile>) -> u64 {
        let index = self.frontier.push(leaf);
        let (mut carry, mut level) = (leaf, 0_u8);
        loop {
            if self.open.len() <= usize::from(level) {
                self.open.push(Vec::new());
            }
            let Some(open) = self.open.get_mut(usize::from(level)) else {
                return index;
            };
            open.push(carry);
            if open.len() < usize::from(FULL_WIDTH) {
                return index;
            }
            let hashes = std::mem::take(open);
            carry = root_of(&hashes);
            full.push(FullTile {
                level,
                index: index >> (8 * (u32::from(level) + 1)),
                hashes,
                root: carry,
            });
            level += 1;
        }
    }
}

/// The roots of the complete subtrees over the hashes of one tile.
fn edge_of(hashes: &[Hash]) -> Vec<Hash> {
    let mut frontier = Frontier::default();
    for hash in hashes {
        frontier.push(*hash);
    }
    frontier.into_edge()
}

/// How many hashes the tile that is not full has at `level` in a log of `size` leaves.
pub(crate) fn open_width(size: u64, level: u32) -> u64 {
    size.checked_shr(8 * level).unwrap_or(0) % u64::from(FULL_WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepgate_merkle::{
        hash::leaf_hash,
        tile::{TileKind, TilePath, TileSet, encode_hashes},
        tree::{HashReader, MemoryTree},
    };

    fn leaves(count: u64) -> impl Iterator<Item = Hash> {
        (0..count).map(|index| leaf_hash(&index.to_be_bytes()))
    }

    #[test]
    fn full_tiles_hold_the_hashes_of_the_whole_tree() {
        let mut tree = Tree::new(Frontier::default(), Vec::new()).unwrap();
        let mut full = Vec::new();
        leaves(66_000).for_each(|leaf| _ = tree.push(leaf, &mut full));
        let whole: MemoryTree = leaves(66_000).collect();
        let mut set = TileSet::default();
        for tile in &full {
            let path = TilePath::new(TileKind::Hashes(tile.level), tile.index, 256).unwrap();
            set.insert(path, &encode_hashes(&tile.hashes)).unwrap();
            assert_eq!(Some(tile.root), whole.read(8 * (tile.level + 1), tile.index));
        }
        assert_eq!(full.iter().filter(|tile| tile.level == 0).count(), 257);
        assert_eq!(full.iter().filter(|tile| tile.level == 1).count(), 1);
        for (level, index) in [(0, 0), (0, 65_791), (7, 513), (8, 255), (15, 1)] {
            assert_eq!(set.read(level, index), whole.read(level, index), "{level} {index}");
        }
    }

    #[test]
    fn a_tree_restored_in_the_middle_goes_on_alike() {
        let mut whole = Tree::new(Frontier::default(), Vec::new()).unwrap();
        let mut all = Vec::new();
        leaves(300).for_each(|leaf| _ = whole.push(leaf, &mut all));
        let mut parts = Vec::new();
        let mut tree = Tree::new(Frontier::default(), Vec::new()).unwrap();
        for (count, leaf) in leaves(300).enumerate() {
            let restored = Frontier::from_parts(count as u64, tree.frontier.edge().to_vec()).unwrap();
            tree = Tree::new(restored, tree.open).unwrap();
            tree.push(leaf, &mut parts);
        }
        assert_eq!(parts, all);
        assert_eq!(tree.frontier, whole.frontier);
    }

    #[test]
    fn a_tree_whose_tiles_and_edge_differ_is_refused() {
        let mut tree = Tree::new(Frontier::default(), Vec::new()).unwrap();
        leaves(3).for_each(|leaf| _ = tree.push(leaf, &mut Vec::new()));
        let stored: Vec<Hash> = leaves(3).collect();
        let restore = |open| Tree::new(tree.frontier.clone(), open);
        assert!(restore(vec![stored.clone()]).is_some());
        assert!(restore(vec![stored[..2].to_vec()]).is_none(), "one is missing");
        assert!(restore(vec![leaves(4).collect()]).is_none(), "one too many");
        assert!(
            restore(vec![vec![stored[1], stored[0], stored[2]]]).is_none(),
            "swapped"
        );
        assert!(restore(vec![stored.clone(), stored]).is_none(), "a level too many");
    }
}
