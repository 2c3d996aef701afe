//! The tree as it grows leaf by leaf, compared with the stored tiles at every level.

use super::outcome::{Incomplete, TamperReason, Tampered};
use super::source::Source;
use crate::hash::{Hash, empty_root};
use crate::tile::{FULL_WIDTH, TileKind, TilePath, leaf_below, whole_hashes};
use crate::tree::{Frontier, fold_edge};

/// Why a check stops early.
pub(super) enum Stop<E> {
    Tampered(Tampered),
    Incomplete(Incomplete<E>),
}

/// Ends the check at a leaf.
pub(super) fn tampered<T, E>(index: impl Into<Option<u64>>, reason: TamperReason) -> Result<T, Stop<E>> {
    Err(Stop::Tampered(Tampered {
        index: index.into(),
        reason,
    }))
}

/// Content of a tile, cut to the width asked for.
pub(super) struct Fetched {
    pub(super) bytes: Vec<u8>,
    /// Whether the bytes are those of the full tile instead of the partial one.
    pub(super) widened: bool,
}

/// Fetches a tile, or the full one if the partial one is gone. `checked` is how many entries were fine before.
pub(super) fn fetch<S: Source>(source: &mut S, path: &TilePath, checked: u64) -> Result<Fetched, Stop<S::Error>> {
    match source.tile(path) {
        Ok(bytes) => Ok(Fetched { bytes, widened: false }),
        Err(error) => match path.is_partial().then(|| source.tile(&path.full())) {
            Some(Ok(bytes)) => Ok(Fetched { bytes, widened: true }),
            _ => Err(Stop::Incomplete(Incomplete {
                checked,
                tile: *path,
                error,
            })),
        },
    }
}

/// The tile of one level that is being filled.
#[derive(Default)]
struct Level {
    /// The index of the tile.
    index: u64,
    /// The hashes computed for it so far.
    computed: Frontier,
    /// The hashes the source has for it.
    stored: Vec<Hash>,
}

/// All levels of a log of known size.
pub(super) struct Levels {
    size: u64,
    leaves: u64,
    levels: Vec<Level>,
}

impl Levels {
    pub(super) const fn new(size: u64) -> Self {
        Self {
            size,
            leaves: 0,
            levels: Vec::new(),
        }
    }

    /// How many leaves were added.
    pub(super) const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Appends a leaf and compares each hash that it completes with the stored one.
    pub(super) fn push<S: Source>(&mut self, leaf: Hash, source: &mut S) -> Result<(), Stop<S::Error>> {
        let mut carry = Some(leaf);
        let mut height: u8 = 0;
        while let Some(hash) = carry {
            carry = self.add(height, hash, source)?;
            height += 1;
        }
        self.leaves += 1;
        Ok(())
    }

    /// Adds a hash to a level. If that fills a tile, returns the root over it: a hash of the next level.
    fn add<S: Source>(&mut self, height: u8, hash: Hash, source: &mut S) -> Result<Option<Hash>, Stop<S::Error>> {
        let (leaf, size) = (self.leaves, self.size);
        if self.levels.len() <= usize::from(height) {
            self.levels.push(Level::default());
        }
        let Some(level) = self.levels.get_mut(usize::from(height)) else {
            return Ok(None);
        };
        let Some(tile) = TilePath::at(TileKind::Hashes(height), level.index, size) else {
            return Ok(None);
        };
        if level.computed.size() == 0 {
            level.stored = stored_hashes(source, tile, leaf)?;
        }
        let position = level.computed.push(hash);
        let stored = usize::try_from(position)
            .ok()
            .and_then(|position| level.stored.get(position));
        if stored != Some(&hash) {
            return disagree(tile, position, leaf, stored.is_none());
        }
        if level.computed.size() < u64::from(FULL_WIDTH) {
            return Ok(None);
        }
        let root = level.computed.root();
        *level = Level {
            index: level.index + 1,
            ..Level::default()
        };
        Ok(Some(root))
    }

    /// The root over the leaves added so far.
    pub(super) fn root(&self) -> Hash {
        fold_edge(self.levels.iter().flat_map(|level| level.computed.edge().iter().rev())).unwrap_or_else(empty_root)
    }
}

/// The hashes of a tile, at most as many as its name tells.
fn stored_hashes<S: Source>(source: &mut S, tile: TilePath, checked: u64) -> Result<Vec<Hash>, Stop<S::Error>> {
    let content = fetch(source, &tile, checked)?;
    if !content.widened && content.bytes.len() > tile.max_bytes() {
        return tampered(tile.first_leaf(), TamperReason::ExtraHash { tile });
    }
    let mut hashes = whole_hashes(&content.bytes);
    hashes.truncate(tile.width().into());
    Ok(hashes)
}

/// Names what is wrong with the hash at `position` of `tile`, computed after leaf `last`.
fn disagree<T, E>(tile: TilePath, position: u64, last: u64, missing: bool) -> Result<T, Stop<E>> {
    let height = tile.kind().level();
    let first = leaf_below(height, tile.index() * u64::from(FULL_WIDTH) + position).unwrap_or(last);
    let reason = match (missing, height) {
        (true, _) => TamperReason::MissingHash { tile, position },
        (false, 0) => TamperReason::Entry { tile },
        (false, _) => TamperReason::Node {
            tile,
            position,
            first,
            last,
        },
    };
    tampered(first, reason)
}
