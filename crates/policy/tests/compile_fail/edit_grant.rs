//! One level checked, another written.
use keepgate_kernel::Level;
use keepgate_policy::GrantProof;

fn raise(mut proof: GrantProof) {
    proof.level = Level::GlobalAdmin; //~ E0616
}

fn main() {}
