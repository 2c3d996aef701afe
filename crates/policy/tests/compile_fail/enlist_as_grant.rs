//! The proof that a device may be placed, where a grant is demanded.
use keepgate_policy::EnlistProof;
use keepgate_rbac::Roles;

async fn give<T: Roles>(tx: &mut T, proof: EnlistProof) {
    let _done = tx.assign(proof, None).await; //~ E0308
}

fn main() {}
