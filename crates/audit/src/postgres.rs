//! The log in PostgreSQL. The only module of this crate that knows sqlx.
mod append;
mod integrator;
mod read;
mod tell;

pub use integrator::Integrator;
