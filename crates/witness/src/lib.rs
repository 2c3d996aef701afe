//! A witness of other people's logs (`c2sp.org/tlog-witness`), in a security domain of its own.
//!
//! Who runs it: a customer, an auditor, anybody who does not trust the gateway's operator alone. The gateway posts every new
//! checkpoint; the witness cosigns it only if it continues what was cosigned before, and keeps it before it answers. Whoever
//! asks for its cosignature then knows that the log was not rolled back, forked or rewritten behind everybody's back.
//!
//! What the log sees: signature lines; or why not ([`Refused`], with the statuses of the document). A checkpoint that a trusted
//! key signed and that contradicts an earlier one is kept as evidence, byte for byte.
//! What can go wrong here: the store can't be read or written (nothing is cosigned then), or holds something else than what was
//! written (that log stands still until somebody looks). A store restored from an old copy would cosign a second history once;
//! keep it where it is not restored with the log.
//!
//! No HTTP, no runtime: [`Witness::add_checkpoint`] and [`Witness::checkpoint`] are the two calls, and they block.

mod directory;
mod memory;
mod store;
mod witness;

pub use directory::DirectoryStore;
pub use memory::MemoryStore;
pub use store::{Decide, MAX_EVIDENCE, Store, StoreError};
pub use witness::{BadWitness, Refused, Witness};
