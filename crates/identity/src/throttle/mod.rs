//! How fast passwords may be guessed.
//!
//! An attempt is counted on its account before the password is looked at, so that a thousand at once are a thousand. Whoever comes
//! with the cookie of an earlier log-in ([`Device`]) has a counter of its own, so that an attacker can fill only the one that all
//! strangers share: the owner is never shut out of a browser it knows. Addresses and networks are counted when the password was
//! wrong. A refusal is told at once; no connection is held. The numbers and the reasons: [`numbers`] and `docs/security/brute-force.md`.
mod admission;
mod baseline;
mod bucket;
mod counter;
mod device;
mod memory;
pub mod numbers;
#[cfg(test)]
mod simulation;

pub use admission::{Admission, Attempt, Guard, Miss, Places};
pub(crate) use baseline::Baseline;
pub use bucket::{Bucket, BucketKey};
pub(crate) use counter::Asked;
pub use counter::Counter;
pub use device::{Device, DeviceCookie};
pub(crate) use memory::Watch;
