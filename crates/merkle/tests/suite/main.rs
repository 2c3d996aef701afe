//! The crate from outside: known answers, properties of proofs and parsers, attacks on whole logs.
#![cfg(test)]

mod checkpoints;
mod cosignatures;
mod differential;
mod notes;
mod parsers;
mod policies;
mod proof_vectors;
mod proofs;
mod support;
mod tiles;
mod tlog_proofs;
mod vectors;
mod verify_attacks;
mod verify_outcomes;
mod witnesses;
