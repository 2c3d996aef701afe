//! The guarded way out: where a request that a tenant caused may lead, and the one HTTP client it leaves by.
//!
//! An address that a customer chose is called only if it is public, or the operator says so ([`Reach`]). The check is part of resolving
//! ([`Guard`]) and of connecting ([`connect`]), so the address that was checked is the one that is called. The client ([`client`]) sends each
//! request at most once, follows no redirect, uses no proxy and trusts what it is told to trust ([`Trust`]).
//!
//! ```
//! use keepgate_outward::{Reach, may_lead_to};
//!
//! let inside = "https://169.254.169.254/latest/".parse()?;
//! assert!(!may_lead_to(&inside, &Reach::default()));
//! # Ok::<(), url::ParseError>(())
//! ```
mod client;
mod connect;
mod guard;
mod outbound;
mod sign;
mod trust;

pub use client::{body, client, is_loopback, retry_after};
pub use connect::{ConnectError, connect};
pub use guard::{Guard, NotPublic, Reach, allowed};
pub use outbound::{Outbound, Unreachable, is_not_public, may_lead_to};
pub use sign::{SecretError, sign, sign_publicly, signing_secret, verifying_key};
pub use trust::{BadPem, Trust};
