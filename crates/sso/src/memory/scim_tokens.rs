//! Tokens of directories in memory.
use async_trait::async_trait;
use keepgate_kernel::{TenantId, Timestamp, Uuid};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use super::{ProviderRows, within, worker};
use crate::{
    ports::ScimTokens,
    scim::{Directory, NewScimToken, ScimTokenRecord},
};

/// Tokens by tenant and id, when each was issued, and when revoked.
type TokenRows = RedBlackTreeMapSync<(TenantId, Uuid), (NewScimToken, Timestamp, Option<Timestamp>)>;

fn live(tx: &MemTx, pick: impl Fn(&NewScimToken) -> bool) -> Option<&NewScimToken> {
    let (tenant, at) = (worker(tx)?, tx.context().at());
    let providers = tx.read::<ProviderRows>()?;
    let mut rows = tx.read::<TokenRows>()?.iter();
    rows.find(|((home, _), (token, _, revoked))| {
        *home == tenant
            && revoked.is_none()
            && token.expires_at.is_none_or(|end| end > at)
            && providers.contains_key(&(tenant, token.provider.clone()))
            && pick(token)
    })
    .map(|(_, (token, ..))| token)
}

#[async_trait]
impl ScimTokens for MemTx {
    async fn add_scim_token(&mut self, new: &NewScimToken) -> Result<(), StoreError> {
        let tenant = within(self, 5, 5).ok_or(StoreError::Forbidden)?;
        let at = self.context().at();
        self.write::<TokenRows>()
            .insert_mut((tenant, new.id), (new.clone(), at, None));
        Ok(())
    }

    async fn revoke_scim_token(&mut self, id: Uuid) -> Result<bool, StoreError> {
        let Some(tenant) = within(self, 4, 5) else {
            return Ok(false);
        };
        let at = self.context().at();
        let row = self.write::<TokenRows>().get_mut(&(tenant, id));
        Ok(row
            .filter(|(_, _, revoked)| revoked.is_none())
            .map(|(_, _, revoked)| *revoked = Some(at))
            .is_some())
    }

    async fn scim_tokens(&mut self, after: Option<Uuid>, limit: u32) -> Result<Vec<ScimTokenRecord>, StoreError> {
        let reader = within(self, 4, 5).or_else(|| worker(self));
        let Some((tenant, rows)) = reader.zip(self.read::<TokenRows>()) else {
            return Ok(Vec::new());
        };
        let mine = rows
            .iter()
            .filter(|((home, id), _)| *home == tenant && after.is_none_or(|after| *id > after));
        let record = |((_, id), (token, created_at, revoked_at)): (
            &(TenantId, Uuid),
            &(NewScimToken, Timestamp, Option<Timestamp>),
        )| ScimTokenRecord {
            id: *id,
            provider: token.provider.clone(),
            actor: token.actor,
            name: token.name.clone(),
            created_at: *created_at,
            expires_at: token.expires_at,
            revoked_at: *revoked_at,
        };
        Ok(mine.take(limit as usize).map(record).collect())
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
