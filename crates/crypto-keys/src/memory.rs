//! Data keys in memory.
use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{ApprovalId, Level, PrincipalId, TenantId, Timestamp, Uuid};
use keepgate_policy::{Approval, Consent, Grant, Matter, Standing, TwoPersonAction};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use crate::{DataKeys, KeyState, KeyStates, StoredKey};

type Table = RedBlackTreeMapSync<(TenantId, i32), (StoredKey, Timestamp)>;
/// The sibling's rows, by the types that name them.
type ApprovalRows = RedBlackTreeMapSync<(TenantId, ApprovalId), Approval>;
type GrantRows = RedBlackTreeMapSync<(TenantId, Uuid), Grant>;

#[derive(Clone, Default)]
struct Keys(Table);

fn worker(tx: &MemTx) -> Option<TenantId> {
    (tx.context().principal().standing == Standing::System).then(|| tx.context().tenant())
}

#[async_trait]
impl DataKeys for MemTx {
    async fn data_keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let Some(tenant) = worker(self) else {
            return Ok(Vec::new());
        };
        let Some(Keys(table)) = self.read::<Keys>() else {
            return Ok(Vec::new());
        };
        let mut keys: Vec<_> = table
            .range((tenant, i32::MIN)..=(tenant, i32::MAX))
            .map(|(_, (key, _))| key.clone())
            .collect();
        keys.reverse();
        Ok(keys)
    }

    async fn add_data_key(&mut self, key: &StoredKey) -> Result<bool, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let at = (tenant, key.version);
        if self.read::<Keys>().is_some_and(|Keys(table)| table.contains_key(&at)) {
            return Ok(false);
        }
        let now = self.context().at();
        self.write::<Keys>().0.insert_mut(at, (key.clone(), now));
        Ok(true)
    }
}

fn level(tx: &MemTx, tenant: TenantId, who: Uuid) -> Option<Level> {
    let held = tx.read::<GrantRows>()?.get(&(tenant, who))?;
    (!held.revoked && held.hat.is_none()).then_some(held.level)
}

/// The caller's live level and its tenant, for levels of the customer's own.
fn caller(tx: &MemTx) -> Option<(TenantId, Uuid, Level)> {
    let principal = tx.context().principal();
    let (tenant, id) = (principal.tenant, principal.id.uuid());
    let live = tx
        .read::<GrantRows>()
        .and_then(|rows| rows.get(&(tenant, id)))
        .filter(|held| !held.revoked)?;
    Some((tenant, id, live.level.min(principal.level()?)))
}

#[async_trait]
impl KeyStates for MemTx {
    async fn key_states(&mut self) -> Result<Vec<KeyState>, StoreError> {
        let sees = caller(self).filter(|(_, _, own)| matches!(own, Level::TenantAdmin | Level::TenantOwner));
        let (Some((tenant, _, _)), Some(Keys(table))) = (sees, self.read::<Keys>()) else {
            return Ok(Vec::new());
        };
        let state = |(key, made): &(StoredKey, Timestamp)| KeyState {
            version: key.version,
            created_at: *made,
            destroy_after: key.destroy_after,
        };
        Ok(table
            .range((tenant, i32::MIN)..=(tenant, i32::MAX))
            .map(|(_, row)| state(row))
            .collect())
    }

    async fn condemn_key(&mut self, consent: &Consent) -> Result<bool, StoreError> {
        let (tenant, who, own) = caller(self).ok_or(StoreError::Forbidden)?;
        let (at, fresh) = (self.context().at(), self.context().is_fresh());
        let Matter::DestroyKey { version } = *consent.matter() else {
            return Err(StoreError::Forbidden);
        };
        if own != Level::TenantOwner || level(self, tenant, who) != Some(own) || !fresh {
            return Err(StoreError::Forbidden);
        }
        let key = self
            .read::<Keys>()
            .and_then(|Keys(table)| table.get(&(tenant, version)));
        let Some((mut key, made)) = key.filter(|(key, _)| key.destroy_after.is_none()).cloned() else {
            return Ok(false);
        };
        let approvals = self.read::<ApprovalRows>().ok_or(StoreError::Forbidden)?;
        let approval = approvals
            .get(&(tenant, consent.approval()))
            .ok_or(StoreError::Forbidden)?;
        let mut approval = approval.clone();
        let action = TwoPersonAction::DestroyKey;
        let stands = |party: PrincipalId, fits: fn(TwoPersonAction, Level) -> bool| {
            level(self, tenant, party.uuid()).is_some_and(|level| fits(action, level))
        };
        let both = stands(approval.requested_by, TwoPersonAction::is_asked_by)
            && approval
                .approved
                .is_some_and(|(seconder, _)| stands(seconder, TwoPersonAction::is_seconded_by));
        if approval.matter != *consent.matter() || !approval.is_usable_by(who, at) || !both {
            return Err(StoreError::Forbidden);
        }
        approval.consumed_at = Some(at);
        key.destroy_after = Some(at + TimeDelta::days(7));
        self.write::<ApprovalRows>().insert_mut((tenant, approval.id), approval);
        self.write::<Keys>().0.insert_mut((tenant, version), (key, made));
        Ok(true)
    }
}
