//! Numbering: how committed entries become leaves, tiles and checkpoints. The part that both adapters share.
//!
//! An integrator takes settled entries in the order of their commits, gives each the next index of its tenant's log,
//! writes the tiles that became full and signs the new size, all in one transaction. It signs nothing that does not
//! continue what was signed last.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_kernel::{AuditId, TenantId};
use keepgate_merkle::{
    checkpoint::{OpenCheckpoint, SignCheckpoint},
    note::NoteSigner,
    tree::FrontierError,
};

#[cfg(feature = "postgres")]
mod fence;
#[cfg(feature = "postgres")]
mod grow;
mod host;
mod report;
mod sign;

pub(crate) use host::tenant_of;
pub use host::{BadHost, LogHost};
pub use report::PassReport;
pub(crate) use sign::{Signed, sign};
#[cfg(feature = "postgres")]
pub(crate) use {
    fence::Fence,
    grow::{FullTile, Tree, open_width},
};

/// Where signing keys come from.
#[async_trait]
pub trait LogSigner: Send + Sync {
    /// The signer of `tenant`'s log, whose name is `origin`. Asked for once for each log that grows in a pass, inside
    /// the database transaction: an implementation keeps what it has unsealed.
    ///
    /// # Errors
    /// Why there is no signer. The tenant's entries then wait; other tenants' logs go on.
    async fn signer_for(&self, tenant: TenantId, origin: &str) -> Result<Arc<NoteSigner>, SignerError>;
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
    /// Size, edge or last leaves of the log are not those the last checkpoint signed: somebody changed the database.
    #[error("the head of the log is not what its last checkpoint signed")]
    HeadChanged,
    /// The log is shorter than what this process signed: the database was taken back.
    #[error("the log had {signed} leaves and now has {size}")]
    Shrank {
        /// The size signed last.
        signed: u64,
        /// The size found.
        size: u64,
    },
    /// The log has another root than this process signed at the same size.
    #[error("the log at size {0} is not the one that was signed")]
    Forked(u64),
    /// An entry's stored hash is not its leaf's: the entry was changed before it was numbered.
    #[error("the hash of entry {0} is not that of its leaf")]
    EntryChanged(AuditId),
    /// The checkpoint can't be signed.
    #[error("the checkpoint can't be signed")]
    Sign(#[from] SignCheckpoint),
    /// The signature just made does not hold: a fault of the key store.
    #[error("the signature just made does not hold")]
    BadSignature(#[source] OpenCheckpoint),
}
