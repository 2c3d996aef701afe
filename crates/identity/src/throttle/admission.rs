//! Asking for an attempt, and the answer.
use std::time::Duration;

use keepgate_kernel::Timestamp;

use super::{Asked, Bucket, Counter, numbers};

/// The buckets of where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// IPv4 /32, IPv6 /64.
    pub address: Bucket,
    /// IPv4 /24, IPv6 /48.
    pub network: Bucket,
    /// Different accounts from that address.
    pub spray_address: Bucket,
    /// Different accounts from that network.
    pub spray_network: Bucket,
}

impl Places {
    /// All four, each with what it guards against.
    #[must_use]
    pub const fn all(&self) -> [(Bucket, Guard); 4] {
        [
            (self.address, Guard::Address),
            (self.network, Guard::Network),
            (self.spray_address, Guard::Spraying),
            (self.spray_network, Guard::Spraying),
        ]
    }
}

/// What refused an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The counter of a browser that logged in before, or of a session.
    Trusted,
    /// The counter that all other clients of the identifier share.
    Untrusted,
    /// The address.
    Address,
    /// The network.
    Network,
    /// Too many accounts from one source.
    Spraying,
}

impl Guard {
    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Untrusted => "untrusted",
            Self::Address => "address",
            Self::Network => "network",
            Self::Spraying => "spraying",
        }
    }
}

/// One attempt to be made.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// The account's counter.
    pub account: Bucket,
    /// Whether that counter is one browser's or session's own.
    pub trusted: bool,
    /// Where it comes from; `None` for trusted clients, who share no fate with their neighbours, and where there is no network.
    pub places: Option<Places>,
    /// This password was found wrong on this account within [`numbers::REPEAT`]: it is not counted again.
    pub repeated: bool,
    /// There is an alarm: nothing is free.
    pub strict: bool,
}

impl Attempt {
    /// Moves `counter`, the account's, and says what it says.
    pub(crate) fn ask(&self, counter: &mut Counter, at: Timestamp) -> Admission {
        let (rule, guard) = if self.trusted {
            (numbers::TRUSTED, Guard::Trusted)
        } else {
            (numbers::UNTRUSTED, Guard::Untrusted)
        };
        match counter.ask(&rule, at, self.strict, self.repeated) {
            Asked::Granted => Admission::Admitted,
            Asked::Wait(left) => Admission::Locked(left, guard),
            Asked::Closed => Admission::Closed(guard),
        }
    }
}

/// A wrong password, to be told to the places it came from.
#[derive(Debug, Clone, Copy)]
pub struct Miss {
    /// The account it was tried on.
    pub account: Bucket,
    /// Where it came from.
    pub places: Places,
}

impl Miss {
    /// Moves `counter`, which is that of `bucket`.
    pub(crate) fn count(&self, bucket: Bucket, counter: &mut Counter, at: Timestamp) {
        if bucket == self.places.address {
            counter.leak(&numbers::ADDRESS, at);
        } else if bucket == self.places.network {
            counter.leak(&numbers::NETWORK, at);
        } else if bucket == self.places.spray_address {
            counter.spray(&numbers::SPRAY_ADDRESS, &self.account, at);
        } else {
            counter.spray(&numbers::SPRAY_NETWORK, &self.account, at);
        }
    }
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and has been counted on the account as a failure until a success says otherwise.
    Admitted,
    /// It may not, for so long; it was not counted.
    Locked(Duration, Guard),
    /// It may not, and time won't help: a browser that logged in before, another factor or a reset will.
    Closed(Guard),
}
