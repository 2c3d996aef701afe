//! Where work is, across tenants.
use async_trait::async_trait;
use keepgate_kernel::{AttemptId, TenantId, Timestamp};
use keepgate_store::StoreError;

/// For the platform's own worker: which tenant to enter next. Everybody else is told that there is nothing.
#[async_trait]
pub trait DueWork: Send {
    /// Up to `limit` tenants with deliveries that can be leased now, the longest waiting first.
    async fn due_tenants(&mut self, limit: u16) -> Result<Vec<TenantId>, StoreError>;

    /// When the next delivery of any tenant can be leased; a time in the past means now, `None` that nothing is left to do.
    async fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError>;

    /// The tenant an attempt belongs to, for a provider's callback; `None` if there is no such attempt.
    async fn home_of_attempt(&mut self, attempt: AttemptId) -> Result<Option<TenantId>, StoreError>;
}
