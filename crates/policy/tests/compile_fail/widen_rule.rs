//! A set of levels of one's own.
use keepgate_policy::Levels;

fn everybody() -> Levels {
    Levels(0xff) //~ E0423
}

fn main() {}
