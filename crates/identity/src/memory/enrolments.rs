//! Enrolment codes in memory.
use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{ApprovalId, EnrolmentId, Level, PrincipalId, TenantId};
use keepgate_store::{MemTx, StoreError};

use super::{
    approved,
    caller::{Caller, active, grant},
    rows::{EnrolmentRow, EnrolmentRows, SessionRows},
    second_factors::clear,
};
use crate::{CodeHash, Enrolments, NewEnrolment};

/// The trigger's rule: below the caller, and in another tenant only an owner the caller has appointed.
fn may(tx: &MemTx, caller: &Caller, new: &NewEnrolment) -> bool {
    let Some(held) = grant(tx, new.tenant, new.principal.uuid()).filter(|held| !held.revoked) else {
        return false;
    };
    let below =
        caller.is_at_least(4) && Some(held.level.number()) < caller.level && new.principal.uuid() != caller.subject;
    let appointed = caller.is_at_least(7) && held.level == Level::TenantOwner && held.by == Some(caller.subject);
    below && (new.tenant == caller.tenant || appointed)
}

type Code = (TenantId, EnrolmentId, PrincipalId);

fn usable(tx: &MemTx, hash: &CodeHash) -> Result<Option<Code>, StoreError> {
    let caller = Caller::of(tx);
    let tenant = caller.within(0, 0).ok_or(StoreError::Forbidden)?;
    let good = |((home, id), row): (&(TenantId, EnrolmentId), &EnrolmentRow)| {
        let found = *home == tenant && row.hash == *hash && row.used_at.is_none() && row.expires_at > caller.at;
        let lives = found && active(tx, tenant, row.principal.uuid()).is_some();
        lives.then_some((tenant, *id, row.principal))
    };
    Ok(tx.read::<EnrolmentRows>().and_then(|rows| rows.iter().find_map(good)))
}

/// The newest code counts, and no other.
fn put(tx: &mut MemTx, new: &NewEnrolment, approved: bool) {
    let at = Caller::of(tx).at;
    let rows = tx.write::<EnrolmentRows>();
    let earlier: Vec<_> = rows
        .iter()
        .filter(|((home, _), row)| *home == new.tenant && row.principal == new.principal)
        .map(|(key, _)| *key)
        .collect();
    for key in earlier {
        if let Some(row) = rows.get_mut(&key) {
            row.used_at = row.used_at.or(Some(at));
        }
    }
    let row = EnrolmentRow {
        principal: new.principal,
        hash: new.hash,
        expires_at: new.expires_at.min(at + TimeDelta::hours(24)),
        used_at: None,
        approved,
    };
    rows.insert_mut((new.tenant, new.id), row);
}

fn end_sessions(tx: &mut MemTx, tenant: TenantId, principal: PrincipalId) {
    let rows = tx.write::<SessionRows>();
    let open: Vec<_> = rows
        .iter()
        .filter(|((home, _), row)| *home == tenant && row.principal == principal)
        .map(|(key, _)| *key)
        .collect();
    for key in open {
        if let Some(row) = rows.get_mut(&key) {
            row.revoked = true;
        }
    }
}

#[async_trait]
impl Enrolments for MemTx {
    async fn add_enrolment(&mut self, new: &NewEnrolment) -> Result<(), StoreError> {
        let caller = Caller::of(self);
        if !may(self, &caller, new) {
            return Err(StoreError::Forbidden);
        }
        Caller::demand_fresh(self)?;
        put(self, new, false);
        Ok(())
    }

    async fn add_approved_enrolment(&mut self, new: &NewEnrolment, approval: ApprovalId) -> Result<(), StoreError> {
        Caller::demand_fresh(self)?;
        approved::cover(self, new, approval)?;
        put(self, new, true);
        Ok(())
    }

    async fn enrolment_holder(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError> {
        Ok(usable(self, hash)?.map(|(_, _, principal)| principal))
    }

    async fn use_enrolment(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError> {
        let at = Caller::of(self).at;
        let Some((tenant, id, principal)) = usable(self, hash)? else {
            return Ok(None);
        };
        let mut approved = false;
        if let Some(row) = self.write::<EnrolmentRows>().get_mut(&(tenant, id)) {
            row.used_at = Some(at);
            approved = row.approved;
        }
        if approved {
            end_sessions(self, tenant, principal);
            clear(self, tenant, principal);
        }
        Ok(Some(principal))
    }
}
