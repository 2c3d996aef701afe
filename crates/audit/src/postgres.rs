//! The log in PostgreSQL. The only module of this crate that knows sqlx.
mod append;
mod archives;
mod archivist;
mod clock;
mod columns;
mod cosigned;
mod erase;
mod groups;
mod hold;
mod integrator;
mod meta;
mod read;
mod search;
mod sinks;
mod stamps;
mod tell;
mod tiles;

pub use archivist::{Archivist, Due, RollOff};
pub use cosigned::PgCosignedLogs;
pub use integrator::Integrator;
#[cfg(feature = "fault-points")]
pub use integrator::Step;
