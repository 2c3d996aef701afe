//! What the check reads from and whom it tells.

use crate::tile::TilePath;

/// Where tiles and entry bundles come from: a server, a directory, an archive.
pub trait Source {
    /// Why a tile can't be had.
    type Error;

    /// The content of the tile. It is asked for in order, when needed, and checked by the caller: nothing has to be
    /// genuine. An implementation should refuse more than [`TilePath::max_bytes`]. A partial tile may be gone once the
    /// full one exists: after an error for a partial tile, the full one is asked for.
    fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, Self::Error>;

    /// Whether this error for a bundle says that its entries were archived and removed from here. The check then goes on with
    /// their hashes and says so in [`Verified::unseen`](super::Verified::unseen).
    fn is_elsewhere(&self, error: &Self::Error) -> bool {
        let _ = error;
        false
    }
}

impl<S: Source + ?Sized> Source for &mut S {
    type Error = S::Error;

    fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, Self::Error> {
        (**self).tile(path)
    }

    fn is_elsewhere(&self, error: &S::Error) -> bool {
        (**self).is_elsewhere(error)
    }
}

/// Told about each step of a check. `()` ignores everything.
pub trait Observer {
    /// `done` of `total` leaves have been checked against the tiles. Called after each bundle.
    fn progress(&mut self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// Entry `index` has these bytes and they fit the stored leaf hash; each entry is shown once, in order. The
    /// checkpoint vouches for them only once the check ends as verified. An `Err` says in plain words what is wrong
    /// with the content and ends the check as tampered.
    fn entry(&mut self, index: u64, bytes: &[u8]) -> Result<(), String> {
        let _ = (index, bytes);
        Ok(())
    }
}

impl Observer for () {}
