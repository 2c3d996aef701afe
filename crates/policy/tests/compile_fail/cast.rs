//! A proof of little, cast to a proof of much.
use keepgate_policy::{Authorized, permissions as p};

fn promote(proof: &Authorized<p::MeRead>) -> &Authorized<p::TenantUpdate> {
    proof as &Authorized<p::TenantUpdate> //~ E0605
}

fn main() {}
