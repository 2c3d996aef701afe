//! A proof out of nothing.
use keepgate_policy::{Authorized, permissions::UserCreate};

fn nothing() -> Authorized<UserCreate> {
    Default::default() //~ E0277
}

fn main() {}
