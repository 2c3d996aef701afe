//! Adapters of the outward ports: [`twilio`] for SMS and voice, [`webhooks`] for the back office.
mod http;
pub mod twilio;
pub mod webhooks;

pub use http::ClientError;
