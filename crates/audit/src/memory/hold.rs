//! Holds in memory.
use async_trait::async_trait;
use keepgate_kernel::{HoldId, PrincipalId, TenantId, Timestamp};
use keepgate_policy::{Consent, Matter, TwoPersonAction};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use super::approved::{desk, owner, spend};
use crate::{Hold, Holds, NewHold};

/// By tenant and number.
#[derive(Debug, Clone, Default)]
pub(super) struct HoldRows(RedBlackTreeMapSync<(TenantId, HoldId), Hold>);

/// Whether a hold of `tenant` keeps `subject` from being erased.
pub(super) fn holds(tx: &MemTx, tenant: TenantId, subject: PrincipalId) -> bool {
    let keeps = |(key, hold): (&(TenantId, HoldId), &Hold)| {
        key.0 == tenant && hold.released.is_none() && hold.scope.subject.is_none_or(|held| held == subject)
    };
    tx.read::<HoldRows>()
        .is_some_and(|HoldRows(rows)| rows.iter().any(keeps))
}

/// Whether a hold of `tenant` on everybody touches the time from `from` up to `to`.
pub(super) fn holds_all(tx: &MemTx, tenant: TenantId, from: Timestamp, to: Timestamp) -> bool {
    let keeps = |(key, hold): (&(TenantId, HoldId), &Hold)| {
        let scope = &hold.scope;
        let touches = scope.from.is_none_or(|at| at < to) && scope.to.is_none_or(|at| at > from);
        key.0 == tenant && hold.released.is_none() && scope.subject.is_none() && touches
    };
    tx.read::<HoldRows>()
        .is_some_and(|HoldRows(rows)| rows.iter().any(keeps))
}

#[async_trait]
impl Holds for MemTx {
    async fn add_hold(&mut self, new: &NewHold) -> Result<(), StoreError> {
        let tenant = owner(self)?;
        let hold = Hold {
            id: new.id,
            scope: new.scope,
            reason: new.reason.clone(),
            placed_by: self.context().principal().id,
            placed_at: self.context().at(),
            released: None,
        };
        self.write::<HoldRows>().0.insert_mut((tenant, new.id), hold);
        Ok(())
    }

    async fn hold(&mut self, id: HoldId) -> Result<Option<Hold>, StoreError> {
        let Some(tenant) = desk(self) else { return Ok(None) };
        Ok(self
            .read::<HoldRows>()
            .and_then(|HoldRows(rows)| rows.get(&(tenant, id)))
            .cloned())
    }

    async fn holds(&mut self, after: Option<HoldId>, limit: u32) -> Result<Vec<Hold>, StoreError> {
        let (Some(tenant), Some(HoldRows(rows))) = (desk(self), self.read::<HoldRows>()) else {
            return Ok(Vec::new());
        };
        let page = rows
            .iter()
            .filter(|((home, id), _)| *home == tenant && after.is_none_or(|after| *id > after));
        Ok(page.take(limit as usize).map(|(_, hold)| hold.clone()).collect())
    }

    async fn is_held(&mut self, subject: PrincipalId) -> Result<bool, StoreError> {
        Ok(desk(self).is_some_and(|tenant| holds(self, tenant, subject)))
    }

    async fn release_hold(&mut self, consent: &Consent) -> Result<bool, StoreError> {
        let tenant = owner(self)?;
        let Matter::ReleaseHold { hold } = *consent.matter() else {
            return Err(StoreError::Forbidden);
        };
        let rows = self.read::<HoldRows>();
        let found = rows.and_then(|HoldRows(rows)| rows.get(&(tenant, hold)));
        let Some(mut found) = found.filter(|hold| hold.released.is_none()).cloned() else {
            return Ok(false);
        };
        spend(self, consent, TwoPersonAction::ReleaseHold)?;
        found.released = Some((self.context().principal().id, self.context().at()));
        self.write::<HoldRows>().0.insert_mut((tenant, hold), found);
        Ok(true)
    }
}
