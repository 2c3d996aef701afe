//! The port that keeps sinks.
use async_trait::async_trait;
use keepgate_kernel::{SinkId, TenantId, Timestamp};
use keepgate_store::StoreError;

use super::{Claim, DeadLetter, SealedSecret, Settlement, Sink, SinkConfig};

/// A sink to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSink {
    /// Its id.
    pub id: SinkId,
    /// What its owner decided.
    pub config: SinkConfig,
    /// The first index to send.
    pub from: u64,
    /// What it takes to be let in, sealed for this row.
    pub secret: Option<SealedSecret>,
}

/// How far a sink is behind, for metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkLag {
    /// The sink.
    pub id: SinkId,
    /// Whether it is failing.
    pub failing: bool,
    /// Whether its owner has paused it.
    pub paused: bool,
    /// How many signed entries it has not been sent.
    pub behind: u64,
    /// When the first of them was recorded.
    pub oldest: Option<Timestamp>,
}

/// The sinks of a tenant. Levels 4 and 5 read them; level 5 with a fresh proof changes them and reads what it takes to be let in; Keepgate's
/// own worker moves them on and changes nothing else. For everybody else there are none.
#[async_trait]
pub trait Sinks: Send {
    /// Adds a sink. `false` when its name is taken; nothing is changed then.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for who may not, and for a first index beyond what is signed.
    async fn add_sink(&mut self, sink: &NewSink) -> Result<bool, StoreError>;

    /// The sink, `None` if there is none.
    async fn sink(&mut self, id: SinkId) -> Result<Option<Sink>, StoreError>;

    /// All sinks of the tenant in the order of their ids.
    async fn sinks(&mut self) -> Result<Vec<Sink>, StoreError>;

    /// Replaces what its owner decides. What is under way is not settled any more, and the next try is now. `false` when the name is taken.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for who may not, and for no such sink.
    async fn change_sink(&mut self, id: SinkId, config: &SinkConfig, paused: bool) -> Result<bool, StoreError>;

    /// Replaces what it takes to be let in.
    async fn put_sink_secret(&mut self, id: SinkId, secret: Option<&SealedSecret>) -> Result<(), StoreError>;

    /// What it takes to be let in, `None` if nothing is asked for.
    async fn sink_secret(&mut self, id: SinkId) -> Result<Option<SealedSecret>, StoreError>;

    /// Removes a sink with its dead letters. `false` if there is none, or it may not be removed.
    async fn remove_sink(&mut self, id: SinkId) -> Result<bool, StoreError>;

    /// Sends everything from `from` on again; what is under way is not settled any more. `false` if there is no such sink.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for who may not, and beyond what is signed.
    async fn rewind_sink(&mut self, id: SinkId, from: u64) -> Result<bool, StoreError>;

    /// Dead letters in the order of their indices: those after `after`, at most `limit`.
    async fn dead_letters(&mut self, id: SinkId, after: Option<u64>, limit: u16)
    -> Result<Vec<DeadLetter>, StoreError>;

    /// Has every dead letter sent once more, before what is next. How many there are.
    async fn retry_dead_letters(&mut self, id: SinkId) -> Result<u64, StoreError>;

    /// Sinks with something to send, of all tenants: for the platform's own worker.
    async fn due_sinks(&mut self, limit: u16) -> Result<Vec<(TenantId, SinkId)>, StoreError>;

    /// How far every sink is behind: for the platform's own worker.
    async fn sink_lags(&mut self) -> Result<Vec<SinkLag>, StoreError>;

    /// Takes the sink for `seconds` and reads what is next, signed entries only: first the dead letters that are wanted once more, then what was
    /// begun, then up to a batch. `None` when there is nothing to send yet, or somebody else has it. Not claimed until committed.
    async fn claim_sink(&mut self, id: SinkId, seconds: u16) -> Result<Option<Claim>, StoreError>;

    /// Writes down how a try ended, and lets go of the sink. `false` when it is not in the claim's hand any more: nothing is changed then.
    /// A sink that turned needs an audit entry in the same transaction.
    async fn settle_sink(&mut self, claim: &Claim, settlement: &Settlement) -> Result<bool, StoreError>;
}
