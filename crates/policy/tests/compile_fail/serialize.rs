//! A proof, written to be read back later.
use keepgate_policy::{Authorized, permissions::UserCreate};

fn write<T: serde::Serialize>(_value: &T) {}

fn store(proof: &Authorized<UserCreate>) {
    write(proof); //~ E0277
}

fn main() {}
