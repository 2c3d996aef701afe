//! A proof, used up twice.
use keepgate_policy::{Authorized, permissions::UserCreate};

fn spend(_proof: Authorized<UserCreate>) {}

fn twice(proof: Authorized<UserCreate>) {
    spend(proof);
    spend(proof); //~ E0382
}

fn main() {}
