//! A permission that is not in the table.
use keepgate_kernel::Action;
use keepgate_policy::Permission;

enum Everything {}
impl Permission for Everything { //~ E0277
    const ACTION: Action = Action::MeRead;
}

fn main() {}
