//! Keepgate's own workers, one folder or file each.
mod clock;
mod cosign;
mod dispatch;
mod erasures;
mod forward;
mod hub;
mod post;
mod reseal;
mod stamp;
mod sweep;
mod uses;

pub use clock::attest_clock;
pub use cosign::{WitnessHealth, cosign};
pub use dispatch::{Dispatcher, Outward, Parcel};
pub use erasures::settle_erasures;
pub use forward::Forwarder;
pub use hub::Hub;
pub use post::{Post, Recovery};
pub use reseal::{Resealing, reseal};
pub use stamp::{Stamping, stamp_checkpoints};
pub use sweep::sweep;
pub use uses::write_uses;
