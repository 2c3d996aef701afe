//! The credential of a context, exchanged.
use keepgate_policy::{Credential, OpContext};

fn exchange(context: &mut OpContext) {
    context.credential = Credential::System; //~ E0616
}

fn main() {}
