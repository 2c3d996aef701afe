//! A proof of a grant, read from the outside.
use keepgate_policy::GrantProof;

fn read<T: serde::de::DeserializeOwned>() {}

fn main() {
    read::<GrantProof>(); //~ E0277
}
