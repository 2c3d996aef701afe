//! Mail that is to be sent, in memory.
use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{MailId, PrincipalId, TenantId, Timestamp};
use keepgate_policy::ReachProof;
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::{Caller, active, active_tenant, level},
    rows::{MailRow, MailRows},
};
use crate::{DueMail, MailKind, MailNotice, Mails, NOTICE_LIFE, REQUEST_LIFE};

fn worker(tx: &MemTx) -> Result<(TenantId, Timestamp), StoreError> {
    let caller = Caller::of(tx);
    let tenant = caller.within(0, 0).ok_or(StoreError::Forbidden)?;
    Ok((tenant, caller.at))
}

fn queue(tx: &mut MemTx, tenant: TenantId, id: MailId, kind: MailKind, at: Timestamp) {
    let life = if matches!(kind, MailKind::Notice(..)) {
        NOTICE_LIFE
    } else {
        REQUEST_LIFE
    };
    let row = MailRow {
        kind,
        attempts: 0,
        next_at: at,
        expires_at: at + TimeDelta::from_std(life).unwrap_or_default(),
        created_at: at,
    };
    tx.write::<MailRows>().insert_mut((tenant, id), row);
}

#[async_trait]
impl Mails for MemTx {
    async fn notify(&mut self, principal: PrincipalId, notice: MailNotice) -> Result<(), StoreError> {
        let caller = Caller::of(self);
        let own = principal.uuid() == caller.subject && caller.is_at_least(1);
        if !own && !caller.is_at_least(4) && !caller.is_worker() {
            return Err(StoreError::Forbidden);
        }
        let kind = MailKind::Notice(principal, notice);
        queue(self, caller.tenant, MailId::new(caller.at), kind, caller.at);
        Ok(())
    }

    async fn ask_for_code(&mut self, proof: &ReachProof) -> Result<(), StoreError> {
        let (caller, target) = (Caller::of(self), proof.target());
        Caller::demand_fresh(self)?;
        let held = level(self, caller.tenant, target.principal.uuid()).map(|(level, _)| level.number());
        let below = caller.is_at_least(4) && held.is_some_and(|held| Some(held) < caller.level);
        if !below || target.tenant != caller.tenant {
            return Err(StoreError::Forbidden);
        }
        let kind = MailKind::Reset(target.principal);
        queue(self, caller.tenant, MailId::new(caller.at), kind, caller.at);
        Ok(())
    }

    async fn queue_code(&mut self, principal: PrincipalId) -> Result<(), StoreError> {
        let (tenant, at) = worker(self)?;
        queue(self, tenant, MailId::new(at), MailKind::Reset(principal), at);
        Ok(())
    }

    async fn queue_recovery(&mut self, id: MailId, sealed: &[u8]) -> Result<(), StoreError> {
        let (tenant, at) = worker(self)?;
        queue(self, tenant, id, MailKind::Recovery(sealed.to_vec()), at);
        Ok(())
    }

    async fn tenants_with_mail(&mut self, limit: u16) -> Result<Vec<TenantId>, StoreError> {
        let (_, at) = worker(self)?;
        let platform = super::homes::is_platform_worker(self)?;
        let Some(rows) = self.read::<MailRows>().filter(|_| platform) else {
            return Ok(Vec::new());
        };
        let due = rows.iter().filter(|(_, row)| row.next_at <= at);
        let mut tenants: Vec<TenantId> = due
            .map(|((tenant, _), _)| *tenant)
            .filter(|tenant| active_tenant(self, *tenant).is_some())
            .collect();
        tenants.dedup();
        tenants.truncate(usize::from(limit));
        Ok(tenants)
    }

    async fn lease_mail(&mut self, limit: u16, until: Timestamp) -> Result<Vec<DueMail>, StoreError> {
        let (tenant, at) = worker(self)?;
        let mine = |rows: &MailRows, pick: &dyn Fn(&MailRow) -> bool| -> Vec<MailId> {
            let found = rows.iter().filter(|((home, _), row)| *home == tenant && pick(row));
            found.map(|((_, id), _)| *id).collect()
        };
        let Some(rows) = self.read::<MailRows>() else {
            return Ok(Vec::new());
        };
        let gone = mine(rows, &|row| row.expires_at <= at);
        let due = mine(rows, &|row| row.expires_at > at && row.next_at <= at);
        for id in gone {
            self.write_unaudited::<MailRows>().remove_mut(&(tenant, id));
        }
        let mut leased = Vec::new();
        for id in due.into_iter().take(usize::from(limit)) {
            let Some(row) = self.write_unaudited::<MailRows>().get_mut(&(tenant, id)) else {
                continue;
            };
            row.attempts += 1;
            row.next_at = until;
            let row = row.clone();
            let to = match &row.kind {
                MailKind::Notice(to, _) | MailKind::Reset(to) => active(self, tenant, to.uuid()),
                MailKind::Recovery(_) => None,
            };
            leased.push(DueMail {
                id,
                to: to.and_then(|to| to.email.clone()),
                kind: row.kind,
                attempts: row.attempts,
                created_at: row.created_at,
            });
        }
        Ok(leased)
    }

    async fn postpone_mail(&mut self, id: MailId, at: Timestamp) -> Result<(), StoreError> {
        let (tenant, _) = worker(self)?;
        if let Some(row) = self.write_unaudited::<MailRows>().get_mut(&(tenant, id)) {
            row.next_at = at;
        }
        Ok(())
    }

    async fn drop_mail(&mut self, id: MailId) -> Result<(), StoreError> {
        let (tenant, _) = worker(self)?;
        self.write_unaudited::<MailRows>().remove_mut(&(tenant, id));
        Ok(())
    }
}
