//! Some tiles of a log, as a source of hashes.

use std::collections::BTreeMap;

use super::hashes::{TileLength, decode_hashes};
use super::layout::Place;
use super::path::{TileKind, TilePath};
use crate::hash::Hash;
use crate::tree::{HashReader, NodeId, root_of};

/// Hash tiles in memory, from which proofs can be built. Fetch those that [`super::tiles_for_nodes`] names, insert
/// them, build the proof.
///
/// Nothing here says that the tiles are genuine: a proof built from wrong ones fails when it is checked.
#[derive(Debug, Clone, Default)]
pub struct TileSet {
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
}

/// Why a tile can't be part of a [`TileSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InsertTile {
    /// It is an entry bundle.
    #[error("an entry bundle holds no hashes")]
    Entries,
    /// Its content doesn't fit its name.
    #[error(transparent)]
    Length(#[from] TileLength),
}

impl TileSet {
    /// Adds a hash tile. A wider version of the same tile takes the place of a narrower one, not the other way round.
    pub fn insert(&mut self, path: TilePath, content: &[u8]) -> Result<(), InsertTile> {
        let TileKind::Hashes(level) = path.kind() else {
            return Err(InsertTile::Entries);
        };
        let hashes = decode_hashes(content, path.width())?;
        let known = self.tiles.entry((level, path.index())).or_default();
        if known.len() < hashes.len() {
            *known = hashes;
        }
        Ok(())
    }
}

impl HashReader for TileSet {
    fn read(&self, level: u8, index: u64) -> Option<Hash> {
        let place = Place::of(NodeId { level, index })?;
        let tile = self.tiles.get(&(place.level, place.index))?;
        tile.get(place.start..place.start.checked_add(place.count)?)
            .map(root_of)
    }
}
