//! Keepgate's own workers, one folder or file each.
mod dispatch;
mod hub;

pub use dispatch::{Dispatcher, Outward, Parcel};
pub use hub::Hub;
