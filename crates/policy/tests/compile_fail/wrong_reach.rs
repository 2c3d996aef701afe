//! The right to list users, spent on reaching one.
use keepgate_policy::{Authorized, Target, permissions::UserList, reach};

fn touch(proof: &Authorized<UserList>, target: Target) {
    let _reached = reach(proof, target); //~ E0277
}

fn main() {}
