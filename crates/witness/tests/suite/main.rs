//! The witness from outside, on both of its stores.
#![cfg(test)]

mod crash;
mod rules;
mod support;
