//! A minted proof, raised.
use keepgate_kernel::Level;
use keepgate_policy::{Authorized, Standing, permissions::UserCreate};

fn raise(mut proof: Authorized<UserCreate>) {
    proof.standing = Standing::Level(Level::GlobalAdmin); //~ E0616
}

fn main() {}
