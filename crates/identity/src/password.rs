//! Passwords: what a good one is, and how one is kept.
mod hasher;
mod proof;
mod rule;

pub use hasher::{Cost, HashError, Hasher, Phc};
pub(crate) use hasher::{Seat, Verdict};
pub use proof::PasswordProof;
pub(crate) use rule::typed;
pub use rule::{ALONE, LONGEST, Password, PasswordContext, PasswordRule, WITH_SECOND_FACTOR};
