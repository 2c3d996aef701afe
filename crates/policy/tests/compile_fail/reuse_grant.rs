//! One proof, two grants.
use keepgate_policy::GrantProof;
use keepgate_rbac::Roles;

async fn twice<T: Roles>(tx: &mut T, proof: GrantProof) {
    let _first = tx.assign(proof, None).await;
    let _second = tx.assign(proof, None).await; //~ E0382
}

fn main() {}
