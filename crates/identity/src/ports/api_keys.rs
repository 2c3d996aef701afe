//! API keys.
use std::time::Duration;

use async_trait::async_trait;
use keepgate_kernel::KeyId;
use keepgate_policy::ReachProof;
use keepgate_store::StoreError;

use crate::{ApiKeyRecord, KeyOnFile, KeyUse, NewApiKey, Phc};

/// How far away a key's end may be, for callers below level 5: a year and a day.
pub const LONGEST_LIFE: Duration = Duration::from_hours(366 * 24);

/// API keys of the caller's tenant. Levels 4 and 5 manage them, workers verify them, nobody else sees any.
///
/// Neither an id nor the right to list keys is enough to end or to add one:
/// ```compile_fail,E0308
/// async fn end<T: keepgate_identity::ApiKeys>(tx: &mut T, owner: keepgate_kernel::PrincipalId) {
///     let _ended = tx.revoke_api_keys_of(owner).await;
/// }
/// ```
/// ```compile_fail,E0308
/// async fn end<T: keepgate_identity::ApiKeys>(tx: &mut T, service: keepgate_kernel::PrincipalId) {
///     let _ended = tx.revoke_api_keys_for(service).await;
/// }
/// ```
/// ```compile_fail,E0308
/// use keepgate_policy::{Authorized, permissions::ApiKeyList};
/// async fn add<T: keepgate_identity::ApiKeys>(tx: &mut T, proof: &Authorized<ApiKeyList>, new: &keepgate_identity::NewApiKey) {
///     let _added = tx.add_api_key(proof, new).await;
/// }
/// ```
#[async_trait]
pub trait ApiKeys: Send {
    /// Puts a key on record for the proof's service, owned by the caller. Its service must be active, with a level below the caller's live one; `Forbidden` for anything but a
    /// service, below level 4, and below level 5 for a key without an end or with one more than [`LONGEST_LIFE`] away. `false`
    /// when its id or handle is taken.
    async fn add_api_key(&mut self, proof: &ReachProof, new: &NewApiKey) -> Result<bool, StoreError>;

    /// The key, revoked ones too.
    async fn api_key(&mut self, id: KeyId) -> Result<Option<ApiKeyRecord>, StoreError>;

    /// At most `limit` keys after `after`, revoked ones too, in the order of their ids.
    async fn api_keys(&mut self, after: Option<KeyId>, limit: u32) -> Result<Vec<ApiKeyRecord>, StoreError>;

    /// Ends a key for good; the next begin with it is refused. `false` when there is no live one the caller may end.
    async fn revoke_api_key(&mut self, id: KeyId) -> Result<bool, StoreError>;

    /// Ends every key that the proof's target owns, and counts them. None when the proof is not the caller's.
    async fn revoke_api_keys_of(&mut self, proof: &ReachProof) -> Result<u64, StoreError>;

    /// Ends every key that acts as the proof's service, and counts them. None when the proof is not the caller's.
    async fn revoke_api_keys_for(&mut self, proof: &ReachProof) -> Result<u64, StoreError>;

    /// Replaces a live key's secret; the one before, or an imported text, works for `overlap` more, the one before that no longer.
    /// A key with an end gets as long a life again as it had at first. `false` when there is no live one, or it has ended.
    /// `Forbidden` when the service's level is not below the caller's live one.
    async fn rotate_api_key(
        &mut self,
        proof: &ReachProof,
        id: KeyId,
        phc: &Phc,
        overlap: Duration,
    ) -> Result<bool, StoreError>;

    /// The key with its verifiers and the live state of service and owner. Workers only; `None` for everybody else.
    async fn key_on_file(&mut self, id: KeyId) -> Result<Option<KeyOnFile>, StoreError>;

    /// Ends a key whose text has become known, as who it belongs to would. The tenant's worker only; `false` when there is no
    /// live one.
    async fn revoke_leaked_key(&mut self, id: KeyId) -> Result<bool, StoreError>;

    /// Remembers uses, of keys of any tenant, in one statement; an earlier use never replaces a later one. Bookkeeping: needs no
    /// audit entry. The platform's worker only; everybody else's change nothing.
    async fn touch_api_keys(&mut self, uses: &[KeyUse]) -> Result<(), StoreError>;
}
