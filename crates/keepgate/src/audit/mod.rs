//! The offline side of the audit log: checking it with its public key alone, and carrying it away.
mod archive;
mod directory;
mod export;
mod observe;
mod outcome;
mod remote;
mod reset_head;
mod source;
#[cfg(test)]
mod tests;
mod tiles;
mod verify;

pub use export::export;
pub use remote::{Remote, StreamError};
pub use reset_head::reset_head;
pub use verify::verify;
