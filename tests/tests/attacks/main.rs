//! Plays the service's own database roles with any SQL at all, as after an injection: every attempt has to fail, whatever
//! migration came last; and a wall taken down alone has to be noticed.
#![expect(
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::print_stdout,
    reason = "an injection is SQL put together at run time; a suite fails loudly and shows what it tried"
)]
mod across;
mod approvals;
mod attack;
mod cast;
mod devices;
mod forged;
mod judges;
mod log;
mod mutants;
mod open;
mod places;
mod positives;
mod races;
mod reseal;
mod reuse;
mod roles;
mod secrets;
mod siege;
mod sinks;
mod suite;
mod upward;
