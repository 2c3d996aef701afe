//! A proof of little, given as a proof of much.
use keepgate_policy::{Authorized, permissions as p};

fn promote(proof: Authorized<p::MeRead>) -> Authorized<p::TenantUpdate> {
    proof //~ E0308
}

fn main() {}
