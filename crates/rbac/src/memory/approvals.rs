//! Approvals in memory, with the trigger's rules.
use async_trait::async_trait;
use keepgate_kernel::{ApprovalId, Level, PrincipalId, TenantId};
use keepgate_policy::{Approval, ApprovalState, AskProof, Matter, SecondProof, TwoPersonAction};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{
    ApprovalRows,
    caller::{Caller, grant},
};
use crate::Approvals;

/// The tenant whose approvals the caller sees.
fn home(caller: &Caller) -> Option<TenantId> {
    caller.within(4, 5).or_else(|| caller.within(7, 7))
}

fn found(tx: &MemTx, tenant: TenantId, id: ApprovalId) -> Option<Approval> {
    tx.read::<ApprovalRows>()?.get(&(tenant, id)).cloned()
}

/// Whether somebody holds a level that `fits` now, and wears no hat.
fn stands(tx: &MemTx, tenant: TenantId, who: PrincipalId, fits: impl Fn(Level) -> bool) -> bool {
    grant(tx, tenant, who.uuid()).is_some_and(|held| !held.revoked && held.hat.is_none() && fits(held.level))
}

/// Uses up `id`, if it is about what `is_meant` says, the caller is one of the two, and both stand.
pub(super) fn spend(tx: &mut MemTx, id: ApprovalId, is_meant: impl Fn(&Matter) -> bool) -> Result<(), StoreError> {
    let (caller, at) = (Caller::of(tx), tx.context().at());
    let mut approval = found(tx, caller.tenant, id).ok_or(StoreError::Forbidden)?;
    let (action, asker) = (approval.matter.action(), approval.requested_by);
    let (seconder, _) = approval.approved.ok_or(StoreError::Forbidden)?;
    let party = caller.subject == asker.uuid() || caller.subject == seconder.uuid();
    let asks = |level| action.is_asked_by(level);
    let caller_asks = caller
        .level
        .and_then(|number| Level::try_from(number).ok())
        .is_some_and(asks);
    let lawful = party
        && caller_asks
        && is_meant(&approval.matter)
        && approval.state(at) == ApprovalState::Approved
        && stands(tx, caller.tenant, asker, asks)
        && stands(tx, caller.tenant, seconder, |level| action.is_seconded_by(level));
    if !lawful {
        return Err(StoreError::Forbidden);
    }
    approval.consumed_at = Some(at);
    tx.write::<ApprovalRows>().insert_mut((caller.tenant, id), approval);
    Ok(())
}

#[async_trait]
impl Approvals for MemTx {
    async fn add_approval(&mut self, proof: &AskProof, id: ApprovalId, reason: &str) -> Result<(), StoreError> {
        let (caller, at) = (Caller::of(self), self.context().at());
        let action = proof.matter().action();
        let own = proof.tenant() == caller.tenant && proof.by().uuid() == caller.subject;
        let worth = caller.level.and_then(|number| Level::try_from(number).ok());
        let about_oneself = proof.matter().subject().map(PrincipalId::uuid) == Some(caller.subject);
        if !own
            || about_oneself
            || !worth.is_some_and(|level| action.is_asked_by(level))
            || !stands(self, caller.tenant, proof.by(), |level| action.is_asked_by(level))
        {
            return Err(StoreError::Forbidden);
        }
        Caller::demand_fresh(self)?;
        let approval = Approval {
            id,
            tenant: caller.tenant,
            matter: proof.matter().clone(),
            reason: reason.to_owned(),
            requested_by: proof.by(),
            requested_at: at,
            expires_at: at + TwoPersonAction::LIFE,
            approved: None,
            consumed_at: None,
        };
        let rows = self.write::<ApprovalRows>();
        if rows.contains_key(&(caller.tenant, id)) {
            return Err(StoreError::Conflict);
        }
        rows.insert_mut((caller.tenant, id), approval);
        Ok(())
    }

    async fn approval(&mut self, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
        let home = home(&Caller::of(self));
        Ok(home.and_then(|tenant| found(self, tenant, id)))
    }

    async fn approvals(&mut self, after: Option<ApprovalId>, limit: u32) -> Result<Vec<Approval>, StoreError> {
        let home = home(&Caller::of(self));
        let Some(rows) = self.read::<ApprovalRows>() else {
            return Ok(Vec::new());
        };
        let page = rows
            .values()
            .filter(|approval| Some(approval.tenant) == home && after.is_none_or(|after| approval.id > after));
        Ok(page.take(limit as usize).cloned().collect())
    }

    async fn approve(&mut self, proof: &SecondProof) -> Result<bool, StoreError> {
        let (caller, at) = (Caller::of(self), self.context().at());
        let home = home(&caller).ok_or(StoreError::Forbidden)?;
        let Some(mut approval) = found(self, home, proof.approval()) else {
            return Ok(false);
        };
        if approval.state(at) != ApprovalState::Pending {
            return Ok(false);
        }
        let (action, asker) = (approval.matter.action(), approval.requested_by);
        let about = approval.matter.subject().map(PrincipalId::uuid) == Some(caller.subject);
        let worth = caller.level.and_then(|number| Level::try_from(number).ok());
        if proof.by().uuid() != caller.subject
            || asker.uuid() == caller.subject
            || about
            || !worth.is_some_and(|level| action.is_seconded_by(level))
            || !stands(self, home, proof.by(), |level| action.is_seconded_by(level))
            || !stands(self, home, asker, |level| action.is_asked_by(level))
        {
            return Err(StoreError::Forbidden);
        }
        Caller::demand_fresh(self)?;
        approval.approved = Some((proof.by(), at));
        self.write::<ApprovalRows>()
            .insert_mut((home, proof.approval()), approval);
        Ok(true)
    }

    async fn agreed(&mut self, matter: &Matter) -> Result<Option<Approval>, StoreError> {
        let (caller, at) = (Caller::of(self), self.context().at());
        let home = home(&caller);
        let mine = |approval: &&Approval| {
            let seconder = approval.approved.map(|(who, _)| who.uuid());
            Some(approval.tenant) == home
                && approval.matter == *matter
                && approval.state(at) == ApprovalState::Approved
                && (approval.requested_by.uuid() == caller.subject || seconder == Some(caller.subject))
        };
        let rows = self.read::<ApprovalRows>();
        Ok(rows.and_then(|rows| rows.values().find(mine)).cloned())
    }
}
