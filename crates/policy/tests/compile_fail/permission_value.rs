//! A permission as a value to be passed about.
use keepgate_policy::permissions;

fn main() {
    let _permission = permissions::TenantUpdate; //~ E0423
}
