//! Mail that is to be sent.
use async_trait::async_trait;
use keepgate_kernel::{MailId, PrincipalId, TenantId, Timestamp};
use keepgate_policy::ReachProof;
use keepgate_store::StoreError;

use crate::{DueMail, MailNotice};

/// The outbox of mail about accounts. What is put in is committed with the operation that causes it, and audited with it; taking it
/// out is bookkeeping of workers.
#[async_trait]
pub trait Mails: Send {
    /// Tells `principal` what happened to its account. For oneself, from level 4 up also for others of the tenant, and for
    /// workers; `Forbidden` otherwise.
    async fn notify(&mut self, principal: PrincipalId, notice: MailNotice) -> Result<(), StoreError>;

    /// Has a code sent to somebody of a lower level. `Forbidden` when the live rows say otherwise.
    async fn ask_for_code(&mut self, proof: &ReachProof) -> Result<(), StoreError>;

    /// Has a code sent to `principal`. Workers only.
    async fn queue_code(&mut self, principal: PrincipalId) -> Result<(), StoreError>;

    /// Remembers that somebody typed an address, which is `sealed`. Workers only.
    async fn queue_recovery(&mut self, id: MailId, sealed: &[u8]) -> Result<(), StoreError>;

    /// The tenants with due mail, the longest overdue first. The platform's own worker only.
    async fn tenants_with_mail(&mut self, limit: u16) -> Result<Vec<TenantId>, StoreError>;

    /// Drops what has expired, leaves alone what this version does not know, and leases at most `limit` of what is due until `until`,
    /// oldest first; nobody else gets it before then.
    async fn lease_mail(&mut self, limit: u16, until: Timestamp) -> Result<Vec<DueMail>, StoreError>;

    /// Tries again at `at`.
    async fn postpone_mail(&mut self, id: MailId, at: Timestamp) -> Result<(), StoreError>;

    /// It was sent, or never will be: nothing of it stays.
    async fn drop_mail(&mut self, id: MailId) -> Result<(), StoreError>;
}
