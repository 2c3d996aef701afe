//! Keepgate's own workers, one file each.
mod hub;

pub use hub::Hub;
