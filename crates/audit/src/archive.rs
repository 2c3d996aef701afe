//! Archives: old months of a log outside the database, each verifiable on its own.
//!
//! An archive holds the entry bundles and level 0 tiles of some whole bundles, every tile above them, the right edge, a
//! checkpoint over all of it and a manifest, under the names that `c2sp.org/tlog-tiles` gives them: laid over a log that
//! has removed those entries, it makes the log whole again. Entries are removed only once the manifest's hash is in a leaf
//! of the log, under a checkpoint, and the archive has been read back and hashed again.
use chrono::NaiveDate;
use keepgate_merkle::tile::{FULL_WIDTH, TileKind, TilePath, tiles_for};

mod check;
mod manifest;
mod port;
#[cfg(feature = "senders")]
mod s3;
mod write;

pub use check::{ArchiveFault, check};
pub use manifest::{BadManifest, Manifest};
pub use port::{ArchiveStore, Archives, StoreFault, Tiles};
#[cfg(feature = "senders")]
pub use s3::{BadPlace, S3Store};
pub use write::{NewArchive, WriteFault, write};

/// What an archive holds, and what its manifest must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The first entry; a multiple of 256.
    pub from: u64,
    /// The entry before which it ends; a multiple of 256.
    pub to: u64,
    /// The first day of the newest month it holds (UTC).
    pub month: NaiveDate,
    /// The size of the log that the checkpoint in it signs.
    pub size: u64,
    /// SHA-256 of its manifest.
    pub manifest: [u8; 32],
    /// The store it was written to.
    pub place: String,
}

impl Archive {
    /// Its name: in the store, in the log, and for who looks for it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.from, self.to)
    }

    /// How its leaf calls it: range and manifest.
    #[must_use]
    pub fn entity(&self) -> keepgate_kernel::Entity {
        let manifest = data_encoding::HEXLOWER.encode(&self.manifest);
        keepgate_kernel::Entity::named("archive", &format!("{}:{manifest}", self.name()))
    }
}

/// The tiles in an archive of the entries `from` to `to` of a log of `size`: the entries with their hashes, and what leads
/// from them to the root.
fn files(from: u64, to: u64, size: u64) -> impl Iterator<Item = TilePath> {
    let width = u64::from(FULL_WIDTH);
    tiles_for(size).filter(move |path| {
        let inside = (from / width..to / width).contains(&path.index());
        match path.kind() {
            TileKind::Entries => inside,
            TileKind::Hashes(0) => inside || path.width() < FULL_WIDTH,
            TileKind::Hashes(_) => true,
        }
    })
}

/// The archive that holds an entry which is gone here; `None` if none is gone that far.
pub(crate) async fn archive_of<Tx: Archives + ?Sized>(
    tx: &mut Tx,
    index: u64,
) -> Result<Option<String>, keepgate_store::StoreError> {
    if index >= tx.min_index().await? {
        return Ok(None);
    }
    let archives = tx.archives().await?;
    let holds = |archive: &&Archive| (archive.from..archive.to).contains(&index);
    Ok(archives.iter().find(holds).map(Archive::name))
}
