//! A permission that is decided while the program runs.
use keepgate_policy::Permission;

fn any() -> Box<dyn Permission> { //~ E0038
    loop {}
}

fn main() {}
