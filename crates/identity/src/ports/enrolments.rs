//! Enrolment codes.
use async_trait::async_trait;
use keepgate_kernel::PrincipalId;
use keepgate_store::StoreError;

use crate::{CodeHash, NewEnrolment};

/// Enrolment codes, by their hash.
#[async_trait]
pub trait Enrolments: Send {
    /// Puts a code on record. Levels from 4 up, for a principal of their tenant that holds a lower level; level 7 also for an
    /// owner it has just appointed in another tenant. `Forbidden` otherwise, and for oneself.
    async fn add_enrolment(&mut self, new: &NewEnrolment) -> Result<(), StoreError>;

    /// Whose code it is; `None` whenever it can't be used. Workers only.
    async fn enrolment_holder(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError>;

    /// Uses a code up, and says whose it was. `None` when it is unknown in this tenant, used, past its end, or its principal not
    /// active. Of two at once, one gets it. Workers only.
    async fn use_enrolment(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError>;
}
