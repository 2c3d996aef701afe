//! A proof, copied to be kept.
use keepgate_policy::{Authorized, permissions::UserCreate};

fn keep(proof: &Authorized<UserCreate>) -> Authorized<UserCreate> {
    proof.clone() //~ E0308
}

fn main() {}
