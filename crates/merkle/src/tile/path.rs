//! Names of tiles.

use std::fmt;
use std::str::FromStr;

use crate::decimal;
use crate::hash::Hash;

use super::bundle::MAX_ENTRY_BYTES;

/// How many hashes or entries a full tile holds.
pub const FULL_WIDTH: u16 = 256;
/// The highest level a path can name.
const MAX_LEVEL: u8 = 63;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// The entries themselves, as a bundle.
    Entries,
    /// The hashes of a level, 0 to 63. Level 0 is the leaf hashes.
    Hashes(u8),
}

/// The name of a tile or entry bundle. Its text form is the path below the log's prefix:
/// `tile/<level>/<index>[.p/<width>]` or `tile/entries/<index>[.p/<width>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

/// Why there is no such [`TilePath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TilePathError {
    /// The level is above 63.
    #[error("a tile has a level from 0 to 63, not {0}")]
    Level(u8),
    /// The width is not 1 to 256.
    #[error("a tile is 1 to 256 wide, not {0}")]
    Width(u16),
}

/// Why a text is not a tile path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a tile path of the form tile/LEVEL/INDEX[.p/WIDTH] or tile/entries/INDEX[.p/WIDTH]")]
pub struct ParseTilePath;

impl TilePath {
    /// The tile `index` of a kind, `width` wide (256 is a full tile).
    pub const fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, TilePathError> {
        match kind {
            TileKind::Hashes(level) if level > MAX_LEVEL => Err(TilePathError::Level(level)),
            _ if width == 0 || width > FULL_WIDTH => Err(TilePathError::Width(width)),
            _ => Ok(Self { kind, index, width }),
        }
    }

    /// The tile `index` of a kind as it is in a log of `size` leaves; `None` if that log has no such tile.
    pub fn at(kind: TileKind, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(8 * u32::from(kind.level())).unwrap_or(0);
        let behind = hashes.checked_sub(index.checked_mul(u64::from(FULL_WIDTH))?)?;
        let width = u16::try_from(behind).unwrap_or(FULL_WIDTH).min(FULL_WIDTH);
        Self::new(kind, index, width).ok()
    }

    /// What the tile holds.
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// The position of the tile among those of its kind.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries the tile holds, 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether more hashes or entries may still be added to it.
    pub const fn is_partial(&self) -> bool {
        self.width < FULL_WIDTH
    }

    /// The same tile once it is full.
    pub const fn full(&self) -> Self {
        Self {
            width: FULL_WIDTH,
            ..*self
        }
    }

    /// The first leaf below the tile, `None` if no tree is that large.
    pub fn first_leaf(&self) -> Option<u64> {
        leaf_below(self.kind.level(), self.index.checked_mul(u64::from(FULL_WIDTH))?)
    }

    /// The most bytes the tile can have: a limit for whoever fetches it.
    pub const fn max_bytes(&self) -> usize {
        let each = match self.kind {
            TileKind::Entries => 2 + MAX_ENTRY_BYTES,
            TileKind::Hashes(_) => Hash::LEN,
        };
        each * self.width as usize
    }
}

impl TileKind {
    /// The level whose hashes stand for the content: an entry bundle counts as level 0.
    pub(crate) const fn level(self) -> u8 {
        match self {
            Self::Entries => 0,
            Self::Hashes(level) => level,
        }
    }
}

/// The first leaf below hash `position` of `level`.
pub(crate) fn leaf_below(level: u8, position: u64) -> Option<u64> {
    position.checked_mul(1_u64.checked_shl(8 * u32::from(level))?)
}

impl FromStr for TilePath {
    type Err = ParseTilePath;

    fn from_str(text: &str) -> Result<Self, ParseTilePath> {
        parse(text).filter(|path| path.to_string() == text).ok_or(ParseTilePath)
    }
}

/// Reads a path leniently in the groups of the index: the caller compares with the one canonical spelling.
fn parse(text: &str) -> Option<TilePath> {
    let (kind, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => TileKind::Entries,
        level => TileKind::Hashes(u8::try_from(decimal::parse(level)?).ok()?),
    };
    let (groups, width) = match rest.split_once(".p/") {
        Some((groups, width)) => (groups, u16::try_from(decimal::parse(width)?).ok()?),
        None => (rest, FULL_WIDTH),
    };
    let index = groups.split('/').try_fold(0_u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let value: u64 = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            digits.parse().ok()?
        } else {
            return None;
        };
        index.checked_mul(1000)?.checked_add(value)
    })?;
    TilePath::new(kind, index, width).ok()
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Entries => f.write_str("tile/entries/")?,
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        write_groups(f, self.index / 1000)?;
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_partial() {
            write!(f, ".p/{}", self.width)
        } else {
            Ok(())
        }
    }
}

/// The groups of three digits before the last one, each marked with an `x`.
fn write_groups(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    if index == 0 {
        return Ok(());
    }
    write_groups(f, index / 1000)?;
    write!(f, "x{:03}/", index % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(kind: TileKind, index: u64, width: u16) -> String {
        TilePath::new(kind, index, width).unwrap().to_string()
    }

    #[test]
    fn an_index_is_written_in_groups_of_three_digits() {
        assert_eq!(path(TileKind::Hashes(0), 0, 256), "tile/0/000");
        assert_eq!(path(TileKind::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path(TileKind::Entries, 123_456_789, 256), "tile/entries/x123/x456/789");
        assert_eq!(
            path(TileKind::Hashes(15), 123_456_789, 41),
            "tile/15/x123/x456/789.p/41"
        );
        assert_eq!(
            path(TileKind::Hashes(63), u64::MAX, 1),
            "tile/63/x018/x446/x744/x073/x709/x551/615.p/1"
        );
    }

    #[test]
    fn only_the_canonical_spelling_of_a_path_is_read() {
        for text in [
            "tile/0/000",
            "tile/63/x001/x234/067",
            "tile/entries/000.p/255",
            "tile/entries/x001/000",
        ] {
            assert_eq!(text.parse::<TilePath>().unwrap().to_string(), text);
        }
        for refused in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/entrie/000",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/1000",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001",
            "tile/0/x001/x002",
            "tile/0/X001/002",
            "tile/0/x+01/002",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000.p",
            "tile/0/000.p/1/",
            "tile/0/000.p/1.p/1",
            "tile/0/../000",
            "tile/0/000\n",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
        ] {
            assert_eq!(refused.parse::<TilePath>(), Err(ParseTilePath), "{refused:?}");
        }
    }

    #[test]
    fn a_log_of_70_000_leaves_has_the_tiles_the_document_lists() {
        let at = |level, index| TilePath::at(TileKind::Hashes(level), index, 70_000).map(|path| path.width());
        assert_eq!((at(0, 272), at(0, 273), at(0, 274)), (Some(256), Some(112), None));
        assert_eq!((at(1, 0), at(1, 1), at(1, 2)), (Some(256), Some(17), None));
        assert_eq!((at(2, 0), at(2, 1), at(3, 0), at(63, 0)), (Some(1), None, None, None));
    }
}
