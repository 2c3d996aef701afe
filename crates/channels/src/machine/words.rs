//! What can be said about an attempt and a delivery.
use crate::types::{Status, words};

words! {
    /// How far one try has come.
    AttemptState {
        /// Written down, before the provider was asked.
        Intent "intent",
        /// The provider took it.
        Accepted "accepted",
        /// The provider did not take it, or there was nobody to ask.
        Refused "refused",
        /// Nobody knows whether the provider took it.
        Unknown "unknown",
        /// The provider reports that it reached the recipient.
        Delivered "delivered",
        /// The provider reports that it can't.
        Undelivered "undelivered",
    }
}

words! {
    /// How far a provider says it has come. The last two are final.
    Stage {
        /// In the provider's queue.
        Queued "queued",
        /// On its way.
        Sent "sent",
        /// At the recipient.
        Delivered "delivered",
        /// Given up.
        Undelivered "undelivered",
    }
}

words! {
    /// What may still help after a refusal.
    RefusalClass {
        /// The same contact, later: nothing was processed, or the trouble passes.
        Retry "retry",
        /// Another contact: this one can't be reached here.
        Target "target",
        /// Another channel: this one is not usable as it is configured.
        Step "step",
    }
}

words! {
    /// How a delivery ends.
    Terminal {
        /// A provider reported delivery, and no acknowledgement was required.
        Delivered "delivered",
        /// The recipient acknowledged.
        Acknowledged "acknowledged",
        /// Every step is spent.
        Failed "failed",
        /// Called off.
        Cancelled "cancelled",
        /// The deadline passed.
        Expired "expired",
    }
}

impl AttemptState {
    /// Where a receipt moves it; `None` when it says nothing new. Never back, whatever the order and however often.
    /// An intent does not move: its receipts wait until its own answer is known.
    #[must_use]
    pub const fn after(self, stage: Stage) -> Option<Self> {
        match (self, stage) {
            (Self::Unknown, Stage::Queued | Stage::Sent) => Some(Self::Accepted),
            (Self::Unknown | Self::Accepted, Stage::Delivered) => Some(Self::Delivered),
            (Self::Unknown | Self::Accepted, Stage::Undelivered) => Some(Self::Undelivered),
            _ => None,
        }
    }
}

impl From<Terminal> for Status {
    fn from(terminal: Terminal) -> Self {
        match terminal {
            Terminal::Delivered => Self::Delivered,
            Terminal::Acknowledged => Self::Acknowledged,
            Terminal::Failed => Self::Failed,
            Terminal::Cancelled => Self::Cancelled,
            Terminal::Expired => Self::Expired,
        }
    }
}

impl Status {
    /// The end this is, `None` while the message is under way.
    #[must_use]
    pub const fn terminal(self) -> Option<Terminal> {
        match self {
            Self::Accepted | Self::Delivering => None,
            Self::Delivered => Some(Terminal::Delivered),
            Self::Acknowledged => Some(Terminal::Acknowledged),
            Self::Failed => Some(Terminal::Failed),
            Self::Cancelled => Some(Terminal::Cancelled),
            Self::Expired => Some(Terminal::Expired),
        }
    }
}
