//! The seal itself, from outside.
enum Everything {}
impl keepgate_policy::permission::sealed::Sealed for Everything {} //~ E0603

fn main() {}
