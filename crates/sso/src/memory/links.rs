//! Wishes to link an account, in memory.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, TenantId};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use super::{GrantRows, within, worker};
use crate::{
    Linked, NewAccount, PendingLink,
    ports::{Accounts, Links},
};

/// Wishes by tenant and state, and whether the browser came back.
type LinkRows = RedBlackTreeMapSync<(TenantId, [u8; 32]), (PendingLink, bool)>;

fn level(tx: &MemTx, tenant: TenantId, principal: PrincipalId) -> Option<u8> {
    let grant = tx.read::<GrantRows>()?.get(&(tenant, principal.uuid()))?;
    (!grant.revoked).then(|| grant.level.number())
}

#[async_trait]
impl Links for MemTx {
    async fn open_link(&mut self, link: &PendingLink) -> Result<(), StoreError> {
        let tenant = within(self, 1, 4).ok_or(StoreError::Forbidden)?;
        let own = self.context().principal().id == link.principal && self.context().principal().hat.is_none();
        if !own || !self.context().is_fresh() {
            return Err(StoreError::Forbidden);
        }
        self.write::<LinkRows>()
            .insert_mut((tenant, link.login.state), (link.clone(), false));
        Ok(())
    }

    async fn use_link(&mut self, state: &[u8; 32], binding: &[u8; 32]) -> Result<Option<PendingLink>, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let at = self.context().at();
        let row = self.write_unaudited::<LinkRows>().get_mut(&(tenant, *state));
        let found = row.filter(|(link, used)| !used && link.login.binding == *binding && link.login.expires_at > at);
        Ok(found.map(|(link, used)| {
            *used = true;
            link.clone()
        }))
    }

    async fn link_account(&mut self, state: &[u8; 32], subject: &str, user_name: &str) -> Result<Linked, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let at = self.context().at();
        let rows = self.read::<LinkRows>();
        let found = rows.and_then(|rows| rows.get(&(tenant, *state))).cloned();
        let Some((link, _)) = found.filter(|(link, used)| *used && link.login.expires_at > at) else {
            return Ok(Linked::Gone);
        };
        self.write::<LinkRows>().remove_mut(&(tenant, *state));
        if level(self, tenant, link.principal).is_none_or(|level| level > 4) {
            return Ok(Linked::OutOfReach);
        }
        let account = NewAccount {
            principal: link.principal,
            issuer: link.login.issuer,
            subject: Some(subject.to_owned()),
            user_name: user_name.to_owned(),
            external_id: None,
            provisioned: false,
        };
        Ok(if self.add_account(&account).await? {
            Linked::Done
        } else {
            Linked::Taken
        })
    }
}
