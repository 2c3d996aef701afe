//! Passwords: what a good one is, and how one is kept.
mod hasher;
mod proof;
mod rule;

pub(crate) use hasher::Verdict;
pub use hasher::{HashError, Hasher, Phc};
pub use proof::PasswordProof;
pub use rule::{Password, PasswordRule};
