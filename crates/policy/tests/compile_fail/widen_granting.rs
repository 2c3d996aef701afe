//! A harmless permission, made one that gives levels.
use keepgate_policy::{Granting, permissions::MeRead};

impl Granting for MeRead {} //~ E0117

fn main() {}
