//! A supervisor's proof, written down for somebody who is no device.
use keepgate_kernel::{PrincipalId, UnitId};
use keepgate_policy::{EnlistProof, Target};

fn forge(by: PrincipalId, target: Target, unit: UnitId) -> EnlistProof {
    EnlistProof { target, by, unit } //~ E0451
}

fn main() {}
