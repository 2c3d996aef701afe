//! One target checked, another reached.
use keepgate_policy::{ReachProof, Target};

fn swap(mut proof: ReachProof, other: Target) {
    proof.target = other; //~ E0616
}

fn main() {}
