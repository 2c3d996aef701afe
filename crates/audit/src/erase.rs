//! Erasing a person: the keys of its addresses are destroyed, the openings deleted, and what else is left of it. The log
//! itself is not touched, so every proof still verifies.
use async_trait::async_trait;
use keepgate_kernel::{AuditId, ErasureId, PrincipalId, TenantId, Timestamp};
use keepgate_policy::Consent;
use keepgate_store::StoreError;

/// An erasure to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewErasure {
    /// Its id.
    pub id: ErasureId,
    /// Who: a user who has been deleted.
    pub subject: PrincipalId,
    /// Why: 10 to 500 characters. Kept beside the log, never in it.
    pub reason: String,
    /// The entry `audit.erased` that this transaction writes.
    pub entry: AuditId,
}

/// An erasure on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// Who. The number stays as a pseudonym.
    pub subject: PrincipalId,
    /// Why.
    pub reason: String,
    /// By whom; `None`: by Keepgate itself, because an older database had brought the person back.
    pub erased_by: Option<PrincipalId>,
    /// When.
    pub erased_at: Timestamp,
    /// Where in the log the entry `audit.erased` is, once it has an index.
    pub index: Option<u64>,
    /// How many openings were deleted.
    pub openings: u64,
}

/// How an attempt to erase ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// It is done.
    Done,
    /// There is no such user.
    Unknown,
    /// The user has not been deleted.
    Living,
    /// A hold is on the person, or on everybody.
    Held,
}

/// When an entry's address was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasedAt {
    /// When.
    pub at: Timestamp,
    /// The entry that says so, once it has an index.
    pub index: Option<u64>,
}

/// A transaction that can erase.
#[async_trait]
pub trait Erasures: Send {
    /// Erases, for an owner with the consent of a second person, which is used up. Does not commit unless the transaction
    /// writes the entry as well.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for everybody else, and for a consent to something else.
    async fn erase(&mut self, consent: &Consent, new: &NewErasure) -> Result<Erased, StoreError>;

    /// Erases somebody again whom an older database has brought back; deletes the user if that is undone, too. False where
    /// nothing is to be done: on record already, or nobody of that number. For Keepgate's own worker of the tenant.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for everybody else.
    async fn erase_again(&mut self, id: ErasureId, subject: PrincipalId, entry: AuditId) -> Result<bool, StoreError>;

    /// An erasure of the caller's tenant; levels 4 and 5 see them.
    async fn erasure(&mut self, id: ErasureId) -> Result<Option<Erasure>, StoreError>;

    /// Erasures of the caller's tenant in the order they were made: for levels 4 and 5, nobody else sees one.
    async fn erasures(&mut self, after: Option<ErasureId>, limit: u32) -> Result<Vec<Erasure>, StoreError>;

    /// Who has been erased, for Keepgate's own worker of the tenant; nobody, for everybody else.
    async fn erased_subjects(&mut self) -> Result<Vec<(PrincipalId, Timestamp)>, StoreError>;

    /// Where somebody has been erased, for the platform's own worker; nowhere, for everybody else.
    async fn tenants_with_erasures(&mut self) -> Result<Vec<TenantId>, StoreError>;

    /// Where keys that seal addresses of callers nobody knows are older than `days` days of UTC, a week at least, and not held;
    /// for the platform's own worker. Nowhere, for everybody else.
    async fn tenants_with_strangers(&mut self, days: u16) -> Result<Vec<TenantId>, StoreError>;

    /// Destroys those keys in the tenant of Keepgate's own worker, and the openings under them; how many openings. Does not
    /// commit unless the transaction writes an entry as well.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for everybody else.
    async fn end_strangers(&mut self, days: u16) -> Result<u64, StoreError>;
}
