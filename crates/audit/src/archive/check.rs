//! Checking an archive from its files alone: every entry is hashed again, and led to the signed root.
use keepgate_merkle::{
    checkpoint::{Checkpoint, OpenCheckpoint},
    hash::{Hash, node_hash},
    note::VerifierKey,
    tile::{FULL_WIDTH, TileKind, TilePath, decode_hashes, encode_hashes, entries, tiles_for},
    tree::root_of,
};

use super::{Archive, ArchiveStore, BadManifest, Manifest, StoreFault, files, manifest};
use crate::{EntryCheck, EntryFault, ForeignLog, leaf::leaf_hash};

const MAX_NOTE: usize = 1 << 20;

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    /// Nothing is proved.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// A file is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// Not the manifest that was written.
    #[error(transparent)]
    Manifest(#[from] BadManifest),
    /// A manifest of something else.
    #[error("the manifest does not tell this archive's entries")]
    OtherEntries,
    /// A file is not the one that was written.
    #[error("{0} is not the file that was archived")]
    Changed(String),
    /// The checkpoint is not signed by the log.
    #[error("the checkpoint does not hold")]
    Checkpoint(#[from] OpenCheckpoint),
    /// Of another size than the manifest says.
    #[error("the checkpoint is of another size")]
    Size,
    /// The log is none of ours.
    #[error(transparent)]
    Origin(#[from] ForeignLog),
    /// The tiles do not lead to the signed root.
    #[error("the tiles do not lead to the signed root")]
    Root,
    /// A bundle has not 256 entries.
    #[error("{0} has not 256 entries")]
    Width(String),
    /// The hashes of these entries are not under the signed root.
    #[error("entries {0} to {end} are not those the log signed", end = .0 + 255)]
    Entries(u64),
    /// An entry is no leaf of this log.
    #[error(transparent)]
    Entry(#[from] EntryFault),
}

/// Reads everything afresh from `store` and checks it with the log's public keys.
///
/// # Errors
/// [`ArchiveFault`]: the archive must not be relied on.
pub async fn check(
    archive: &Archive,
    folder: &str,
    origin: &str,
    keys: &[VerifierKey],
    store: &dyn ArchiveStore,
) -> Result<(), ArchiveFault> {
    let reader = Reader {
        folder: format!("{folder}/{}", archive.name()),
        store,
    };
    let bytes = reader.get("manifest.json", manifest::MAX_BYTES).await?;
    let manifest = Manifest::parse(&bytes, &archive.manifest)?;
    if (manifest.from, manifest.to, manifest.size, manifest.origin.as_str())
        != (archive.from, archive.to, archive.size, origin)
    {
        return Err(ArchiveFault::OtherEntries);
    }
    let note = reader.held(&manifest, "checkpoint", MAX_NOTE).await?;
    let checkpoint = Checkpoint::open(&note, origin, keys)?;
    if checkpoint.size != archive.size {
        return Err(ArchiveFault::Size);
    }
    for path in files(archive.from, archive.to, archive.size) {
        reader.held(&manifest, &path.to_string(), path.max_bytes()).await?;
    }
    let rows = reader.rows(&manifest, archive.size).await?;
    if root(&rows.full, rows.rest) != Some(checkpoint.root) {
        return Err(ArchiveFault::Root);
    }
    let leaves = EntryCheck::for_origin(origin)?;
    let width = u64::from(FULL_WIDTH);
    for index in archive.from / width..archive.to / width {
        let signed = usize::try_from(index).ok().and_then(|index| rows.full.get(index));
        reader.bundle(&manifest, index, signed, &leaves).await?;
    }
    Ok(())
}

/// The hashes that the root is made of: one for each 256 entries, and the root over the rest.
struct Rows {
    full: Vec<Hash>,
    rest: Option<Hash>,
}

struct Reader<'s> {
    folder: String,
    store: &'s dyn ArchiveStore,
}

impl Reader<'_> {
    async fn get(&self, name: &str, most: usize) -> Result<Vec<u8>, ArchiveFault> {
        let content = self.store.get(&format!("{}/{name}", self.folder), most).await?;
        content.ok_or_else(|| ArchiveFault::Missing(name.to_owned()))
    }

    /// A file, the same as it was.
    async fn held(&self, manifest: &Manifest, name: &str, most: usize) -> Result<Vec<u8>, ArchiveFault> {
        let content = self.get(name, most).await?;
        if manifest.holds(name, &content) {
            Ok(content)
        } else {
            Err(ArchiveFault::Changed(name.to_owned()))
        }
    }

    async fn hashes(&self, manifest: &Manifest, path: &TilePath) -> Result<Vec<Hash>, ArchiveFault> {
        let name = path.to_string();
        let content = self.held(manifest, &name, path.max_bytes()).await?;
        decode_hashes(&content, path.width()).map_err(|_| ArchiveFault::Changed(name))
    }

    async fn rows(&self, manifest: &Manifest, size: u64) -> Result<Rows, ArchiveFault> {
        let mut full = Vec::new();
        for path in tiles_for(size).filter(|path| path.kind() == TileKind::Hashes(1)) {
            full.extend(self.hashes(manifest, &path).await?);
        }
        let edge = TilePath::at(TileKind::Hashes(0), size / u64::from(FULL_WIDTH), size);
        let rest = match edge.filter(|path| path.width() < FULL_WIDTH) {
            Some(path) => Some(root_of(&self.hashes(manifest, &path).await?)),
            None => None,
        };
        Ok(Rows { full, rest })
    }

    async fn bundle(
        &self,
        manifest: &Manifest,
        index: u64,
        signed: Option<&Hash>,
        leaves: &EntryCheck,
    ) -> Result<(), ArchiveFault> {
        let path = |kind| TilePath::new(kind, index, FULL_WIDTH).map_err(|_| ArchiveFault::OtherEntries);
        let (bundle, tile) = (path(TileKind::Entries)?, path(TileKind::Hashes(0))?);
        let content = self.held(manifest, &bundle.to_string(), bundle.max_bytes()).await?;
        let first = index.saturating_mul(FULL_WIDTH.into());
        let mut hashes = Vec::with_capacity(FULL_WIDTH.into());
        for (at, entry) in (first..).zip(entries(&content)) {
            let entry = entry.map_err(|_| ArchiveFault::Width(bundle.to_string()))?;
            leaves.verify_entry(at, entry)?;
            hashes.push(Hash::from_bytes(leaf_hash(entry)));
        }
        if hashes.len() != usize::from(FULL_WIDTH) {
            return Err(ArchiveFault::Width(bundle.to_string()));
        }
        let stored = self.held(manifest, &tile.to_string(), tile.max_bytes()).await?;
        if signed != Some(&root_of(&hashes)) || stored != encode_hashes(&hashes) {
            return Err(ArchiveFault::Entries(first));
        }
        Ok(())
    }
}

/// The root (RFC 6962 section 2.1) over subtrees of 256 leaves and the root over fewer that follow them.
fn root(full: &[Hash], rest: Option<Hash>) -> Option<Hash> {
    match rest {
        None => (!full.is_empty()).then(|| root_of(full)),
        Some(rest) if full.is_empty() => Some(rest),
        Some(rest) => {
            let left = 1_usize << full.len().ilog2();
            let (left, right) = full.split_at_checked(left)?;
            Some(node_hash(&root_of(left), &root(right, Some(rest))?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_over_subtrees_is_the_root_over_leaves() {
        let leaves: Vec<Hash> = (0_u32..256 * 7 + 3)
            .map(|n| Hash::from_bytes(leaf_hash(&n.to_be_bytes())))
            .collect();
        for size in [1, 255, 256, 257, 512, 513, 767, 768, 1024, 1025, 1795] {
            let leaves = leaves.get(..size).unwrap();
            let (full, rest) = leaves.split_at(size / 256 * 256);
            let full: Vec<Hash> = full.chunks(256).map(root_of).collect();
            let rest = (!rest.is_empty()).then(|| root_of(rest));
            assert_eq!(root(&full, rest), Some(root_of(leaves)), "{size}");
        }
        assert_eq!(root(&[], None), None);
    }
}
