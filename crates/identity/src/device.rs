//! Devices: principals of level 1 that are known by an Ed25519 key of their own.
//!
//! A device is let in by a one-time code, with which it brings its public key. From then on it asks for a [`Challenge`] and signs
//! it; [`login_message`] and [`join_message`] say what is signed.
mod challenge;
mod key;
mod record;

pub use challenge::{Answered, Challenge, DEVICE_CHALLENGE_LIFE};
pub use key::{DeviceKey, InvalidKey, join_message, login_message};
pub use record::{DeviceChange, DeviceRecord, NewDevice};
