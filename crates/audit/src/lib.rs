//! The audit log: every operation, refused ones too, in a Merkle tree for each tenant that nobody can edit unseen.
//!
//! An operation appends its entry in its own transaction ([`AuditLog`]); an integrator later numbers what was committed,
//! grows the tenant's tree and signs a checkpoint; readers ([`AuditReader`]) see the numbered part only. Formats are
//! C2SP's, so anybody's verifier can check a log.
//!
//! To add a field to a leaf: a new version in [`leaf`], in `sec.seal_entry`, and a line in the contract suite that
//! compares the two. To add a read: a method of [`AuditReader`], both adapters, a case.

mod append;
pub mod commitment;
mod entry;
mod integrate;
pub mod leaf;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod proof;
mod query;
mod read;

pub use append::{AuditLog, NewEntry, Receipt};
pub use entry::Entry;
pub use integrate::{BadHost, LogFault, LogHost, LogSigner, PassReport, SignerError};
pub use leaf::{Leaf, LeafError, TimeQuality};
pub use query::{BadQuery, EntryQuery, MAX_LIMIT, MAX_SEARCH, Page};
pub use read::{AuditReader, LogInfo, SignedCheckpoint};
