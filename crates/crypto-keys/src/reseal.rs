//! What is sealed under a tenant's older keys is sealed anew under its newest: what there is, where a walk stands, and one batch of it.
mod batch;
mod kind;

use async_trait::async_trait;
use keepgate_kernel::{TenantId, Uuid};
use keepgate_store::StoreError;

pub use self::{
    batch::{Replacement, ResealError, ResealValues},
    kind::SealedKind,
};

/// What a walk is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkPhase {
    /// Counting what is under which version.
    Count,
    /// Sealing anew what is not under the newest.
    Seal,
}

/// A walk through one kind of values, along their primary key, and the lease on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// Which values.
    pub kind: SealedKind,
    /// The key that everything is to be under.
    pub version: i32,
    /// What it is at.
    pub phase: WalkPhase,
    /// The last row that was looked at; `None` at the beginning.
    pub after: Option<String>,
    /// The fence: a later holder has a greater one.
    pub token: i64,
}

/// A row that a walk comes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// What the row is called, and where the walk goes on.
    pub name: String,
    /// Whose key it is, for keys of persons.
    pub owner: Option<Uuid>,
    /// Which version of the tenant's key it is under; 0 for none.
    pub version: i32,
    /// What wrapped it, for keys of persons.
    pub kek: Option<String>,
    /// The sealed value, where it is to be sealed anew.
    pub value: Option<Vec<u8>>,
}

/// How far a walk that seals has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// The last row that was looked at; `None` at the end.
    pub after: Option<String>,
    /// The version that values were moved from.
    pub from: i32,
    /// How many were.
    pub moved: u32,
    /// How many could not be opened.
    pub shut: u32,
}

/// Sealed values, whatever table they are in. Only Keepgate's own worker reaches them; anybody else is [`StoreError::Forbidden`], or finds none.
/// The memory store, whose keys end with it, seals nothing anew.
#[async_trait]
pub trait Reseals: Send {
    /// Tenants with something to count or to seal anew; for the platform's own worker.
    async fn tenants_to_reseal(&mut self, limit: u16) -> Result<Vec<TenantId>, StoreError>;

    /// How many values of all tenants are under older keys, and how many of them can't be opened; for the platform's own worker.
    async fn sealed_left(&mut self) -> Result<(u64, u64), StoreError>;

    /// Takes a walk that is due and nobody holds for so many seconds. A newer key begins all walks anew.
    async fn claim_reseal(&mut self, seconds: u16) -> Result<Option<Walk>, StoreError>;

    /// Counts `limit` rows on. `Some(true)` when there are more, `None` when the walk is another's now. `settle`: after so many seconds from the
    /// making of a key nobody seals under the former one any more.
    async fn count_sealed(
        &mut self,
        walk: &Walk,
        limit: u16,
        seconds: u16,
        settle: u16,
    ) -> Result<Option<bool>, StoreError>;

    /// The next rows after `after`, at most `limit` and about four megabytes; none at the end.
    async fn sealed_next(
        &mut self,
        kind: SealedKind,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Vec<SealedRow>, StoreError>;

    /// Puts a value sealed anew under `version` in the place of the former one. `false` when that is not there any more, or its key is marked for
    /// destruction with all it sealed. `Forbidden` when the new one is not newer, or of another size than the same content has.
    async fn reseal(&mut self, kind: SealedKind, value: &Replacement, version: i32) -> Result<bool, StoreError>;

    /// Notes how far the walk has come. `false` when it is another's now.
    async fn sealed_walked(&mut self, walk: &Walk, walked: &Walked, seconds: u16) -> Result<bool, StoreError>;
}
