//! The ports in PostgreSQL. Row-level security and the guards of the migrations decide; nothing here widens them.
mod approvals;
mod roles;
mod tenants;
mod units;
