//! The proof of a reach, written down.
use keepgate_kernel::PrincipalId;
use keepgate_policy::{ReachProof, Target};

fn forge(by: PrincipalId, target: Target) -> ReachProof {
    ReachProof { by, target } //~ E0451
}

fn main() {}
