//! The PostgreSQL backend. The only module of this crate that knows sqlx.
//!
//! The service logs in as `kg_app`, which owns nothing. Every transaction passes `gate.enter` first: claims signed with the
//! [`ClaimKey`], checked by the database against the live session or key, sealed for this transaction alone.
mod catalogue;
mod claims;
mod connect;
mod error;
mod lane;
mod listener;
mod migrate;
mod store;
mod tx;

pub use catalogue::{Catalogue, Difference, catalogue};
pub use claims::ClaimKey;
pub use connect::{ConnectError, Role, acquire, begin, options, pool, renew};
pub use error::sqlstate;
pub use lane::PgLane;
pub use listener::{HintListener, Hints, KEY_ENDS, REVOCATIONS};
pub use migrate::{GUARD_SQL, LOCKDOWN_SQL, MIGRATOR, MigrateError, ROLES_SQL, install_claim_key, migrate, pending};
pub use store::PgStore;
pub use tx::PgTx;
