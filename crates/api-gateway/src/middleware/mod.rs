//! What happens to every request, outermost first: request id and security headers, metrics and log line, rate limit, time
//! limit, and last the entry for a request that was refused before it became an operation.
mod audit_refusals;
mod envelope;
mod known;
mod observe;
mod rate_limit;
mod source;

pub(crate) use audit_refusals::{Trail, audit_refusals};
pub(crate) use envelope::{RequestIdentity, envelope, panicked};
pub(crate) use observe::observe;
pub use rate_limit::{Limits, RateLimiter};
pub(crate) use rate_limit::{Paid, rate_limit, rate_limited};
