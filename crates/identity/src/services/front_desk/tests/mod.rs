//! The desk in memory, with a clock of the test's own and hashes that cost little.
mod guessing;
mod house;
mod timing;
