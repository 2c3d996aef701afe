//! What an approval of two people covers: the mirror of the trigger `sec.guard_approved_code`.
use keepgate_kernel::{ApprovalId, Level, PrincipalId, TenantId};
use keepgate_policy::{Approval, ApprovalState, Candidate, Matter};
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::{Caller, active, grant},
    rows::{ApprovalRows, SessionRows},
};
use crate::NewEnrolment;

/// Refuses a code that `approval` does not cover, and uses the approval up where the code is what it was for.
pub(super) fn cover(tx: &mut MemTx, new: &NewEnrolment, approval: ApprovalId) -> Result<(), StoreError> {
    let caller = Caller::of(tx);
    let rows = tx.read::<ApprovalRows>().ok_or(StoreError::Forbidden)?;
    let on_file = rows
        .get(&(caller.tenant, approval))
        .ok_or(StoreError::Forbidden)?
        .clone();
    match on_file.matter {
        Matter::GrantGlobal(Candidate::Address(_)) if is_new_seven(tx, &caller, new, &on_file) => Ok(()),
        Matter::BreakGlass { tenant, owner } if tenant == new.tenant && owner == new.principal => {
            spend(tx, &caller, new, on_file)
        }
        _ => Err(StoreError::Forbidden),
    }
}

/// Appointed by the caller with this very approval in this very transaction, and never here before.
fn is_new_seven(tx: &MemTx, caller: &Caller, new: &NewEnrolment, approval: &Approval) -> bool {
    let held = grant(tx, new.tenant, new.principal.uuid()).filter(|held| !held.revoked);
    let appointed = held.is_some_and(|held| held.level == Level::GlobalAdmin && held.by == Some(caller.subject));
    let been_here = tx.read::<SessionRows>().is_some_and(|rows| {
        rows.iter()
            .any(|((home, _), row)| *home == new.tenant && row.principal == new.principal)
    });
    appointed && !been_here && new.tenant == caller.tenant && approval.consumed_at == Some(caller.at)
}

fn spend(tx: &mut MemTx, caller: &Caller, new: &NewEnrolment, mut approval: Approval) -> Result<(), StoreError> {
    let owner = grant(tx, new.tenant, new.principal.uuid())
        .is_some_and(|held| !held.revoked && held.level == Level::TenantOwner);
    let acts = active(tx, new.tenant, new.principal.uuid()).is_some();
    let Some((seconder, _)) = approval.approved else {
        return Err(StoreError::Forbidden);
    };
    let party = [approval.requested_by.uuid(), seconder.uuid()].contains(&caller.subject);
    let two = stands(tx, caller.tenant, approval.requested_by) && stands(tx, caller.tenant, seconder);
    let good = approval.state(caller.at) == ApprovalState::Approved;
    if !(owner && acts && party && two && good && caller.is_at_least(7)) {
        return Err(StoreError::Forbidden);
    }
    approval.consumed_at = Some(caller.at);
    tx.write::<ApprovalRows>()
        .insert_mut((caller.tenant, approval.id), approval);
    Ok(())
}

/// A global admin who may act and wears no hat.
fn stands(tx: &MemTx, tenant: TenantId, who: PrincipalId) -> bool {
    let seven = |held: keepgate_policy::Grant| !held.revoked && held.hat.is_none() && held.level == Level::GlobalAdmin;
    active(tx, tenant, who.uuid()).is_some() && grant(tx, tenant, who.uuid()).is_some_and(seven)
}
