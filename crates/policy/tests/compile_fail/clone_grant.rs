//! A grant, copied before it is used.
use keepgate_policy::GrantProof;

fn copy(proof: GrantProof) -> (GrantProof, GrantProof) {
    (proof.clone(), proof) //~ E0599
}

fn main() {}
