//! How good the clock is that stamps entries, and how that gets into the log.
//!
//! Entries are stamped by the database's clock. Each minute every node asks a [`ClockSource`] how far its own clock may be
//! off, compares the database's clock with it ([`Watch`]), and leaves an entry `clock.attest`. From then on, for three
//! minutes, the database writes that [`TimeQuality`] into each leaf.
mod order;
mod source;
mod watch;

use async_trait::async_trait;
use keepgate_kernel::{Entity, Timestamp, Uuid};
use keepgate_store::StoreError;

use crate::TimeQuality;

pub use order::{OVERLAP, Order, TimeStep};
#[cfg(feature = "outward")]
pub use source::{ChronyClock, KernelClock, MachineClock};
pub use source::{ClockReading, ClockSource};
pub use watch::{Probe, Watch};

/// One node's word about the clock of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// Which node.
    pub node: Uuid,
    /// What entries say from now on.
    pub quality: TimeQuality,
    /// What it rests on: `chrony`, `kernel`, or `none`.
    pub source: &'static str,
    /// The database's clock less the node's, in microseconds.
    pub offset_us: i64,
    /// The database's clock is that near to UTC, in microseconds, if the source is right.
    pub bound_us: u64,
    /// How far the database's clock jumped since the attestation before, in microseconds; 0 if it did not.
    pub step_us: i64,
}

impl Attestation {
    /// What the leaf is about: everything above, in words and numbers, 200 characters at most.
    #[must_use]
    pub fn entity(&self) -> Entity {
        let Self {
            node,
            quality,
            source,
            offset_us,
            bound_us,
            step_us,
        } = self;
        let quality = quality.as_str();
        let text = format!("{node}/{quality}/{source}/offset_us={offset_us}/bound_us={bound_us}/step_us={step_us}");
        Entity::named("clock", &text)
    }
}

/// A transaction that can ask the database for its time, and remember how good it is.
#[async_trait]
pub trait ClockLedger: Send {
    /// The present time by the clock that stamps entries, and the time of the latest attestation of any node.
    async fn clock_probe(&mut self) -> Result<(Timestamp, Option<Timestamp>), StoreError>;

    /// Remembers `attestation` in place of the node's former one. For three minutes entries take their quality from the
    /// best one there is. Only Keepgate's own worker of the platform may.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for everybody else.
    async fn attest(&mut self, attestation: &Attestation) -> Result<(), StoreError>;
}
