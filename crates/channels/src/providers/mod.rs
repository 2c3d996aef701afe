//! Adapters of the outward ports: [`twilio`] for SMS and voice, [`webhooks`] for the back office; and [`Outbound`], the guarded client
//! itself, for whoever else calls addresses that a tenant chose.
mod http;
pub mod twilio;
pub mod webhooks;

pub use http::ClientError;
pub use keepgate_outward::{Outbound, Reach, Unreachable};
