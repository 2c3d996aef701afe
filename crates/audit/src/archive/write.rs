//! Writing an archive.
use chrono::NaiveDate;
use keepgate_store::StoreError;

use super::{Archive, ArchiveStore, Manifest, StoreFault, Tiles, files};
use crate::SignedCheckpoint;

/// An archive that is to be written.
#[derive(Debug, Clone)]
pub struct NewArchive {
    /// The name of the log.
    pub origin: String,
    /// Under which names its files go, such as the tenant's id.
    pub folder: String,
    /// The first day of the newest month it holds.
    pub month: NaiveDate,
    /// The first entry.
    pub from: u64,
    /// The entry before which it ends.
    pub to: u64,
    /// A checkpoint that covers it, with its cosignatures.
    pub checkpoint: SignedCheckpoint,
    /// The log's public keys, one a line.
    pub vkeys: String,
    /// Other files that go with it, such as the time stamp of the checkpoint.
    pub extras: Vec<(&'static str, Vec<u8>)>,
}

/// Why an archive was not written. Writing it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum WriteFault {
    /// The log could not be read.
    #[error("the log can't be read")]
    Log(#[from] StoreError),
    /// The store failed.
    #[error("the archive can't be kept")]
    Store(#[from] StoreFault),
}

/// Writes all files, the manifest last: without one there is no archive.
///
/// # Errors
/// [`WriteFault`].
pub async fn write(new: &NewArchive, log: &mut dyn Tiles, store: &dyn ArchiveStore) -> Result<Archive, WriteFault> {
    let size = new.checkpoint.size;
    let mut manifest = Manifest::new(&new.origin, new.month, new.from, new.to, size);
    let folder = format!("{}/{}-{}", new.folder, new.from, new.to);
    let texts = [
        ("README.txt", readme(new).into_bytes()),
        ("checkpoint", new.checkpoint.note.clone().into_bytes()),
        ("vkey", new.vkeys.clone().into_bytes()),
    ];
    for (name, content) in texts.iter().chain(&new.extras) {
        store.put(&format!("{folder}/{name}"), content).await?;
        manifest.add((*name).to_owned(), content);
    }
    for path in files(new.from, new.to, size) {
        let content = log.read(&path).await?;
        store.put(&format!("{folder}/{path}"), &content).await?;
        manifest.add(path.to_string(), &content);
    }
    let (bytes, hash) = manifest.to_bytes();
    store.put(&format!("{folder}/manifest.json"), &bytes).await?;
    Ok(Archive {
        from: new.from,
        to: new.to,
        month: new.month,
        size,
        manifest: hash,
        place: store.place().to_owned(),
    })
}

fn readme(new: &NewArchive) -> String {
    let NewArchive { origin, from, to, .. } = new;
    let size = new.checkpoint.size;
    format!(
        "Entries {from} up to, not including, {to} of the audit log {origin}, which had {size} then.\n\n\
         checkpoint     the signed state of the log (c2sp.org/tlog-checkpoint)\n\
         vkey           the log's public keys as its owner tells them; trust the copy you got on another way\n\
         tile/entries/  the entries (c2sp.org/tlog-tiles), canonical JSON (RFC 8785)\n\
         tile/0/…       their hashes and the tree above them (SHA-256, RFC 6962)\n\
         manifest.json  SHA-256 of every file; its own SHA-256 is in the log, in the entry audit.archived\n\n\
         These files have the names they have in the log, which goes on without these entries: laid over the log, they make it whole.\n"
    )
}
