//! Principals in memory.
use async_trait::async_trait;
use keepgate_kernel::{Hat, Level, PrincipalId, PrincipalKind, TenantId, Uuid};
use keepgate_policy::{Credential, ReachProof};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{
    caller::{Caller, active_tenant, grant, level, principal},
    rows::{KeyRows, PrincipalRow, PrincipalRows, SessionRows},
};
use crate::{Me, NewPrincipal, PrincipalRecord, PrincipalStatus, Principals};

fn record(tx: &MemTx, tenant: TenantId, row: &PrincipalRow) -> PrincipalRecord {
    let held = level(tx, tenant, row.id.uuid());
    PrincipalRecord {
        id: row.id,
        email: row.email.clone(),
        display_name: row.display_name.clone(),
        status: row.status,
        level: held.map(|(level, _)| level),
        unit: held.and_then(|(_, unit)| unit),
        hat: live_hat(tx, tenant, row.id.uuid()),
        created_at: row.created_at,
    }
}

fn live_hat(tx: &MemTx, tenant: TenantId, id: Uuid) -> Option<Hat> {
    grant(tx, tenant, id)
        .filter(|held| !held.revoked)
        .and_then(|held| held.hat)
}

/// The row, if the policies and the trigger let the caller change it. Devices are led by supervisors too.
pub(super) fn reached(tx: &MemTx, proof: &ReachProof) -> Option<(TenantId, PrincipalRow)> {
    let (caller, target) = (Caller::of(tx), proof.target());
    let held = grant(tx, caller.tenant, target.principal.uuid());
    let device = target.principal.kind() == PrincipalKind::Device;
    let may = if device {
        held.and_then(|held| held.unit)
            .is_some_and(|unit| caller.leads_devices(tx, Some(unit)))
    } else {
        caller.is_at_least(4)
    };
    let tenant = Some(caller.tenant).filter(|tenant| may && *tenant == target.tenant)?;
    let below = held.is_none_or(|held| Some(held.level.number()) < caller.level);
    let row = principal(tx, tenant, target.principal.uuid())?;
    let lawful = below && proof.by().uuid() == caller.subject && row.status != PrincipalStatus::Deleted;
    lawful.then(|| (tenant, row.clone()))
}

/// What a change of `row` demands: devices are led in passing.
fn demand(tx: &MemTx, row: &PrincipalRow) -> Result<(), StoreError> {
    if row.id.kind() == PrincipalKind::Device {
        Caller::demand_no_hat(tx)
    } else {
        Caller::demand_fresh(tx)
    }
}

#[async_trait]
impl Principals for MemTx {
    async fn add_principal(&mut self, new: &NewPrincipal) -> Result<bool, StoreError> {
        let caller = Caller::of(self);
        let at_home = caller.within(4, 7) == Some(new.tenant);
        let appointing = caller.is_at_least(7) && new.id.kind() == PrincipalKind::User;
        let device = new.id.kind() == PrincipalKind::Device;
        if (!at_home && !appointing) || (device && !caller.leads_devices(self, None)) {
            return Err(StoreError::Forbidden);
        }
        let rows = self.write::<PrincipalRows>();
        let key = (new.tenant, new.id.uuid());
        let same_address = |row: &PrincipalRow| new.email.is_some() && row.email == new.email;
        if rows.contains_key(&key)
            || rows
                .iter()
                .any(|((tenant, _), row)| *tenant == new.tenant && same_address(row))
        {
            return Ok(false);
        }
        let row = PrincipalRow {
            id: new.id,
            email: new.email.clone(),
            display_name: new.display_name.clone(),
            status: PrincipalStatus::Active,
            epoch: 0,
            created_at: caller.at,
        };
        rows.insert_mut(key, row);
        Ok(true)
    }

    async fn principal(&mut self, id: PrincipalId) -> Result<Option<PrincipalRecord>, StoreError> {
        let caller = Caller::of(self);
        let row = principal(self, caller.tenant, id.uuid()).filter(|row| row.id == id && caller.sees(self, id.uuid()));
        Ok(row.map(|row| record(self, caller.tenant, row)))
    }

    async fn principals(
        &mut self,
        kind: PrincipalKind,
        after: Option<PrincipalId>,
        limit: u32,
    ) -> Result<Vec<PrincipalRecord>, StoreError> {
        let caller = Caller::of(self);
        let Some(rows) = self.read::<PrincipalRows>() else {
            return Ok(Vec::new());
        };
        let wanted = |row: &&PrincipalRow| {
            row.id.kind() == kind
                && row.status != PrincipalStatus::Deleted
                && after.is_none_or(|after| row.id.uuid() > after.uuid())
                && caller.sees(self, row.id.uuid())
        };
        let own = rows
            .iter()
            .filter(|((tenant, _), _)| *tenant == caller.tenant)
            .map(|(_, row)| row);
        Ok(own
            .filter(wanted)
            .take(limit as usize)
            .map(|row| record(self, caller.tenant, row))
            .collect())
    }

    async fn set_principal_active(&mut self, proof: &ReachProof, active: bool) -> Result<bool, StoreError> {
        let Some((tenant, mut row)) = reached(self, proof) else {
            return Ok(false);
        };
        demand(self, &row)?;
        row.status = if active {
            PrincipalStatus::Active
        } else {
            PrincipalStatus::Disabled
        };
        row.epoch += u32::from(!active);
        let id = row.id.uuid();
        self.write::<PrincipalRows>().insert_mut((tenant, id), row);
        if !active {
            super::revocations::principal_ended(self, tenant, id);
            super::devices::falls(self, tenant, id, false);
        }
        Ok(true)
    }

    async fn rename_principal(&mut self, proof: &ReachProof, name: &str) -> Result<bool, StoreError> {
        let Some((tenant, mut row)) = reached(self, proof) else {
            return Ok(false);
        };
        demand(self, &row)?;
        let place = (tenant, row.id.uuid());
        row.display_name = Some(name.to_owned());
        self.write::<PrincipalRows>().insert_mut(place, row);
        Ok(true)
    }

    async fn end_every_session(&mut self, proof: &ReachProof) -> Result<bool, StoreError> {
        let Some((tenant, mut row)) = reached(self, proof) else {
            return Ok(false);
        };
        row.epoch += 1;
        let id = row.id.uuid();
        self.write::<PrincipalRows>().insert_mut((tenant, id), row);
        super::revocations::principal_ended(self, tenant, id);
        Ok(true)
    }

    async fn delete_principal(&mut self, proof: &ReachProof) -> Result<bool, StoreError> {
        let Some((tenant, mut row)) = reached(self, proof) else {
            return Ok(false);
        };
        demand(self, &row)?;
        row = PrincipalRow {
            email: None,
            display_name: None,
            status: PrincipalStatus::Deleted,
            epoch: row.epoch + 1,
            ..row
        };
        let id = row.id.uuid();
        self.write::<PrincipalRows>().insert_mut((tenant, id), row);
        super::revocations::principal_ended(self, tenant, id);
        super::devices::falls(self, tenant, id, true);
        Ok(true)
    }

    async fn me(&mut self) -> Result<Option<Me>, StoreError> {
        let caller = Caller::of(self);
        let Some(level) = caller.level.and_then(|number| Level::try_from(number).ok()) else {
            return Ok(None);
        };
        let (Some(row), Some(tenant)) = (
            principal(self, caller.tenant, caller.subject),
            active_tenant(self, caller.tenant),
        ) else {
            return Ok(None);
        };
        let credential = self.context().credential();
        let expires_at = match credential {
            Credential::Session(id) => self
                .read::<SessionRows>()
                .and_then(|rows| rows.get(&(caller.tenant, id)))
                .map(|row| row.expires_at),
            Credential::ApiKey(id) => self
                .read::<KeyRows>()
                .and_then(|rows| rows.get(&(caller.tenant, id)))
                .and_then(|row| row.record.expires_at),
            Credential::System => None,
        };
        let session = if let Credential::Session(id) = credential {
            Some(id)
        } else {
            None
        };
        let (principal, display_name) = (row.id, row.display_name.clone());
        Ok(Some(Me {
            principal,
            display_name,
            tenant: tenant.id,
            tenant_name: tenant.name.clone(),
            level,
            hat: live_hat(self, caller.tenant, caller.subject),
            session,
            expires_at,
        }))
    }
}
