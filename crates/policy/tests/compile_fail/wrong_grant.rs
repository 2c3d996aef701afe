//! The right to read oneself, spent on a grant.
use keepgate_kernel::Level;
use keepgate_policy::{Authorized, Target, grant, permissions::MeRead};

fn give(proof: &Authorized<MeRead>, target: Target) {
    let _given = grant(proof, target, Level::TenantOwner); //~ E0277
}

fn main() {}
