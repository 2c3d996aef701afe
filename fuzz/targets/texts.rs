//! A text is refused, or it is exactly what would be written.
#![no_main]
use std::{fmt::Display, str::FromStr};

use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::CosignerKey,
    hash::Hash,
    note::{Note, VerifierKey},
    policy::Policy,
    tile::TilePath,
    tlog_proof::TlogProof,
    witness::AddCheckpoint,
};
use libfuzzer_sys::fuzz_target;

fn reads_only_what_it_writes<T: FromStr + Display>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text);
    }
}

fuzz_target!(|text: &str| {
    reads_only_what_it_writes::<Hash>(text);
    reads_only_what_it_writes::<Note>(text);
    reads_only_what_it_writes::<VerifierKey>(text);
    reads_only_what_it_writes::<CosignerKey>(text);
    reads_only_what_it_writes::<TilePath>(text);
    reads_only_what_it_writes::<TlogProof>(text);
    // Extension lines are read over: what is written is how the text begins.
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert!(text.starts_with(&checkpoint.to_string()));
    }
    if let Ok(request) = AddCheckpoint::parse(text.as_bytes()) {
        assert_eq!(request.to_string(), text);
    }
    let _ = Policy::parse(text.as_bytes());
});
