//! A caller whose credential nobody has looked at.
use keepgate_kernel::{RequestId, Timestamp};
use keepgate_policy::{Credential, OpContext, Principal};

fn forge(principal: Principal, credential: Credential, request: RequestId, at: Timestamp) -> OpContext {
    OpContext { principal, credential, assurance: None, source: None, request, at, occurred_at: None } //~ E0451
}

fn main() {}
