//! A proof of little, read as a proof of much.
#![forbid(unsafe_code)]
use keepgate_policy::{Authorized, permissions as p};

fn promote(proof: Authorized<p::MeRead>) -> Authorized<p::TenantUpdate> {
    unsafe { std::mem::transmute(proof) } //~ unsafe_code
}

fn main() {}
