//! The audit log: every operation, refused ones too, in a Merkle tree for each tenant that nobody can edit unseen.
mod append;
pub mod commitment;
pub mod leaf;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;

pub use append::{AuditLog, NewEntry, Receipt};
pub use leaf::{Leaf, LeafError, TimeQuality};
