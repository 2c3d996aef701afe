//! The whole check of a log: every entry is read and hashed again.
//!
//! Signatures and proofs speak about hashes only: an entry that was edited in place passes them all. This check
//! starts from the entries, so nothing stored is believed: entry, leaf hash, tile, upper tiles, root, signature, and
//! the older checkpoint somebody kept.

mod levels;
mod outcome;
mod run;
mod source;

pub use outcome::{Incomplete, Outcome, TamperReason, Tampered, Verified};
pub use run::{Request, verify};
pub use source::{Observer, Source};
