//! A command, run past the doorway.
use keepgate_policy::Command;
use keepgate_rbac::{Tenants, UpdateTenant};
use keepgate_store::Transaction;

async fn past<T: Transaction + Tenants>(command: &UpdateTenant, tx: &mut T) {
    let _done = Command::<T>::run(command, tx).await; //~ E0061
}

fn main() {}
