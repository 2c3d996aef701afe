//! Adapters of the outward ports: [`twilio`] for SMS and voice, [`webhooks`] for the back office; and [`Outbound`], the guarded client
//! itself, for whoever else calls addresses that a tenant chose.
mod http;
mod outbound;
pub mod twilio;
pub mod webhooks;

pub use http::ClientError;
pub use outbound::{Outbound, Unreachable};
pub use webhooks::guard::Reach;
