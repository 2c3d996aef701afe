//! The operations through the doorway, on both adapters, from the genesis on.
mod house;
mod keys;
mod users;
