//! A stale proof, made fresh.
use keepgate_policy::{Authorized, permissions::SessionRevoke};

fn freshen(mut proof: Authorized<SessionRevoke>) {
    proof.fresh = true; //~ E0616
}

fn main() {}
