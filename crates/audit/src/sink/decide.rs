//! What follows from how a receiver answered. Pure.
use std::time::Duration;

use keepgate_kernel::Timestamp;

use super::{SealedSecret, Sink, SinkState};
use crate::Entry;

/// The longest that one try takes: well within the lease.
pub const LONGEST: Duration = Duration::from_secs(20);
/// The pause after the first failure; each further one is twice as long …
const PAUSE: Duration = Duration::from_secs(1);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// The longest pause that a receiver can ask for.
const PATIENCE: u32 = 3_600;
/// A receiver that is not there is told of from this failure on.
const TOLD: u32 = 3;
/// So many dead letters without a success: it is not the records that are at fault.
const MOST_REJECTED: u32 = 10;

/// How a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It has all of it.
    Accepted,
    /// It will never take this, whoever asks: something is wrong with a record.
    Rejected(String),
    /// Not now.
    Later {
        /// Why.
        reason: String,
        /// When it wants to be asked again, in seconds.
        retry_after: Option<u32>,
    },
    /// Not until somebody changes something: an address, a token, a certificate.
    Broken(String),
}

/// A sink in hand: nobody else's until `until`.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The sink.
    pub sink: Sink,
    /// What it takes to be let in.
    pub secret: Option<SealedSecret>,
    /// The fence: settling with an older one changes nothing.
    pub token: i64,
    /// The name of the log.
    pub origin: String,
    /// A dead letter that is sent once more, rather than what is next.
    pub dead: bool,
    /// The first index.
    pub first: u64,
    /// What to send, up to the first entry that is gone; none if the first one is.
    pub entries: Vec<Entry>,
}

/// What becomes of the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Everything below `past` is done with.
    Taken {
        /// The index after the last.
        past: u64,
    },
    /// Fewer next time, to find the record that is refused: up to `end`, exclusive.
    Narrower {
        /// The index after the last.
        end: u64,
    },
    /// The one record is a dead letter.
    Dead {
        /// Why.
        reason: String,
    },
    /// The same once more at `at`.
    Again {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// What is written down about a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// What becomes of the place.
    pub settled: Settled,
    /// The sink stopped or recovered: this leaves an entry in the log.
    pub turned: Option<SinkState>,
}

/// What follows from `sent`. `chance` in `0..1` spreads the pauses.
#[must_use]
pub fn decide(claim: &Claim, sent: Sent, now: Timestamp, chance: f64) -> Settlement {
    let progress = &claim.sink.progress;
    let failed = |reason: String, after: Option<u32>, at_once: bool| {
        let told = at_once || progress.failures + 1 >= TOLD;
        Settlement {
            settled: Settled::Again {
                at: now + pause(progress.failures, after, chance),
                reason,
            },
            turned: (told && progress.state == SinkState::Active).then_some(SinkState::Failing),
        }
    };
    let one = claim.entries.len() == 1;
    match sent {
        Sent::Accepted => Settlement {
            settled: Settled::Taken { past: past(claim) },
            turned: (progress.state == SinkState::Failing).then_some(SinkState::Active),
        },
        Sent::Rejected(_) if !one && !claim.dead => Settlement {
            settled: Settled::Narrower {
                end: claim.first + half(claim.entries.len()),
            },
            turned: None,
        },
        Sent::Rejected(reason) if claim.dead || progress.rejected < MOST_REJECTED => Settlement {
            settled: Settled::Dead { reason },
            turned: None,
        },
        Sent::Rejected(reason) | Sent::Broken(reason) => failed(reason, None, true),
        Sent::Later { reason, retry_after } => failed(reason, retry_after, false),
    }
}

fn past(claim: &Claim) -> u64 {
    claim.entries.last().map_or(claim.first, |entry| entry.index + 1)
}

fn half(count: usize) -> u64 {
    u64::try_from(count / 2).unwrap_or(1).max(1)
}

/// Half of the pause is certain, the other half is chance.
fn pause(failures: u32, after: Option<u32>, chance: f64) -> Duration {
    let full = PAUSE.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE);
    let spread = full.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
    after.map_or(spread, |seconds| {
        spread.max(Duration::from_secs(seconds.min(PATIENCE).into()))
    })
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
