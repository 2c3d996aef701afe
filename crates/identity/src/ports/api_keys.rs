//! API keys.
use std::time::Duration;

use async_trait::async_trait;
use keepgate_kernel::{KeyId, PrincipalId};
use keepgate_policy::ReachProof;
use keepgate_store::StoreError;

use crate::{ApiKeyRecord, KeyOnFile, NewApiKey, Phc};

/// API keys of the caller's tenant. Levels 4 and 5 manage them, workers verify them, nobody else sees any.
#[async_trait]
pub trait ApiKeys: Send {
    /// Puts a key on record, owned by the caller. Its service must exist, with a level; `Forbidden` for anything but a
    /// service, and below level 4.
    async fn add_api_key(&mut self, new: &NewApiKey) -> Result<(), StoreError>;

    /// The key, revoked ones too.
    async fn api_key(&mut self, id: KeyId) -> Result<Option<ApiKeyRecord>, StoreError>;

    /// At most `limit` keys after `after`, revoked ones too, in the order of their ids.
    async fn api_keys(&mut self, after: Option<KeyId>, limit: u32) -> Result<Vec<ApiKeyRecord>, StoreError>;

    /// Ends a key for good; the next begin with it is refused. `false` when there is no live one the caller may end.
    async fn revoke_api_key(&mut self, id: KeyId) -> Result<bool, StoreError>;

    /// Ends every key owned by `owner` that the caller may end, and counts them.
    async fn revoke_api_keys_of(&mut self, owner: PrincipalId) -> Result<u64, StoreError>;

    /// Replaces a live key's secret; the one before works for `overlap` more, the one before that no longer. `false` when there
    /// is no live one. `Forbidden` when the service's level is not below the caller's live one.
    async fn rotate_api_key(
        &mut self,
        proof: &ReachProof,
        id: KeyId,
        phc: &Phc,
        overlap: Duration,
    ) -> Result<bool, StoreError>;

    /// The key with its verifiers and the live state of service and owner. Workers only; `None` for everybody else.
    async fn key_on_file(&mut self, id: KeyId) -> Result<Option<KeyOnFile>, StoreError>;

    /// Remembers that the key was used now. Bookkeeping: needs no audit entry. Workers only.
    async fn touch_api_key(&mut self, id: KeyId) -> Result<(), StoreError>;
}
