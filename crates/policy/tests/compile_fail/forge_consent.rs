//! The consent of two people, written down by one.
use keepgate_kernel::{ApprovalId, PrincipalId};
use keepgate_policy::{Consent, Matter};

fn forge(by: PrincipalId, approval: ApprovalId, matter: Matter) -> Consent {
    Consent { by, approval, matter } //~ E0451
}

fn main() {}
