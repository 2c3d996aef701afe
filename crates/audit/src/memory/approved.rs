//! Who may decide, in memory, as the guards in PostgreSQL look at it: levels as they are now.
use keepgate_kernel::{ApprovalId, Level, TenantId, Uuid};
use keepgate_policy::{Approval, Consent, Grant, TwoPersonAction};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

/// The sibling's rows, by the types that name them.
type ApprovalRows = RedBlackTreeMapSync<(TenantId, ApprovalId), Approval>;
type GrantRows = RedBlackTreeMapSync<(TenantId, Uuid), Grant>;

fn stands(tx: &MemTx, tenant: TenantId, who: Uuid, fits: impl Fn(Level) -> bool) -> bool {
    tx.read::<GrantRows>()
        .and_then(|rows| rows.get(&(tenant, who)))
        .is_some_and(|held| !held.revoked && held.hat.is_none() && fits(held.level))
}

/// The caller's tenant, if the caller is an owner now.
pub(super) fn owner(tx: &MemTx) -> Result<TenantId, StoreError> {
    let caller = tx.context().principal();
    let owner = |level| level == Level::TenantOwner;
    let stands = stands(tx, caller.tenant, caller.id.uuid(), owner);
    if caller.level().is_some_and(owner) && stands && tx.context().is_fresh() {
        Ok(caller.tenant)
    } else {
        Err(StoreError::Forbidden)
    }
}

/// The tenant whose erasures and holds the caller sees.
pub(super) fn desk(tx: &MemTx) -> Option<TenantId> {
    let caller = tx.context().principal();
    matches!(caller.level(), Some(Level::TenantAdmin | Level::TenantOwner)).then_some(caller.tenant)
}

/// Uses the consent up, or refuses.
pub(super) fn spend(tx: &mut MemTx, consent: &Consent, action: TwoPersonAction) -> Result<(), StoreError> {
    let tenant = owner(tx)?;
    let (at, who) = (tx.context().at(), tx.context().principal().id.uuid());
    let key = (tenant, consent.approval());
    let found = tx.read::<ApprovalRows>().and_then(|rows| rows.get(&key));
    let mut approval = found.cloned().ok_or(StoreError::Forbidden)?;
    let second = approval.approved.map(|(second, _)| second.uuid());
    let lawful = approval.matter == *consent.matter()
        && approval.matter.action() == action
        && approval.is_usable_by(who, at)
        && stands(tx, tenant, approval.requested_by.uuid(), |level| {
            action.is_asked_by(level)
        })
        && second.is_some_and(|second| stands(tx, tenant, second, |level| action.is_seconded_by(level)));
    if !lawful {
        return Err(StoreError::Forbidden);
    }
    approval.consumed_at = Some(at);
    tx.write::<ApprovalRows>().insert_mut(key, approval);
    Ok(())
}
