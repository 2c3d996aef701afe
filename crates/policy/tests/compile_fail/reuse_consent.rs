//! One consent, two global admins.
use keepgate_policy::{Authorized, Consent, Target, appoint, permissions::UserUpdate};

fn twice(proof: &Authorized<UserUpdate>, consent: Consent, first: Target, second: Target) {
    let _first = appoint(proof, first, consent);
    let _second = appoint(proof, second, consent); //~ E0382
}

fn main() {}
