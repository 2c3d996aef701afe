//! The unit of work: one transaction, two backends, no domain knowledge.
//!
//! [`Transaction`] is what every backend gives; a domain crate adds *ports*, which are capabilities of a transaction, and
//! implements them for [`PgTx`] and [`MemTx`]. A service names what its transactions can do in one line and opens them
//! through [`Begin`]. Neither backend commits a change without an audit entry in the same transaction.
//!
//! To add a port: a trait with `&mut self` methods in a domain crate, its `postgres` module on `PgTx::conn`, its `memory`
//! module on `MemTx::read`/`write`, and its sentences as cases under `contract!`.
mod error;
mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "testing")]
pub mod testing;
mod transaction;

pub use error::StoreError;
pub use memory::{Door, MemStore, MemTx};
#[cfg(feature = "postgres")]
pub use postgres::{ClaimKey, PgStore, PgTx};
pub use transaction::{Begin, Transaction};
