//! Revocations in memory: what the triggers of PostgreSQL write, the adapters beside this one record here.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, SessionId, TenantId, Timestamp, Uuid};
use keepgate_policy::{Authorized, Plane, permissions::RevocationCreate};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use super::{
    caller::{Caller, active_tenant, grant, principal},
    rows::{KeyRow, KeyRows, PrincipalRows, SessionRow, SessionRows, SigningKeyRows, TenantRows},
};
use crate::{Batch, Killed, PrincipalStatus, Revocation, RevocationOrder, Revocations, Revoked, VERIFIES};

#[derive(Debug, Clone, Default)]
struct Log {
    head: u64,
    rows: RedBlackTreeMapSync<u64, Revocation>,
    orders: RedBlackTreeMapSync<(TenantId, Uuid), RevocationOrder>,
}

/// The newest number.
pub(super) fn head(tx: &MemTx) -> u64 {
    tx.read::<Log>().map_or(0, |log| log.head)
}

/// Takes the next number. Two transactions that do so at once conflict, so commits come in the order of numbers.
pub(super) fn record(tx: &mut MemTx, what: Revoked, expires_at: Timestamp) {
    let log = tx.write_unaudited::<Log>();
    log.head += 1;
    let seq = log.head;
    log.rows.insert_mut(seq, Revocation { seq, what, expires_at });
}

/// The same, for what can kill any token that lives now.
pub(super) fn record_for_a_token_s_life(tx: &mut MemTx, what: Revoked) {
    let end = tx.context().at() + VERIFIES;
    record(tx, what, end);
}

/// A principal's sessions are dead; what was remembered of its keys has to be read again.
pub(super) fn principal_ended(tx: &mut MemTx, tenant: TenantId, id: Uuid) {
    record_for_a_token_s_life(tx, Revoked::Principal(id));
    let keys: Vec<_> = tx.read::<KeyRows>().map_or_else(Vec::new, |rows| {
        let held = rows.iter().filter(|((home, _), row)| {
            *home == tenant && (row.record.owner.uuid() == id || row.record.service.uuid() == id)
        });
        held.map(|((_, key), _)| *key).collect()
    });
    for key in keys {
        record_for_a_token_s_life(tx, Revoked::Key(key));
    }
}

fn is_platform_worker(tx: &MemTx) -> bool {
    let home = Caller::of(tx).within(0, 0).and_then(|tenant| active_tenant(tx, tenant));
    home.is_some_and(|tenant| tenant.plane == Plane::Platform)
}

/// Ends the living sessions that `pick` picks, without a line for each.
pub(super) fn end_sessions(tx: &mut MemTx, pick: impl Fn(TenantId, &SessionRow) -> bool) -> Vec<SessionId> {
    let at = tx.context().at();
    let picked: Vec<_> = tx.read::<SessionRows>().map_or_else(Vec::new, |rows| {
        let living = rows.iter().filter(|(_, row)| !row.revoked && row.expires_at > at);
        living
            .filter(|((home, _), row)| pick(*home, row))
            .map(|(key, _)| *key)
            .collect()
    });
    for key in &picked {
        if let Some(row) = tx.write::<SessionRows>().get_mut(key) {
            row.revoked = true;
        }
    }
    picked.into_iter().map(|(_, id)| id).collect()
}

fn end_keys(tx: &mut MemTx, tenant: TenantId, pick: impl Fn(&KeyRow) -> bool) -> u64 {
    let at = tx.context().at();
    let picked: Vec<_> = tx.read::<KeyRows>().map_or_else(Vec::new, |rows| {
        let living = rows
            .iter()
            .filter(|((home, _), row)| *home == tenant && row.record.revoked_at.is_none());
        living.filter(|(_, row)| pick(row)).map(|(key, _)| *key).collect()
    });
    for key in &picked {
        if let Some(row) = tx.write::<KeyRows>().get_mut(key) {
            row.record.revoked_at = Some(at);
        }
    }
    picked.len() as u64
}

fn admin(tx: &MemTx) -> Result<(), StoreError> {
    Caller::of(tx).within(7, 7).map(drop).ok_or(StoreError::Forbidden)
}

#[async_trait]
impl Revocations for MemTx {
    async fn revocations_after(&mut self, seq: u64, limit: u32) -> Result<Batch, StoreError> {
        if !is_platform_worker(self) {
            return Err(StoreError::Forbidden);
        }
        let log = self.read::<Log>().cloned().unwrap_or_default();
        let new = log
            .rows
            .range((std::ops::Bound::Excluded(seq), std::ops::Bound::Unbounded));
        let revocations = new.take(limit as usize).map(|(_, row)| row.clone()).collect();
        Ok(Batch {
            revocations,
            head: log.head,
        })
    }

    async fn sweep_revocations(&mut self) -> Result<u64, StoreError> {
        if !is_platform_worker(self) {
            return Err(StoreError::Forbidden);
        }
        let at = self.context().at();
        let log = self.write_unaudited::<Log>();
        let ended: Vec<u64> = log
            .rows
            .iter()
            .filter(|(_, row)| row.expires_at < at)
            .map(|(seq, _)| *seq)
            .collect();
        for seq in &ended {
            log.rows.remove_mut(seq);
        }
        Ok(ended.len() as u64)
    }

    async fn revoke_principal(
        &mut self,
        _proof: &Authorized<RevocationCreate>,
        id: PrincipalId,
    ) -> Result<Option<Killed>, StoreError> {
        let caller = Caller::of(self);
        let tenant = caller.within(4, 7).ok_or(StoreError::Forbidden)?;
        let held = grant(self, tenant, id.uuid()).map(|held| held.level.number());
        let below = id.uuid() == caller.subject || held < caller.level;
        let Some(row) = principal(self, tenant, id.uuid())
            .filter(|row| below && row.id == id && row.status != PrincipalStatus::Deleted)
            .cloned()
        else {
            return Ok(None);
        };
        let at = caller.at;
        let sessions = self.read::<SessionRows>().map_or(0, |rows| {
            let living = |row: &SessionRow| !row.revoked && row.expires_at > at && row.principal == id;
            rows.iter()
                .filter(|((home, _), session)| *home == tenant && living(session))
                .count()
        });
        let epoch = row.epoch + 1;
        let row = super::PrincipalRow { epoch, ..row };
        self.write::<PrincipalRows>().insert_mut((tenant, id.uuid()), row);
        principal_ended(self, tenant, id.uuid());
        let keys = end_keys(self, tenant, |row| row.record.owner == id || row.record.service == id);
        Ok(Some(Killed {
            sessions: sessions as u64,
            keys,
        }))
    }

    async fn revoke_tenant(
        &mut self,
        _proof: &Authorized<RevocationCreate>,
        tenant: TenantId,
    ) -> Result<Option<Killed>, StoreError> {
        let caller = Caller::of(self);
        if caller.level != Some(7) && caller.within(5, 5) != Some(tenant) {
            return Err(StoreError::Forbidden);
        }
        if self.read::<TenantRows>().is_none_or(|rows| !rows.contains_key(&tenant)) {
            return Ok(None);
        }
        record_for_a_token_s_life(self, Revoked::Tenant(tenant));
        let sessions = end_sessions(self, |home, _| home == tenant).len() as u64;
        let keys = end_keys(self, tenant, |_| true);
        Ok(Some(Killed { sessions, keys }))
    }

    async fn revoke_all(&mut self, _proof: &Authorized<RevocationCreate>) -> Result<Killed, StoreError> {
        admin(self)?;
        record_for_a_token_s_life(self, Revoked::All);
        let sessions = end_sessions(self, |_, _| true).len() as u64;
        Ok(Killed { sessions, keys: 0 })
    }

    async fn revoke_kid(
        &mut self,
        _proof: &Authorized<RevocationCreate>,
        kid: &str,
    ) -> Result<Option<Killed>, StoreError> {
        admin(self)?;
        let at = self.context().at();
        let Some(key) = self
            .read::<SigningKeyRows>()
            .and_then(|rows| rows.get(kid))
            .filter(|key| key.revoked_at.is_none())
            .cloned()
        else {
            return Ok(None);
        };
        let opened = |row: &SessionRow| {
            key.activated_at.is_some_and(|since| row.created_at >= since)
                && key
                    .retired_at
                    .is_none_or(|end| row.created_at <= end + chrono::TimeDelta::minutes(5))
        };
        let ended = end_sessions(self, |_, row| opened(row));
        for id in &ended {
            record_for_a_token_s_life(self, Revoked::Session(*id));
        }
        record_for_a_token_s_life(self, Revoked::Kid(kid.to_owned()));
        let key = crate::SigningKey {
            revoked_at: Some(at),
            seed: None,
            ..key
        };
        self.write::<SigningKeyRows>().insert_mut(kid.to_owned(), key);
        Ok(Some(Killed {
            sessions: ended.len() as u64,
            keys: 0,
        }))
    }

    async fn keep_order(&mut self, order: &RevocationOrder) -> Result<(), StoreError> {
        let tenant = Caller::of(self).within(5, 7).ok_or(StoreError::Forbidden)?;
        let request = self.context().request().uuid();
        self.write::<Log>().orders.insert_mut((tenant, request), order.clone());
        Ok(())
    }
}
