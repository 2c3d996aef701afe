//! Legal holds: what must not be erased or removed until two people release it.
use async_trait::async_trait;
use keepgate_kernel::{HoldId, PrincipalId, Timestamp};
use keepgate_policy::Consent;
use keepgate_store::StoreError;

/// What is held: a person, a time, or both. What is not named is not narrowed: without a subject everybody is held, without
/// bounds every month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldScope {
    /// Who is not erased; `None`: nobody is.
    pub subject: Option<PrincipalId>,
    /// Entries recorded at this instant or later are kept.
    pub from: Option<Timestamp>,
    /// Entries recorded before this instant are kept.
    pub to: Option<Timestamp>,
}

/// A hold to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// Its id.
    pub id: HoldId,
    /// What it holds.
    pub scope: HoldScope,
    /// Why: 10 to 500 characters.
    pub reason: String,
}

/// A hold on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// What it holds.
    pub scope: HoldScope,
    /// Why.
    pub reason: String,
    /// Who placed it.
    pub placed_by: PrincipalId,
    /// When.
    pub placed_at: Timestamp,
    /// Who released it, and when.
    pub released: Option<(PrincipalId, Timestamp)>,
}

/// A transaction that can hold.
#[async_trait]
pub trait Holds: Send {
    /// Places a hold in the caller's tenant and name: owners only.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for everybody else, or without fresh proof of who it is.
    async fn add_hold(&mut self, new: &NewHold) -> Result<(), StoreError>;

    /// A hold of the caller's tenant; levels 4 and 5 see them.
    async fn hold(&mut self, id: HoldId) -> Result<Option<Hold>, StoreError>;

    /// Holds of the caller's tenant in the order they were placed, released ones too.
    async fn holds(&mut self, after: Option<HoldId>, limit: u32) -> Result<Vec<Hold>, StoreError>;

    /// Whether a hold keeps `subject` from being erased, as far as the caller sees holds.
    async fn is_held(&mut self, subject: PrincipalId) -> Result<bool, StoreError>;

    /// Ends a hold, for an owner with the consent of a second person, which is used up. False where none holds.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for everybody else, and for a consent to something else.
    async fn release_hold(&mut self, consent: &Consent) -> Result<bool, StoreError>;
}
