//! A permission that reads, made one that reaches others.
use keepgate_policy::{Reaching, permissions::UserList};

impl Reaching for UserList {} //~ E0117

fn main() {}
