//! Passwords: what a good one is, and how one is kept.
mod hasher;
mod proof;
mod rule;

pub use hasher::{HashError, Hasher, Phc};
pub(crate) use hasher::Verdict;
pub use proof::PasswordProof;
pub use rule::{Password, PasswordRule};
