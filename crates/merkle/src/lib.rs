//! Merkle-tree logs that anyone can check: the pure part of Keepgate's audit log.
//!
//! No I/O, no clock, no runtime. The gateway grows trees and signs checkpoints with it, the offline verifier checks
//! them with it. Formats are C2SP's: signed-note, tlog-checkpoint, tlog-cosignature, tlog-witness, tlog-policy, tlog-tiles
//! and tlog-proof; hashing is RFC 6962.
//!
//! | module | what it knows |
//! |---|---|
//! | [`hash`] | leaf, node and empty-tree hashes |
//! | [`tree`] | appending ([`tree::Frontier`]) and reading nodes ([`tree::HashReader`]) |
//! | [`proof`] | building and checking inclusion and consistency proofs |
//! | [`note`] | signed notes and verifier keys |
//! | [`checkpoint`] | the signed state of a log |
//! | [`cosignature`] | what witnesses add to a checkpoint, Ed25519 and ML-DSA-44 |
//! | [`witness`] | what a witness is asked and what an honest one decides |
//! | [`policy`] | which logs and witnesses count, and how many are enough |
//! | [`tile`] | names and content of tiles and entry bundles |
//! | [`tlog_proof`] | proof files |
//! | [`verify`] | the check of a whole log, entry by entry |
//!
//! ```
//! use keepgate_merkle::{checkpoint::Checkpoint, hash::leaf_hash, note::NoteSigner, proof, tlog_proof::TlogProof, tree};
//!
//! // The log: two entries, a tree, a signed checkpoint.
//! let signer = NoteSigner::from_seed("log.example/audit".parse()?, &[7; 32])?; // a fixture, no real key
//! let tree: tree::MemoryTree = [leaf_hash(b"first"), leaf_hash(b"second")].into_iter().collect();
//! let root = tree::root_of(&[leaf_hash(b"first"), leaf_hash(b"second")]);
//! let checkpoint = Checkpoint { origin: "log.example/audit".into(), size: 2, root }.sign(&signer)?;
//!
//! // The proof file it hands out, and the check that needs nothing but the public key.
//! let path = proof::inclusion_proof(1, 2, &tree)?;
//! let file = TlogProof { index: 1, extra: vec![], path, checkpoint }.to_string();
//! let vkey = signer.verifier().to_string().parse()?;
//! let seen = file.parse::<TlogProof>()?.verify(&leaf_hash(b"second"), "log.example/audit", &[vkey])?;
//! assert_eq!(seen.size, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To add a signature type: give it a byte in `note/vkey.rs`, a variant in [`note::VerifierKey`] and its vectors in
//! `tests/`. To add a format: one module, a strict `FromStr`, a `Display` that writes what it reads, a round-trip and a
//! no-panic property.

mod base64;
pub mod checkpoint;
pub mod cosignature;
mod decimal;
pub mod hash;
pub mod note;
pub mod policy;
pub mod proof;
pub mod tile;
pub mod tlog_proof;
pub mod tree;
pub mod verify;
pub mod witness;
