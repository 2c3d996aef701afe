//! Time stamps (RFC 3161): the word of somebody else's clock that a checkpoint of the log of logs existed.
//!
//! The stamped bytes are the text of a checkpoint: its three lines, each with its newline, without any signature. Every signed
//! state of a tenant's log is a leaf of that log, so one token an hour covers all of them ([`Evidence`]). Whoever has the token,
//! that text and the authority's root can check it with `openssl ts -verify -token_in`.
#[cfg(feature = "timestamps")]
mod check;
mod evidence;
#[cfg(feature = "outward")]
mod http;
#[cfg(feature = "timestamps")]
mod query;
#[cfg(feature = "timestamps")]
mod signer;
mod stamped;
#[cfg(feature = "timestamps")]
mod trust;

use async_trait::async_trait;
use keepgate_kernel::Timestamp;

#[cfg(feature = "timestamps")]
pub use check::{BadStamp, check_reply, check_token};
pub use evidence::{Evidence, evidence};
#[cfg(feature = "outward")]
pub use http::HttpAuthority;
#[cfg(feature = "timestamps")]
pub use query::Query;
pub use stamped::{DueStamp, StampedLogs};
#[cfg(feature = "timestamps")]
pub use stamped::{NotStamped, stamp};
#[cfg(feature = "timestamps")]
pub use trust::{BadTrust, Trust};

use crate::{SignedCheckpoint, witness::Unreachable};

/// A time-stamping authority. What comes back is untrusted bytes.
#[async_trait]
pub trait TimestampAuthority: Send + Sync {
    /// Posts a `TimeStampReq` and returns the body of the answer, at most 64 KiB.
    ///
    /// # Errors
    /// [`Unreachable`] without a whole answer of status 200.
    async fn stamp(&self, query: Vec<u8>) -> Result<Vec<u8>, Unreachable>;
}

/// A token that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The token (`ContentInfo`, DER).
    pub token: Vec<u8>,
    /// When, by the authority's clock, in whole seconds.
    pub at: Timestamp,
    /// The policy it was issued under, an object identifier.
    pub policy: String,
}

/// A checkpoint of the log of logs, and the stamp over its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampedCheckpoint {
    /// The signed note.
    pub checkpoint: SignedCheckpoint,
    /// The stamp.
    pub stamp: Stamp,
}
