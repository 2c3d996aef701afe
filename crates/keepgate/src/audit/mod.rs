//! The offline side of the audit log: checking it with its public key alone, and carrying it away.
mod archive;
mod directory;
mod export;
mod fresh;
mod laid;
mod observe;
mod openings;
mod outcome;
mod remote;
mod reset_head;
mod source;
mod stamp;
mod stored;
#[cfg(test)]
mod tests;
mod tiles;
mod trust;
mod verify;

pub use export::export;
pub use remote::{Remote, StreamError};
pub use reset_head::reset_head;
pub use source::Unreadable;
pub use verify::verify;
