//! Streams of principals.
use async_trait::async_trait;
use keepgate_kernel::{AttemptId, MessageId, PrincipalId, Timestamp};
use keepgate_store::StoreError;

use crate::types::StreamEvent;

/// The streams of a tenant: each principal reads its own, the worker all, and only the worker writes.
#[async_trait]
pub trait StreamEvents: Send {
    /// Appends a message to the stream of `principal` and returns its number: one more than the last, without gaps, and
    /// visible no later than any higher one.
    async fn append_event(
        &mut self,
        principal: PrincipalId,
        message: MessageId,
        attempt: AttemptId,
        at: Timestamp,
    ) -> Result<i64, StoreError>;

    /// Up to `limit` events of the stream with numbers above `after`, in order.
    async fn events_after(
        &mut self,
        principal: PrincipalId,
        after: i64,
        limit: u16,
    ) -> Result<Vec<StreamEvent>, StoreError>;

    /// Notes that an event was handed to a connection, the first time at `at`. By the worker only.
    async fn note_handed(&mut self, principal: PrincipalId, seq: i64, at: Timestamp) -> Result<(), StoreError>;

    /// The number of the last event, 0 before the first.
    async fn last_event(&mut self, principal: PrincipalId) -> Result<i64, StoreError>;

    /// The number just before the oldest event that was never handed to a connection or whose message is still under way;
    /// the last number when there is none.
    async fn resume_point(&mut self, principal: PrincipalId) -> Result<i64, StoreError>;
}
