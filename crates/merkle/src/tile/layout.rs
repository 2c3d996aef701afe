//! Which tiles a log of a given size has, and which of them a proof needs.

use std::collections::BTreeSet;

use super::path::{FULL_WIDTH, TileKind, TilePath};
use crate::tree::NodeId;

/// How many levels the largest tree has.
const LEVELS: u8 = 8;

/// Every tile of a log of `size` leaves: the entry bundles, then the hash tiles level by level, each from the left.
pub fn tiles_for(size: u64) -> impl Iterator<Item = TilePath> {
    tiles_between(0, size)
}

/// The tiles a log has at size `new` and did not have at size `old`, in the order of [`tiles_for`]: what an append
/// must write. Nothing if the log did not grow.
pub fn tiles_between(old: u64, new: u64) -> impl Iterator<Item = TilePath> {
    std::iter::once(TileKind::Entries)
        .chain((0..LEVELS).map(TileKind::Hashes))
        .flat_map(move |kind| {
            let shift = 8 * u32::from(kind.level());
            let (old, new) = (old >> shift, new >> shift);
            let first = old / u64::from(FULL_WIDTH);
            let end = if new > old {
                new.div_ceil(u64::from(FULL_WIDTH))
            } else {
                first
            };
            (first..end).filter_map(move |index| TilePath::at(kind, index, new << shift))
        })
}

/// The hash tiles of a log of `size` leaves that hold these nodes, each once. A node that this log lacks is skipped.
pub fn tiles_for_nodes(nodes: impl IntoIterator<Item = NodeId>, size: u64) -> Vec<TilePath> {
    let paths: BTreeSet<_> = nodes
        .into_iter()
        .filter_map(|node| {
            let place = Place::of(node)?;
            TilePath::at(TileKind::Hashes(place.level), place.index, size)
        })
        .collect();
    paths.into_iter().collect()
}

/// Where the hashes below a node lie: in one tile, side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The level of the tile.
    pub(super) level: u8,
    /// The index of the tile.
    pub(super) index: u64,
    /// The first hash in the tile.
    pub(super) start: usize,
    /// How many hashes: 1 for a hash that the tile holds itself, up to 128 for one computed from it.
    pub(super) count: usize,
}

impl Place {
    /// The place of a node; `None` if no tree has such a node.
    pub(super) fn of(node: NodeId) -> Option<Self> {
        let height = node.level % 8;
        let position = node.index.checked_mul(1 << height)?;
        Some(Self {
            level: node.level / 8,
            index: position / u64::from(FULL_WIDTH),
            start: usize::try_from(position % u64::from(FULL_WIDTH)).ok()?,
            count: 1 << height,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(tiles: impl Iterator<Item = TilePath>) -> Vec<String> {
        tiles.map(|path| path.to_string()).collect()
    }

    #[test]
    fn the_empty_log_has_no_tiles() {
        assert_eq!(tiles_for(0).count(), 0);
    }

    #[test]
    fn a_full_tile_brings_the_first_hash_of_the_next_level() {
        assert_eq!(paths(tiles_for(1)), ["tile/entries/000.p/1", "tile/0/000.p/1"]);
        assert_eq!(
            paths(tiles_for(256)),
            ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
        );
        assert_eq!(
            paths(tiles_for(257)),
            [
                "tile/entries/000",
                "tile/entries/001.p/1",
                "tile/0/000",
                "tile/0/001.p/1",
                "tile/1/000.p/1"
            ]
        );
    }

    #[test]
    fn a_log_of_70_000_leaves_has_273_full_tiles_at_level_0() {
        let all = paths(tiles_for(70_000));
        assert_eq!(all.len(), 274 + 274 + 2 + 1);
        for expected in [
            "tile/0/272",
            "tile/0/273.p/112",
            "tile/1/000",
            "tile/1/001.p/17",
            "tile/2/000.p/1",
        ] {
            assert!(all.iter().any(|path| path == expected), "{expected}");
        }
    }

    #[test]
    fn growth_writes_exactly_the_tiles_that_were_not_there() {
        let sizes = [0, 1, 2, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537];
        for (old, new) in sizes
            .iter()
            .flat_map(|old| sizes.map(|new| (*old, new)))
            .filter(|(old, new)| old <= new)
        {
            let before: BTreeSet<_> = tiles_for(old).collect();
            let expected: Vec<_> = tiles_for(new).filter(|path| !before.contains(path)).collect();
            assert_eq!(tiles_between(old, new).collect::<Vec<_>>(), expected, "{old} to {new}");
        }
        assert_eq!(tiles_between(700, 256).count(), 0);
    }

    #[test]
    fn the_largest_size_is_laid_out_without_overflow() {
        let last = TilePath::at(TileKind::Entries, u64::MAX / 256, u64::MAX).unwrap();
        assert_eq!((last.width(), last.first_leaf()), (255, Some(u64::MAX - 255)));
        assert_eq!(tiles_between(u64::MAX - 1, u64::MAX).count(), 2);
    }
}
