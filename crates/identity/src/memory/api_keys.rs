//! API keys in memory.
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{KeyId, PrincipalKind, TenantId};
use keepgate_policy::{ReachProof, Scopes};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{
    caller::{Caller, active, grant, key_level, level, principal},
    homes::is_platform_worker,
    revocations::record_for_a_token_s_life,
    rows::{KeyRow, KeyRows},
};
use crate::{
    ApiKeyRecord, ApiKeys, Handle, KeyOnFile, KeyUse, LONGEST_LIFE, NewApiKey, OldSecret, Phc, Retiring, Revoked,
};

fn seen(tx: &MemTx) -> Option<TenantId> {
    let caller = Caller::of(tx);
    caller.within(4, 5).or_else(|| caller.within(0, 0))
}

fn live(tx: &MemTx, tenant: TenantId, row: &KeyRow) -> ApiKeyRecord {
    let level = level(tx, tenant, row.record.service.uuid()).map(|(level, _)| level);
    let at = tx.context().at();
    let retiring = row.old.as_ref().filter(|old| old.until > at).map(|old| Retiring {
        until: old.until,
        last_used_at: row.old_used_at,
    });
    let imported = row.imported.as_ref();
    ApiKeyRecord {
        level,
        retiring,
        imported: imported
            .filter(|imported| imported.until.is_none_or(|until| until > at))
            .map(|imported| imported.lookup.clone()),
        ..row.record.clone()
    }
}

/// Live keys of the caller's tenant that it may end.
fn ends(tx: &MemTx, pick: impl Fn(&KeyRow) -> bool) -> Vec<(TenantId, KeyId)> {
    let Some((rows, home)) = tx.read::<KeyRows>().zip(Caller::of(tx).within(4, 5)) else {
        return Vec::new();
    };
    let picked = rows
        .iter()
        .filter(|((tenant, _), row)| *tenant == home && row.record.revoked_at.is_none() && pick(row));
    picked.map(|(key, _)| *key).collect()
}

fn revoke(tx: &mut MemTx, keys: &[(TenantId, KeyId)]) {
    let at = tx.context().at();
    for key in keys {
        if let Some(row) = tx.write::<KeyRows>().get_mut(key) {
            row.record.revoked_at = Some(at);
        }
        record_for_a_token_s_life(tx, Revoked::Key(key.1));
    }
}

fn note(row: &mut KeyRow, used: &KeyUse) {
    if used.old {
        row.old_used_at = row.old_used_at.max(Some(used.at));
    }
    if row.record.last_used_at.is_none_or(|last| last <= used.at) {
        row.record.last_used_at = Some(used.at);
        row.record.last_used_from = used.source;
    }
}

#[async_trait]
impl ApiKeys for MemTx {
    async fn add_api_key(&mut self, proof: &ReachProof, new: &NewApiKey) -> Result<bool, StoreError> {
        let caller = Caller::of(self);
        let target = (proof.target().principal, proof.target().tenant);
        if proof.by().uuid() != caller.subject || target != (new.service, caller.tenant) {
            return Err(StoreError::Forbidden);
        }
        let tenant = caller.within(4, 5).ok_or(StoreError::Forbidden)?;
        let below = level(self, tenant, new.service.uuid()).is_some_and(|(held, _)| Some(held.number()) < caller.level);
        let service = below
            && active(self, tenant, new.service.uuid()).is_some_and(|row| row.id.kind() == PrincipalKind::Service);
        let owner = principal(self, tenant, caller.subject)
            .map(|row| row.id)
            .filter(|_| service)
            .ok_or(StoreError::Forbidden)?;
        Caller::demand_fresh(self)?;
        let longest = caller.at + TimeDelta::from_std(LONGEST_LIFE).map_err(|_| StoreError::Forbidden)?;
        if caller.level < Some(5) && new.expires_at.is_none_or(|end| end > longest) {
            return Err(StoreError::Forbidden);
        }
        let record = ApiKeyRecord {
            id: new.id,
            name: new.name.clone(),
            service: new.service,
            owner,
            level: None,
            scopes: new.scopes.clone(),
            allowed_cidrs: new.allowed_cidrs.clone(),
            created_at: caller.at,
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
            last_used_from: None,
            retiring: None,
            imported: None,
        };
        let (rows, handle) = (self.write::<KeyRows>(), Handle::of(new.id));
        if rows
            .iter()
            .any(|((_, id), row)| *id == new.id || row.handle == Some(handle))
        {
            return Ok(false);
        }
        rows.insert_mut(
            (tenant, new.id),
            KeyRow {
                record,
                phc: new.phc.clone(),
                old: None,
                old_used_at: None,
                rotated_at: None,
                handle: Some(handle),
                imported: None,
            },
        );
        Ok(true)
    }

    async fn api_key(&mut self, id: KeyId) -> Result<Option<ApiKeyRecord>, StoreError> {
        let Some((tenant, rows)) = seen(self).zip(self.read::<KeyRows>()) else {
            return Ok(None);
        };
        Ok(rows.get(&(tenant, id)).map(|row| live(self, tenant, row)))
    }

    async fn api_keys(&mut self, after: Option<KeyId>, limit: u32) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let Some((home, rows)) = seen(self).zip(self.read::<KeyRows>()) else {
            return Ok(Vec::new());
        };
        let page = rows
            .iter()
            .filter(|((tenant, id), _)| *tenant == home && after.is_none_or(|after| *id > after));
        Ok(page
            .take(limit as usize)
            .map(|(_, row)| live(self, home, row))
            .collect())
    }

    async fn revoke_api_key(&mut self, id: KeyId) -> Result<bool, StoreError> {
        let keys = ends(self, |row| row.record.id == id);
        revoke(self, &keys);
        Ok(!keys.is_empty())
    }

    async fn revoke_api_keys_of(&mut self, proof: &ReachProof) -> Result<u64, StoreError> {
        let (caller, target) = (Caller::of(self), proof.target());
        if proof.by().uuid() != caller.subject || target.tenant != caller.tenant {
            return Ok(0);
        }
        let keys = ends(self, |row| row.record.owner == target.principal);
        revoke(self, &keys);
        Ok(keys.len() as u64)
    }

    async fn revoke_api_keys_for(&mut self, proof: &ReachProof) -> Result<u64, StoreError> {
        let (caller, target) = (Caller::of(self), proof.target());
        if proof.by().uuid() != caller.subject || target.tenant != caller.tenant {
            return Ok(0);
        }
        let keys = ends(self, |row| row.record.service == target.principal);
        revoke(self, &keys);
        Ok(keys.len() as u64)
    }

    async fn rotate_api_key(
        &mut self,
        proof: &ReachProof,
        id: KeyId,
        phc: &Phc,
        overlap: Duration,
    ) -> Result<bool, StoreError> {
        let caller = Caller::of(self);
        let at = caller.at;
        let lives = |row: &KeyRow| row.record.id == id && row.record.expires_at.is_none_or(|end| end > at);
        let Some((tenant, key)) = ends(self, lives).first().copied() else {
            return Ok(false);
        };
        let service = self
            .read::<KeyRows>()
            .and_then(|rows| rows.get(&(tenant, key)))
            .map(|row| row.record.service);
        let below = service
            .and_then(|id| grant(self, tenant, id.uuid()))
            .is_some_and(|held| Some(held.level.number()) < caller.level);
        if !below || proof.by().uuid() != caller.subject || Some(proof.target().principal) != service {
            return Err(StoreError::Forbidden);
        }
        Caller::demand_fresh(self)?;
        let until = caller.at + TimeDelta::from_std(overlap).map_err(|_| StoreError::Forbidden)?;
        let Some(row) = self.write::<KeyRows>().get_mut(&(tenant, key)) else {
            return Ok(false);
        };
        let until = row.record.expires_at.map_or(until, |end| until.min(end));
        if let Some(end) = row.record.expires_at {
            let life = end - row.rotated_at.unwrap_or(row.record.created_at);
            row.record.expires_at = Some(caller.at + life);
        }
        let before = std::mem::replace(&mut row.phc, phc.clone());
        row.old = (!overlap.is_zero()).then_some(OldSecret { phc: before, until });
        row.old_used_at = None;
        row.rotated_at = Some(caller.at);
        row.handle = Some(Handle::of(id));
        if let Some(imported) = &mut row.imported {
            imported.until = Some(imported.until.map_or(until, |before| before.min(until)));
        }
        record_for_a_token_s_life(self, Revoked::Key(key));
        Ok(true)
    }

    async fn key_on_file(&mut self, id: KeyId) -> Result<Option<KeyOnFile>, StoreError> {
        let tenant = Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        let Some(row) = self.read::<KeyRows>().and_then(|rows| rows.get(&(tenant, id))) else {
            return Ok(None);
        };
        let worth = key_level(self, tenant, row);
        Ok(Some(KeyOnFile {
            tenant,
            service: row.record.service,
            owner: row.record.owner,
            hat: None,
            level: worth.map(|(level, _)| level),
            unit: worth.and_then(|(_, unit)| unit),
            scopes: row.record.scopes.clone().map_or(Scopes::All, Scopes::Only),
            allowed_cidrs: row.record.allowed_cidrs.clone(),
            phc: row.phc.clone(),
            old: row.old.clone(),
            expires_at: row.record.expires_at,
            revoked: row.record.revoked_at.is_some(),
        }))
    }

    async fn revoke_leaked_key(&mut self, id: KeyId) -> Result<bool, StoreError> {
        let tenant = Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        let live = |rows: &KeyRows| {
            rows.get(&(tenant, id))
                .is_some_and(|row| row.record.revoked_at.is_none())
        };
        if !self.read::<KeyRows>().is_some_and(live) {
            return Ok(false);
        }
        revoke(self, &[(tenant, id)]);
        Ok(true)
    }

    async fn touch_api_keys(&mut self, uses: &[KeyUse]) -> Result<(), StoreError> {
        if !is_platform_worker(self)? {
            return Ok(());
        }
        let rows = self.write_unaudited::<KeyRows>();
        for used in uses {
            let Some(home) = rows.keys().find(|(_, id)| *id == used.key).copied() else {
                continue;
            };
            if let Some(row) = rows.get_mut(&home) {
                note(row, used);
            }
        }
        Ok(())
    }
}
