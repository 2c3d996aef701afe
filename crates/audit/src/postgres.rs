//! The log in PostgreSQL. The only module of this crate that knows sqlx.
mod append;
mod cosigned;
mod integrator;
mod read;
mod tell;

pub use cosigned::PgCosignedLogs;
pub use integrator::Integrator;
