//! The in-memory backend: for library users and unit tests. Nothing is kept when the process ends.
mod store;
mod table;
mod tx;

pub use store::{Door, MemStore};
pub use tx::MemTx;
