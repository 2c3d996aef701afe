//! Enrolment codes.
use async_trait::async_trait;
use keepgate_kernel::{ApprovalId, PrincipalId};
use keepgate_store::StoreError;

use crate::{CodeHash, NewEnrolment};

/// Enrolment codes, by their hash.
#[async_trait]
pub trait Enrolments: Send {
    /// Puts a code on record in place of any earlier one of its principal. Levels from 4 up, for a principal of their tenant that holds a lower level; level 7 also for an
    /// owner it has just appointed in another tenant. `Forbidden` otherwise, and for oneself.
    async fn add_enrolment(&mut self, new: &NewEnrolment) -> Result<(), StoreError>;

    /// As above, for whom the caller could not invite alone, because two people want it: a global admin they have just appointed
    /// in this transaction, or the owner of another tenant who is to be let in again, which uses the approval up. Using such a
    /// code ends every session opened before. `Forbidden` when the approval does not cover exactly this.
    async fn add_approved_enrolment(&mut self, new: &NewEnrolment, approval: ApprovalId) -> Result<(), StoreError>;

    /// Whose code it is; `None` whenever it can't be used. Workers only.
    async fn enrolment_holder(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError>;

    /// Uses a code up, and says whose it was. `None` when it is unknown in this tenant, used, past its end, or its principal not
    /// active. Of two at once, one gets it. Workers only.
    async fn use_enrolment(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError>;
}
