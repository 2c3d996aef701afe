//! The log in memory: the same promises as in PostgreSQL, gone with the process.
mod append;
mod approved;
mod archives;
mod clock;
mod cosigned;
mod erase;
mod hold;
mod integrate;
mod meta;
mod read;
mod sinks;
mod stamps;
mod table;
mod tell;

pub use integrate::integrate;
pub(crate) use read::tile_hash;
