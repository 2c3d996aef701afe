//! Users kept by a directory, in memory.
use async_trait::async_trait;
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, TenantId, UnitId};
use keepgate_policy::{Grant, MappedProof};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{
    caller::{Caller, active, grant, level, principal},
    rows::{GrantRows, KeyRows, PrincipalRow, PrincipalRows, SessionRows},
};
use crate::{DirectoryUsers, Email, NewPrincipal, PrincipalStatus, UserStanding};

fn worker(tx: &MemTx) -> Result<TenantId, StoreError> {
    Caller::of(tx).within(0, 0).ok_or(StoreError::Forbidden)
}

fn taken(tx: &MemTx, tenant: TenantId, email: &Email, but: PrincipalId) -> bool {
    tx.read::<PrincipalRows>().is_some_and(|rows| {
        rows.iter()
            .any(|((home, _), row)| *home == tenant && row.id != but && row.email.as_ref() == Some(email))
    })
}

/// The user, unless it is an owner.
fn kept(tx: &MemTx, tenant: TenantId, id: PrincipalId) -> Option<PrincipalRow> {
    let owner = grant(tx, tenant, id.uuid()).is_some_and(|held| held.level >= Level::TenantOwner);
    principal(tx, tenant, id.uuid())
        .filter(|row| !owner && row.id.kind() == PrincipalKind::User && row.status != PrincipalStatus::Deleted)
        .cloned()
}

/// Sessions and keys fall.
fn leave(tx: &mut MemTx, tenant: TenantId, id: PrincipalId) {
    let at = tx.context().at();
    let picked: Vec<_> = tx.read::<SessionRows>().map_or_else(Vec::new, |rows| {
        let mine = rows
            .iter()
            .filter(|((home, _), row)| *home == tenant && row.principal == id);
        mine.map(|(key, _)| *key).collect()
    });
    for key in picked {
        if let Some(row) = tx.write::<SessionRows>().get_mut(&key) {
            row.revoked = true;
        }
    }
    let picked: Vec<_> = tx.read::<KeyRows>().map_or_else(Vec::new, |rows| {
        let mine = rows
            .iter()
            .filter(|((home, _), row)| *home == tenant && row.record.owner == id && row.record.revoked_at.is_none());
        mine.map(|(key, _)| *key).collect()
    });
    for key in picked {
        if let Some(row) = tx.write::<KeyRows>().get_mut(&key) {
            row.record.revoked_at = Some(at);
        }
    }
}

#[async_trait]
impl DirectoryUsers for MemTx {
    async fn standing(&mut self, id: PrincipalId) -> Result<Option<UserStanding>, StoreError> {
        let tenant = worker(self)?;
        let held = level(self, tenant, id.uuid());
        Ok(principal(self, tenant, id.uuid()).map(|row| UserStanding {
            status: row.status,
            level: held.map(|(level, _)| level),
            unit: held.and_then(|(_, unit)| unit),
        }))
    }

    async fn add_directory_user(&mut self, new: &NewPrincipal) -> Result<bool, StoreError> {
        let tenant = worker(self)?;
        if new.tenant != tenant || new.id.kind() != PrincipalKind::User {
            return Err(StoreError::Forbidden);
        }
        let Some(email) = new.email.clone() else {
            return Err(StoreError::Forbidden);
        };
        if principal(self, tenant, new.id.uuid()).is_some() || taken(self, tenant, &email, new.id) {
            return Ok(false);
        }
        let row = PrincipalRow {
            id: new.id,
            email: Some(email),
            display_name: new.display_name.clone(),
            status: PrincipalStatus::Active,
            epoch: 0,
            created_at: self.context().at(),
        };
        self.write::<PrincipalRows>().insert_mut((tenant, new.id.uuid()), row);
        Ok(true)
    }

    async fn rename_directory_user(
        &mut self,
        id: PrincipalId,
        email: &Email,
        display_name: Option<&str>,
    ) -> Result<bool, StoreError> {
        let tenant = worker(self)?;
        let Some(row) = kept(self, tenant, id).filter(|_| !taken(self, tenant, email, id)) else {
            return Ok(false);
        };
        let row = PrincipalRow {
            email: Some(email.clone()),
            display_name: display_name.map(str::to_owned),
            ..row
        };
        self.write::<PrincipalRows>().insert_mut((tenant, id.uuid()), row);
        Ok(true)
    }

    async fn set_directory_user_active(&mut self, id: PrincipalId, active: bool) -> Result<bool, StoreError> {
        let tenant = worker(self)?;
        let Some(mut row) = kept(self, tenant, id) else {
            return Ok(false);
        };
        row.status = if active {
            PrincipalStatus::Active
        } else {
            PrincipalStatus::Disabled
        };
        row.epoch += u32::from(!active);
        self.write::<PrincipalRows>().insert_mut((tenant, id.uuid()), row);
        if !active {
            leave(self, tenant, id);
        }
        Ok(true)
    }

    async fn delete_directory_user(&mut self, id: PrincipalId) -> Result<bool, StoreError> {
        let tenant = worker(self)?;
        let Some(row) = kept(self, tenant, id) else {
            return Ok(false);
        };
        let row = PrincipalRow {
            email: None,
            display_name: None,
            status: PrincipalStatus::Deleted,
            epoch: row.epoch + 1,
            ..row
        };
        self.write::<PrincipalRows>().insert_mut((tenant, id.uuid()), row);
        leave(self, tenant, id);
        if let Some(held) = grant(self, tenant, id.uuid()) {
            let row = Grant { revoked: true, ..held };
            self.write::<GrantRows>().insert_mut((tenant, id.uuid()), row);
        }
        Ok(true)
    }

    async fn grant_mapped(&mut self, proof: MappedProof, unit: Option<UnitId>) -> Result<(), StoreError> {
        let tenant = worker(self)?;
        let (target, by) = (proof.target(), proof.by());
        let user = kept(self, tenant, target.principal).filter(|_| target.tenant == tenant);
        let held = grant(self, tenant, target.principal.uuid());
        let Some(given) = proof.level() else {
            if let Some(held) = held.filter(|_| user.is_some()) {
                let row = Grant { revoked: true, ..held };
                self.write::<GrantRows>()
                    .insert_mut((tenant, target.principal.uuid()), row);
            }
            return Ok(());
        };
        let owner = active(self, tenant, by.uuid())
            .and_then(|_| level(self, tenant, by.uuid()))
            .is_some_and(|(level, _)| level == Level::TenantOwner);
        if user.is_none() || !owner || given.level().needs_unit() != unit.is_some() {
            return Err(StoreError::Forbidden);
        }
        let row = Grant {
            level: given.level(),
            unit,
            hat: held.and_then(|held| held.hat),
            by: Some(by.uuid()),
            revoked: false,
        };
        self.write::<GrantRows>()
            .insert_mut((tenant, target.principal.uuid()), row);
        Ok(())
    }
}
