//! Tampers with the audit log, from the service's role up to whoever can edit the files of the database: each attempt is made for
//! real, and is either refused or found by the released binary, with the place named. `docs/security/audit-log.md` lists them all.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a suite fails loudly and shows what it tried"
)]
mod document;
mod exported;
mod fixture;
mod found;
mod heap;
mod notes;
mod refused;
mod scene;
mod verdict;
