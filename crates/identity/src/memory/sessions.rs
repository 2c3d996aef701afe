//! Sessions in memory.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, SessionId, TenantId};
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::{Caller, active, grant, level},
    revocations,
    rows::{SessionRow, SessionRows},
};
use crate::{LoggedIn, NewSession, Revoked, SESSION_LIFE, SessionRecord, Sessions};

/// The policy: one's own, and from level 4 up those of lower levels; workers end all.
fn may_end(caller: &Caller, row: &SessionRow) -> bool {
    let own = row.principal.uuid() == caller.subject;
    caller.is_worker()
        || caller.is_at_least(1) && (own || (caller.is_at_least(4) && Some(row.level.number()) < caller.level))
}

fn ends(tx: &MemTx, pick: impl Fn(SessionId, &SessionRow) -> bool) -> (TenantId, Vec<SessionId>) {
    let caller = Caller::of(tx);
    let Some(rows) = tx.read::<SessionRows>() else {
        return (caller.tenant, Vec::new());
    };
    let mine = rows.iter().filter(|((tenant, _), _)| *tenant == caller.tenant);
    let picked = mine.filter(|((_, id), row)| !row.revoked && may_end(&caller, row) && pick(*id, row));
    (caller.tenant, picked.map(|((_, id), _)| *id).collect())
}

fn revoke(tx: &mut MemTx, tenant: TenantId, ids: &[SessionId]) {
    for id in ids {
        let ended = tx.write::<SessionRows>().get_mut(&(tenant, *id)).map(|row| {
            row.revoked = true;
            row.expires_at
        });
        if let Some(end) = ended {
            revocations::record(tx, Revoked::Session(*id), end);
        }
    }
}

const fn record(id: SessionId, row: &SessionRow) -> SessionRecord {
    SessionRecord {
        id,
        principal: row.principal,
        level: row.level,
        created_at: row.created_at,
        expires_at: row.expires_at,
    }
}

#[async_trait]
impl Sessions for MemTx {
    async fn open_session(&mut self, new: &NewSession) -> Result<LoggedIn, StoreError> {
        let caller = Caller::of(self);
        let tenant = caller.within(0, 0).ok_or(StoreError::Forbidden)?;
        let epoch = active(self, tenant, new.principal.uuid())
            .ok_or(StoreError::Forbidden)?
            .epoch;
        let (level, unit) = level(self, tenant, new.principal.uuid()).ok_or(StoreError::Forbidden)?;
        if self
            .read::<SessionRows>()
            .is_some_and(|rows| rows.contains_key(&(tenant, new.id)))
        {
            return Err(StoreError::Forbidden);
        }
        let expires_at = new.expires_at.min(caller.at + SESSION_LIFE);
        let row = SessionRow {
            principal: new.principal,
            level,
            epoch,
            created_at: caller.at,
            expires_at,
            revoked: false,
        };
        self.write::<SessionRows>().insert_mut((tenant, new.id), row);
        Ok(LoggedIn {
            session: new.id,
            principal: new.principal,
            tenant,
            level,
            unit,
            hat: grant(self, tenant, new.principal.uuid()).and_then(|held| held.hat),
            factors: new.factors,
            expires_at,
            rev: revocations::head(self),
        })
    }

    async fn session(&mut self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let caller = Caller::of(self);
        let row = self
            .read::<SessionRows>()
            .and_then(|rows| rows.get(&(caller.tenant, id)))
            .filter(|row| !row.revoked && may_end(&caller, row));
        Ok(row.map(|row| record(id, row)))
    }

    async fn sessions_of(
        &mut self,
        principal: PrincipalId,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let caller = Caller::of(self);
        let Some(rows) = self.read::<SessionRows>() else {
            return Ok(Vec::new());
        };
        let sees = |row: &SessionRow| may_end(&caller, row);
        let live = rows.iter().filter(|((tenant, id), row)| {
            let epoch = active(self, *tenant, principal.uuid()).map(|row| row.epoch);
            *tenant == caller.tenant
                && row.principal == principal
                && after.is_none_or(|after| *id > after)
                && !row.revoked
                && row.expires_at > caller.at
                && Some(row.epoch) == epoch
                && sees(row)
        });
        Ok(live
            .take(limit as usize)
            .map(|((_, id), row)| record(*id, row))
            .collect())
    }

    async fn revoke_session(&mut self, id: SessionId) -> Result<bool, StoreError> {
        let (tenant, ids) = ends(self, |candidate, _| candidate == id);
        revoke(self, tenant, &ids);
        Ok(!ids.is_empty())
    }

    async fn revoke_other_sessions(&mut self, kept: SessionId) -> Result<u64, StoreError> {
        let subject = Caller::of(self).subject;
        let (tenant, ids) = ends(self, |id, row| row.principal.uuid() == subject && id != kept);
        revoke(self, tenant, &ids);
        Ok(ids.len() as u64)
    }

    async fn revoke_sessions_of(&mut self, principal: PrincipalId) -> Result<u64, StoreError> {
        let (tenant, ids) = ends(self, |_, row| row.principal == principal);
        revoke(self, tenant, &ids);
        Ok(ids.len() as u64)
    }

    async fn revoke_sessions_of_all(&mut self, principals: &[PrincipalId]) -> Result<u64, StoreError> {
        let (tenant, ids) = ends(self, |_, row| principals.contains(&row.principal));
        revoke(self, tenant, &ids);
        Ok(ids.len() as u64)
    }
}
