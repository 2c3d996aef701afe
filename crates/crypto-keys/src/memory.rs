//! Data keys in memory.
mod reseals;

use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{ApprovalId, Level, PrincipalId, TenantId, Timestamp, Uuid};
use keepgate_policy::{Approval, Consent, Grant, Matter, Standing, TwoPersonAction};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use crate::{DataKeys, EndProof, EndedKey, KeyState, KeyStates, StoredKey, random_secret};

type Table = RedBlackTreeMapSync<(TenantId, i32), Row>;
/// The sibling's rows, by the types that name them.
type ApprovalRows = RedBlackTreeMapSync<(TenantId, ApprovalId), Approval>;
type GrantRows = RedBlackTreeMapSync<(TenantId, Uuid), Grant>;

/// A key, and when it was made and destroyed. The wrapped key of one that is destroyed is empty.
#[derive(Debug, Clone)]
struct Row {
    key: StoredKey,
    made: Timestamp,
    gone: Option<Timestamp>,
    proof: EndProof,
}

#[derive(Clone, Default)]
struct Keys(Table);

impl Keys {
    fn of(&self, tenant: TenantId) -> impl Iterator<Item = &Row> {
        self.0
            .range((tenant, i32::MIN)..=(tenant, i32::MAX))
            .map(|(_, row)| row)
    }
}

/// The rows of the worker's tenant.
fn rows(tx: &MemTx) -> Vec<Row> {
    let (Some(tenant), Some(keys)) = (worker(tx), tx.read::<Keys>()) else {
        return Vec::new();
    };
    keys.of(tenant).cloned().collect()
}

fn worker(tx: &MemTx) -> Option<TenantId> {
    (tx.context().principal().standing == Standing::System).then(|| tx.context().tenant())
}

#[async_trait]
impl DataKeys for MemTx {
    async fn data_keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let live = rows(self).into_iter().filter(|row| row.gone.is_none());
        Ok(live.rev().map(|row| row.key).collect())
    }

    async fn add_data_key(&mut self, key: &StoredKey) -> Result<bool, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        add(self, tenant, key)
    }

    async fn newest_data_key(&mut self) -> Result<i32, StoreError> {
        Ok(rows(self).last().map_or(0, |row| row.key.version))
    }

    async fn due_data_keys(&mut self) -> Result<Vec<i32>, StoreError> {
        let now = self.context().at();
        let due = rows(self)
            .into_iter()
            .filter(|row| row.gone.is_none() && is_due(row, now));
        Ok(due.map(|row| row.key.version).collect())
    }

    async fn ended_data_keys(&mut self) -> Result<Vec<EndedKey>, StoreError> {
        let ended = rows(self).into_iter().filter_map(|row| {
            Some(EndedKey {
                version: row.key.version,
                at: row.gone?,
                proof: row.proof,
            })
        });
        Ok(ended.collect())
    }

    async fn proves_end(&mut self, version: i32, proof: &EndProof) -> Result<Option<bool>, StoreError> {
        let live = |row: &Row| row.key.version == version && row.gone.is_none();
        let found = rows(self).into_iter().find(live);
        Ok(found.map(|row| row.proof == *proof))
    }

    async fn end_data_key(&mut self, version: i32, proof: Option<&EndProof>) -> Result<bool, StoreError> {
        let (tenant, now) = (worker(self).ok_or(StoreError::Forbidden)?, self.context().at());
        let found = rows(self)
            .into_iter()
            .find(|row| row.key.version == version && row.gone.is_none());
        let Some(mut row) = found else { return Ok(false) };
        let proven = proof.map(|proof| *proof == row.proof);
        if proven == Some(false) {
            return Err(StoreError::Forbidden);
        }
        if proven.is_none() && !is_due(&row, now) {
            return Ok(false);
        }
        row.gone = Some(now);
        row.key.wrapped.bytes.clear();
        row.key.recovery = None;
        row.key.destroy_after.get_or_insert(now);
        self.write::<Keys>().0.insert_mut((tenant, version), row);
        Ok(true)
    }

    async fn tenants_with_key_ends(&mut self) -> Result<Vec<TenantId>, StoreError> {
        let now = self.context().at();
        let (Some(_), Some(keys)) = (worker(self), self.read::<Keys>()) else {
            return Ok(Vec::new());
        };
        let ends = keys.0.iter().filter(|(_, row)| row.gone.is_some() || is_due(row, now));
        let mut tenants: Vec<_> = ends.map(|((tenant, _), _)| *tenant).collect();
        tenants.dedup();
        Ok(tenants)
    }
}

fn is_due(row: &Row, now: Timestamp) -> bool {
    row.key.destroy_after.is_some_and(|after| after <= now)
}

/// Stores a version that does not exist yet.
fn add(tx: &mut MemTx, tenant: TenantId, key: &StoredKey) -> Result<bool, StoreError> {
    let at = (tenant, key.version);
    if tx.read::<Keys>().is_some_and(|Keys(table)| table.contains_key(&at)) {
        return Ok(false);
    }
    let proof = random_secret().map_err(|error| StoreError::Unavailable(Box::new(error)))?;
    let row = Row {
        key: key.clone(),
        made: tx.context().at(),
        gone: None,
        proof: EndProof(*proof),
    };
    tx.write::<Keys>().0.insert_mut(at, row);
    Ok(true)
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

/// The tenant of an owner who has logged in a moment ago.
fn owner(tx: &MemTx) -> Result<TenantId, StoreError> {
    let (tenant, who, own) = caller(tx).ok_or(StoreError::Forbidden)?;
    let stands = own == Level::TenantOwner && level(tx, tenant, who) == Some(own);
    (stands && tx.context().is_fresh())
        .then_some(tenant)
        .ok_or(StoreError::Forbidden)
}

#[async_trait]
impl KeyStates for MemTx {
    async fn key_states(&mut self) -> Result<Vec<KeyState>, StoreError> {
        let sees = caller(self).filter(|(_, _, own)| matches!(own, Level::TenantAdmin | Level::TenantOwner));
        let (Some((tenant, _, _)), Some(keys)) = (sees, self.read::<Keys>()) else {
            return Ok(Vec::new());
        };
        let live = |row: &&Row| row.gone.is_none() && row.key.destroy_after.is_none();
        let newest = keys.of(tenant).filter(live).map(|row| row.key.version).last();
        let state = |row: &Row| KeyState {
            version: row.key.version,
            created_at: row.made,
            destroy_after: row.key.destroy_after,
            destroyed_at: row.gone,
            seals: Some(row.key.version) == newest,
            remaining: None,
            unreadable: 0,
            clean: false,
        };
        Ok(keys.of(tenant).map(state).collect())
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
        let row = self
            .read::<Keys>()
            .and_then(|Keys(table)| table.get(&(tenant, version)));
        let Some(mut row) = row.filter(|row| row.key.destroy_after.is_none()).cloned() else {
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
        row.key.destroy_after = Some(at + TimeDelta::days(7));
        self.write::<ApprovalRows>().insert_mut((tenant, approval.id), approval);
        self.write::<Keys>().0.insert_mut((tenant, version), row);
        Ok(true)
    }

    async fn rotate_data_key(&mut self, next: &StoredKey) -> Result<bool, StoreError> {
        let tenant = owner(self)?;
        let newest = self.read::<Keys>().and_then(|keys| keys.of(tenant).last());
        if next.version != newest.map_or(0, |row| row.key.version) + 1 {
            return Ok(false);
        }
        add(self, tenant, next)
    }

    async fn keep_data_key(&mut self, version: i32) -> Result<bool, StoreError> {
        let (tenant, now) = (owner(self)?, self.context().at());
        let row = self
            .read::<Keys>()
            .and_then(|Keys(table)| table.get(&(tenant, version)));
        let marked = |row: &&Row| row.gone.is_none() && row.key.destroy_after.is_some_and(|after| after > now);
        let Some(mut row) = row.filter(marked).cloned() else {
            return Ok(false);
        };
        row.key.destroy_after = None;
        self.write::<Keys>().0.insert_mut((tenant, version), row);
        Ok(true)
    }
}
