//! Tokens of directories in memory.
use async_trait::async_trait;
use keepgate_kernel::{TenantId, Uuid};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use super::{ProviderRows, within, worker};
use crate::{
    ports::ScimTokens,
    scim::{Directory, NewScimToken},
};

/// Tokens by tenant and id, and whether each was revoked.
type TokenRows = RedBlackTreeMapSync<(TenantId, Uuid), (NewScimToken, bool)>;

fn live(tx: &MemTx, pick: impl Fn(&NewScimToken) -> bool) -> Option<&NewScimToken> {
    let (tenant, at) = (worker(tx)?, tx.context().at());
    let providers = tx.read::<ProviderRows>()?;
    let mut rows = tx.read::<TokenRows>()?.iter();
    rows.find(|((home, _), (token, revoked))| {
        *home == tenant
            && !revoked
            && token.expires_at.is_none_or(|end| end > at)
            && providers.contains_key(&(tenant, token.provider.clone()))
            && pick(token)
    })
    .map(|(_, (token, _))| token)
}

#[async_trait]
impl ScimTokens for MemTx {
    async fn add_scim_token(&mut self, new: &NewScimToken) -> Result<(), StoreError> {
        let tenant = within(self, 5, 5).ok_or(StoreError::Forbidden)?;
        self.write::<TokenRows>()
            .insert_mut((tenant, new.id), (new.clone(), false));
        Ok(())
    }

    async fn revoke_scim_token(&mut self, id: Uuid) -> Result<bool, StoreError> {
        let Some(tenant) = within(self, 4, 5) else {
            return Ok(false);
        };
        let row = self.write::<TokenRows>().get_mut(&(tenant, id));
        Ok(row.is_some_and(|(_, revoked)| !std::mem::replace(revoked, true)))
    }

    async fn directory(&mut self, hash: &[u8; 32]) -> Result<Option<Directory>, StoreError> {
        Ok(live(self, |token| token.hash == *hash).map(|token| Directory {
            token: token.id,
            provider: token.provider.clone(),
            actor: token.actor,
        }))
    }

    async fn is_scim_token_live(&mut self, id: Uuid) -> Result<bool, StoreError> {
        Ok(live(self, |token| token.id == id).is_some())
    }
}
