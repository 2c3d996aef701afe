//! The audit log: every operation, refused ones too, in a Merkle tree for each tenant that nobody can edit unseen.
//!
//! An operation appends its entry in its own transaction ([`AuditLog`]); an integrator later numbers what was committed,
//! grows the tenant's tree and signs a checkpoint; readers ([`AuditReader`]) see the numbered part only. Formats are
//! C2SP's, so anybody's verifier can check a log; ours is `keepgate_merkle::verify` with [`EntryCheck`]. A program of its own,
//! without tenants and gateway, begins at [`ledger`].
//!
//! ```
//! use keepgate_audit::{AuditLog, EntryCheck, LogHost, NewEntry};
//! use keepgate_kernel::{Action, AuditId, Entity, Outcome, RequestId, TenantId, Timestamp};
//! use keepgate_policy::OpContext;
//! use keepgate_store::{MemStore, Transaction};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let at: Timestamp = "2026-01-02T03:04:05Z".parse()?;
//! let tenant = TenantId::new(at);
//! let mut tx = MemStore::new().begin(&OpContext::system(tenant, RequestId::new(at), at))?;
//! let entry = NewEntry {
//!     id: AuditId::new(at),
//!     action: Action::DeliveryAdvance,
//!     entity: Entity::collection("messages"),
//!     outcome: Outcome::Refused,
//!     reason: Some("deadline-passed".into()),
//!     actor: None,
//! };
//! let receipt = tx.append(&entry).await?;
//! assert_eq!(receipt.recorded_at, at);
//! Box::new(tx).commit().await?;
//! // The name a log gets tells whose entries may be in it.
//! let origin = "gate.example".parse::<LogHost>()?.origin(tenant);
//! assert!(EntryCheck::for_origin(&origin)?.verify_entry(0, b"not a leaf").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?; Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To add a field to a leaf: a new version in [`leaf`], in `sec.seal_entry`, and in the case that compares the two. To add
//! a read: a method of [`AuditReader`], both adapters, a case. A form of export: a file in [`export`]. A kind of receiver: a [`sink::Target`].
mod append;
pub mod archive;
mod check;
pub mod clock;
pub mod commitment;
mod entry;
mod erase;
pub mod export;
mod hold;
mod integrate;
#[cfg(feature = "journal")]
pub mod journal;
pub mod leaf;
pub mod ledger;
pub mod memory;
mod meta;
pub mod opening;
pub mod operations;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod proof;
mod query;
mod read;
pub mod sink;
mod tell;
pub mod timestamp;
pub mod witness;

pub use append::{AuditLog, NewEntry, Receipt, TOGETHER, Told, is_tellable};
pub use check::{EntryCheck, EntryFault, ForeignLog};
pub use entry::Entry;
pub use erase::{Erased, ErasedAt, Erasure, Erasures, NewErasure};
pub use hold::{Hold, HoldScope, Holds, NewHold};
pub use integrate::{
    Abandoned, BadHost, HeadFile, HeadsError, LogFault, LogHost, LogKeys, LogSigner, Next, PassReport, Remembered,
    SignedHead, SignedHeads, SignerError,
};
pub use leaf::{Leaf, LeafError, LeafVersion, TimeQuality};
pub use meta::{MetaPlace, MetaReader};
pub use opening::{SealedOpening, StoredOpening, SubjectKey};
pub use query::{BadQuery, EntryQuery, MAX_LIMIT, MAX_SEARCH, Page};
pub use read::{AuditReader, LogInfo, SignedCheckpoint};
pub use tell::TenantLogs;
