//! Sinks: other systems that a tenant's log is sent on to, in order, from an index on.
//!
//! A worker claims a sink ([`Sinks::claim_sink`]), sends what is next ([`SinkSender`]), and settles how that ended ([`decide`],
//! [`Sinks::settle_sink`]). The place moves when the receiver has taken the records and not before: each one arrives at least once,
//! and in order. Every record carries the log's name, its index and its leaf hash, so a receiver finds gaps, repetitions and edits.
mod decide;
mod parcel;
mod port;
mod secret;
#[cfg(feature = "senders")]
pub mod senders;
mod target;

pub use decide::{Claim, LONGEST, Sent, Settled, Settlement, decide};
pub use parcel::{Content, Destination, Parcel, Record, SinkSender};
pub use port::{NewSink, SinkLag, Sinks};
pub use secret::{SealedSecret, SinkSecret};
pub use target::{BadSink, HttpsAuth, Target};

use keepgate_kernel::{SinkId, Timestamp};

/// The most sinks of a tenant.
pub const MAX_SINKS: usize = 100;
/// The most records of a batch.
pub const MAX_BATCH: u16 = 500;
/// The longest a record may wait for others, in seconds.
pub const MAX_DELAY: u32 = 3_600;

macro_rules! words { ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident $word:literal,)* }) => {
    $(#[$doc])*
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum $name { $($(#[$of])* $variant,)* }

    impl $name {
        /// The word in the API and in the database.
        #[must_use]
        pub const fn as_str(self) -> &'static str {
            match self { $(Self::$variant => $word,)* }
        }

        /// What `word` names.
        #[must_use]
        pub fn parse(word: &str) -> Option<Self> {
            match word { $($word => Some(Self::$variant),)* _ => None }
        }
    }
} }

words! {
    /// The form of records.
    SinkFormat {
        /// One JSON object for each: origin, index, hash and the leaf verbatim.
        Jsonl "jsonl",
        /// One OCSF event for each.
        Ocsf "ocsf",
    }
}

words! {
    /// How a sink fares.
    SinkState {
        /// The receiver takes what it is sent.
        Active "active",
        /// It does not; it is tried again, less and less often.
        Failing "failing",
    }
}

/// What an owner decides about a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkConfig {
    /// A name for people, 1 to 100 characters, unique in the tenant.
    pub name: String,
    /// The form of records.
    pub format: SinkFormat,
    /// Where to.
    pub target: Target,
    /// The most records sent together, 1 to [`MAX_BATCH`].
    pub batch_size: u16,
    /// How long a record may wait for others, in seconds, at most [`MAX_DELAY`].
    pub max_delay_seconds: u32,
}

impl SinkConfig {
    /// Whether it can be one.
    ///
    /// # Errors
    /// [`BadSink`] says what is wrong.
    pub fn check(&self) -> Result<(), BadSink> {
        let name = self.name.trim() == self.name && !self.name.chars().any(char::is_control);
        if !name || !(1..=100).contains(&self.name.chars().count()) {
            return Err(BadSink::Name);
        }
        if !(1..=MAX_BATCH).contains(&self.batch_size) {
            return Err(BadSink::BatchSize);
        }
        if self.max_delay_seconds > MAX_DELAY {
            return Err(BadSink::Delay);
        }
        self.target.check()
    }
}

/// How far a sink is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Everything below was taken, or is a dead letter.
    pub next_index: u64,
    /// How it fares.
    pub state: SinkState,
    /// Why it is failing, or why the last try failed: a stable word.
    pub reason: Option<String>,
    /// Tries that failed since the last success.
    pub failures: u32,
    /// Dead letters since the last success.
    pub rejected: u32,
    /// When it is tried next, if there is anything to send.
    pub next_at: Timestamp,
    /// The last success.
    pub delivered_at: Option<Timestamp>,
    /// How many dead letters there are.
    pub dead_letters: u64,
}

/// A system that the log is sent on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// Its id.
    pub id: SinkId,
    /// What its owner decided.
    pub config: SinkConfig,
    /// Whether nothing is sent for now, by its owner's word.
    pub paused: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// How far it is.
    pub progress: Progress,
}

/// A record that the receiver refused for good. The log has it; the sink went on without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The first index.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// Why: a stable word.
    pub reason: String,
    /// When it was refused last.
    pub at: Timestamp,
    /// Whether it is going to be sent once more.
    pub retry: bool,
}
