//! The proof that somebody can be reached, where a grant is demanded.
use keepgate_policy::ReachProof;
use keepgate_rbac::Roles;

async fn give<T: Roles>(tx: &mut T, proof: ReachProof) {
    let _done = tx.assign(proof, None).await; //~ E0308
}

fn main() {}
