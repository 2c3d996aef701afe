//! The proof of a grant, written down.
use keepgate_kernel::{Level, PrincipalId, TenantId};
use keepgate_policy::{GrantProof, Target};

fn forge(by: PrincipalId, from: TenantId, target: Target) -> GrantProof {
    GrantProof { by, from, target, level: Level::GlobalAdmin, approval: None } //~ E0451
}

fn main() {}
