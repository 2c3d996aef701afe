//! Verifiers that nobody here wrote, on logs of the sizes where tiles begin and end: each accepts the honest log and none that was
//! tampered with. aics-tlog and tlog-scales (Python), @sigstore/verify (JavaScript), tlog_tiles with signed_note (Rust).
#![cfg(test)]

#[path = "../e2e/judges/aics.rs"]
mod aics;
#[path = "../e2e/judges/install.rs"]
mod install;
mod ledger;
mod logs;
mod python;
mod rust;
mod sigstore;
