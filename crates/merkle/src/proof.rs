//! Inclusion proofs (this leaf is in that tree) and consistency proofs (this tree grew out of that one).
//!
//! Proofs are built from any [`crate::tree::HashReader`] as RFC 6962 sections 2.1.1 and 2.1.2 say, and checked as
//! RFC 9162 sections 2.1.3.2 and 2.1.4.2 say. A proof is a plain list of hashes.

mod build;
mod consistency;
mod inclusion;

pub use build::{BuildProof, consistency_proof, inclusion_proof, nodes_for_consistency, nodes_for_inclusion};
pub use consistency::{Inconsistent, verify_consistency};
pub use inclusion::{NotIncluded, verify_inclusion};
