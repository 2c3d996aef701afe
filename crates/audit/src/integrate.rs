//! Numbering: how committed entries become leaves, tiles and checkpoints. The part that both adapters share.
//!
//! An integrator takes settled entries in the order of their commits, gives each the next index of its tenant's log and
//! writes the tiles that became full. Every second it signs the logs that grew, and then the log of logs, whose leaves are
//! the signed checkpoints. It signs nothing that does not continue what was signed last, and it remembers that in a place
//! of its own ([`SignedHeads`]): a database that was taken back agrees with itself, not with that.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_kernel::{AuditId, TenantId};
use keepgate_merkle::{
    checkpoint::{OpenCheckpoint, SignCheckpoint},
    cosignature::Cosign,
    note::ParseNote,
    tree::FrontierError,
};

#[cfg(feature = "postgres")]
mod fence;
#[cfg(feature = "postgres")]
mod grow;
mod head_file;
mod heads;
mod host;
mod keys;
mod report;
mod sign;

pub use head_file::HeadFile;
pub use heads::{Abandoned, HeadsError, Next, Remembered, SignedHead, SignedHeads};
pub(crate) use host::tenant_of;
pub use host::{BadHost, LogHost};
pub use keys::LogKeys;
pub use report::PassReport;
pub(crate) use sign::{body, sign, state_of};
#[cfg(feature = "postgres")]
pub(crate) use {
    fence::{Fence, check_growth, check_head},
    grow::{FullTile, Tree, open_width},
};

/// Where signing keys come from.
#[async_trait]
pub trait LogSigner: Send + Sync {
    /// The keys of `tenant`'s log, whose name is `origin`. Asked for once for each checkpoint, inside the database
    /// transaction: an implementation keeps what it has unsealed.
    ///
    /// # Errors
    /// Why there is no signer. The tenant's log then stays unsigned; other tenants' logs go on.
    async fn keys_for(&self, tenant: TenantId, origin: &str) -> Result<Arc<LogKeys>, SignerError>;

    /// The keys of the log of logs, whose name is `origin`; `None`: there is none, as for a log that stands alone.
    ///
    /// # Errors
    /// Why there is no signer. Nothing is signed then.
    async fn meta_keys(&self, _origin: &str) -> Result<Option<Arc<LogKeys>>, SignerError> {
        Ok(None)
    }
}

/// Why there is no signer: whatever the key store says.
pub type SignerError = Box<dyn std::error::Error + Send + Sync>;

/// Why one tenant's log can't go on. Its entries stay where they are and are tried again.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// No signing key.
    #[error("there is no signer for the log")]
    Signer(#[source] SignerError),
    /// The stored edge of the tree is not one.
    #[error("the stored head of the log is not one")]
    Frontier(#[from] FrontierError),
    /// Size, edge, tiles or last leaves of the log do not continue what its last checkpoint signed: somebody changed the
    /// database.
    #[error("the head of the log is not what its last checkpoint signed")]
    HeadChanged,
    /// The log is shorter than what was signed here: the database was taken back.
    #[error("the log had {signed} leaves and now has {size}")]
    Shrank {
        /// The size signed last.
        signed: u64,
        /// The size found.
        size: u64,
    },
    /// The log does not contain what was signed here at this size: the database was taken back and went on otherwise.
    #[error("the log at size {0} is not the one that was signed")]
    Forked(u64),
    /// An entry's stored hash is not its leaf's: the entry was changed before it was numbered.
    #[error("the hash of entry {0} is not that of its leaf")]
    EntryChanged(AuditId),
    /// The checkpoint can't be signed.
    #[error("the checkpoint can't be signed")]
    Sign(#[from] SignCheckpoint),
    /// The signatures don't make a note.
    #[error("the signatures do not make a note")]
    Note(#[from] ParseNote),
    /// The second signature can't be made.
    #[error("the checkpoint can't be signed a second time")]
    Cosign(#[from] Cosign),
    /// The signature just made does not hold: a fault of the key store.
    #[error("the signature just made does not hold")]
    BadSignature(#[source] OpenCheckpoint),
}
