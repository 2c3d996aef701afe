//! The operations through the doorway, on both adapters, from the genesis on.
mod approvals;
mod devices;
mod erasures;
mod gadgets;
mod hats;
mod house;
mod keys;
mod passkeys;
mod second_factors;
mod services;
mod short_passwords;
mod step_up;
mod users;
