//! Attempts and what providers report about them.
use async_trait::async_trait;
use keepgate_kernel::AttemptId;
use keepgate_store::StoreError;

use crate::types::{Attempt, Callback};

/// The attempts of a tenant: read by whoever sees the message, written by the worker.
#[async_trait]
pub trait Attempts: Send {
    /// Adds an attempt. Refused when its delivery has ended ([`StoreError::Forbidden`]), when its token is not the delivery's
    /// newest, when another one of the delivery is live, or when its delivery, step and number are taken
    /// ([`StoreError::Conflict`]).
    async fn add_attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError>;

    /// The attempt, `None` if there is none to see.
    async fn attempt(&mut self, id: AttemptId) -> Result<Option<Attempt>, StoreError>;

    /// Saves state, liveness, reason, provider reference, sends, token, ends and settling time. [`StoreError::Forbidden`] when
    /// the state would go back, a superseded one would become live, or a send would go uncounted.
    async fn save_attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError>;

    /// Writes a callback down. `false` when its event was written down before; nothing is changed then.
    async fn note_callback(&mut self, callback: &Callback) -> Result<bool, StoreError>;

    /// The callbacks that were parked for an attempt, oldest first; they are parked no more.
    async fn unpark_callbacks(&mut self, attempt: AttemptId) -> Result<Vec<Callback>, StoreError>;
}
