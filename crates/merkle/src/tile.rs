//! Tiles (`c2sp.org/tlog-tiles`): the log as a set of small immutable files.
//!
//! A *hash tile* holds up to 256 neighbouring hashes of one level; an *entry bundle* holds the entries behind a tile
//! of level 0. Each hash of level L + 1 is the root over one full tile of level L. Full tiles never change; at the
//! right edge there is a partial tile per level.

mod bundle;
mod hashes;
mod layout;
mod path;
mod set;

pub use bundle::{BundleFault, Entries, EntryTooLong, MAX_ENTRY_BYTES, encode_bundle, entries};
pub use hashes::{TileLength, decode_hashes, encode_hashes};
pub use layout::{tiles_between, tiles_for, tiles_for_nodes};
pub use path::{FULL_WIDTH, ParseTilePath, TileKind, TilePath, TilePathError};
pub use set::{InsertTile, TileSet};

pub(crate) use hashes::whole_hashes;
pub(crate) use path::leaf_below;
