//! The log in PostgreSQL. The only module of this crate that knows sqlx.
mod append;
mod integrator;
mod read;

pub use integrator::Integrator;
