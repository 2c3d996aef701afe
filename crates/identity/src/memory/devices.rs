//! Devices in memory.
use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{EnrolmentId, PrincipalId, PrincipalKind, TenantId, Timestamp, Uuid};
use keepgate_policy::{EnlistProof, ReachProof};
use keepgate_store::{MemTx, StoreError};
use rpds::RedBlackTreeMapSync;

use super::{
    caller::{Caller, active, level, principal},
    rows::{PrincipalRow, PrincipalRows},
};
use crate::{CodeHash, DeviceChange, DeviceKey, DeviceRecord, Devices, NewDevice, NewEnrolment, PrincipalStatus};

/// Who carries which device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Carried(Option<PrincipalId>);
pub(super) type CarriedRows = RedBlackTreeMapSync<(TenantId, Uuid), Carried>;

/// A code of a device.
#[derive(Debug, Clone)]
pub(super) struct CodeRow {
    pub(super) device: PrincipalId,
    pub(super) hash: CodeHash,
    pub(super) expires_at: Timestamp,
    pub(super) used: bool,
}
pub(super) type CodeRows = RedBlackTreeMapSync<(TenantId, EnrolmentId), CodeRow>;

/// A key, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyOfDevice {
    pub(super) key: DeviceKey,
    pub(super) since: Timestamp,
}
pub(super) type DeviceKeyRows = RedBlackTreeMapSync<(TenantId, Uuid), KeyOfDevice>;

/// Who carries the device.
pub(super) fn carried(tx: &MemTx, tenant: TenantId, device: Uuid) -> Option<Uuid> {
    let row = tx.read::<CarriedRows>()?.get(&(tenant, device))?;
    row.0.map(PrincipalId::uuid)
}

/// What falls with a device that may not act any more.
pub(super) fn falls(tx: &mut MemTx, tenant: TenantId, device: Uuid, for_good: bool) {
    void_codes(tx, tenant, device);
    if for_good {
        tx.write::<DeviceKeyRows>().remove_mut(&(tenant, device));
    }
}

fn void_codes(tx: &mut MemTx, tenant: TenantId, device: Uuid) {
    let rows = tx.write::<CodeRows>();
    let open: Vec<_> = rows
        .iter()
        .filter(|((home, _), row)| *home == tenant && row.device.uuid() == device)
        .map(|(key, _)| *key)
        .collect();
    for key in open {
        if let Some(row) = rows.get_mut(&key) {
            row.used = true;
        }
    }
}

fn record(tx: &MemTx, tenant: TenantId, row: &PrincipalRow) -> DeviceRecord {
    let place = (tenant, row.id.uuid());
    DeviceRecord {
        id: row.id,
        name: row.display_name.clone(),
        status: row.status,
        unit: level(tx, tenant, row.id.uuid()).and_then(|(_, unit)| unit),
        owner: tx
            .read::<CarriedRows>()
            .and_then(|rows| rows.get(&place))
            .and_then(|row| row.0),
        created_at: row.created_at,
        enrolled_at: tx
            .read::<DeviceKeyRows>()
            .and_then(|rows| rows.get(&place))
            .map(|row| row.since),
    }
}

/// The trigger's rule: people of the tenant.
fn demand_user(tx: &MemTx, tenant: TenantId, owner: Option<PrincipalId>) -> Result<(), StoreError> {
    let user = |owner: PrincipalId| {
        principal(tx, tenant, owner.uuid())
            .is_some_and(|row| row.id.kind() == PrincipalKind::User && row.status != PrincipalStatus::Deleted)
    };
    if owner.is_none_or(user) {
        Ok(())
    } else {
        Err(StoreError::Forbidden)
    }
}

#[async_trait]
impl Devices for MemTx {
    async fn add_device(&mut self, proof: &EnlistProof, new: &NewDevice) -> Result<bool, StoreError> {
        let (caller, target) = (Caller::of(self), proof.target());
        let lawful = caller.leads_devices(self, None) && target.tenant == caller.tenant;
        if !lawful || proof.by().uuid() != caller.subject {
            return Err(StoreError::Forbidden);
        }
        Caller::demand_no_hat(self)?;
        demand_user(self, target.tenant, new.owner)?;
        let key = (target.tenant, target.principal.uuid());
        let rows = self.write::<PrincipalRows>();
        if rows.contains_key(&key) {
            return Ok(false);
        }
        let row = PrincipalRow {
            id: target.principal,
            email: None,
            display_name: Some(new.name.clone()),
            status: PrincipalStatus::Active,
            epoch: 0,
            created_at: caller.at,
        };
        rows.insert_mut(key, row);
        self.write::<CarriedRows>().insert_mut(key, Carried(new.owner));
        Ok(true)
    }

    async fn device(&mut self, id: PrincipalId) -> Result<Option<DeviceRecord>, StoreError> {
        let caller = Caller::of(self);
        let seen =
            |row: &&PrincipalRow| row.id == id && id.kind() == PrincipalKind::Device && caller.sees(self, id.uuid());
        let row = principal(self, caller.tenant, id.uuid()).filter(seen);
        Ok(row.map(|row| record(self, caller.tenant, row)))
    }

    async fn devices(&mut self, after: Option<PrincipalId>, limit: u32) -> Result<Vec<DeviceRecord>, StoreError> {
        let caller = Caller::of(self);
        let Some(rows) = self.read::<PrincipalRows>() else {
            return Ok(Vec::new());
        };
        let wanted = rows.iter().filter(|((tenant, id), row)| {
            *tenant == caller.tenant
                && row.id.kind() == PrincipalKind::Device
                && row.status != PrincipalStatus::Deleted
                && after.is_none_or(|after| *id > after.uuid())
                && caller.sees(self, *id)
        });
        Ok(wanted
            .take(limit as usize)
            .map(|(_, row)| record(self, caller.tenant, row))
            .collect())
    }

    async fn change_device(&mut self, proof: &ReachProof, change: &DeviceChange) -> Result<bool, StoreError> {
        let Some((tenant, mut row)) = super::principals::reached(self, proof) else {
            return Ok(false);
        };
        if row.id.kind() != PrincipalKind::Device {
            return Ok(false);
        }
        Caller::demand_no_hat(self)?;
        let place = (tenant, row.id.uuid());
        if let Some(owner) = change.owner {
            demand_user(self, tenant, owner)?;
            self.write::<CarriedRows>().insert_mut(place, Carried(owner));
        }
        row.display_name = change.name.clone().or(row.display_name);
        self.write::<PrincipalRows>().insert_mut(place, row);
        Ok(true)
    }

    async fn add_device_code(&mut self, proof: &ReachProof, new: &NewEnrolment) -> Result<(), StoreError> {
        let (caller, target) = (Caller::of(self), proof.target());
        let lives = active(self, target.tenant, new.principal.uuid());
        let device = lives.is_some_and(|row| row.id == new.principal && row.id.kind() == PrincipalKind::Device);
        let unit = level(self, target.tenant, new.principal.uuid()).and_then(|(_, unit)| unit);
        let reached = device && unit.is_some() && caller.leads_devices(self, unit) && target.tenant == caller.tenant;
        let meant = (target.principal, target.tenant) == (new.principal, new.tenant);
        if !reached || !meant || proof.by().uuid() != caller.subject {
            return Err(StoreError::Forbidden);
        }
        Caller::demand_no_hat(self)?;
        void_codes(self, new.tenant, new.principal.uuid());
        let row = CodeRow {
            device: new.principal,
            hash: new.hash,
            expires_at: new.expires_at.min(caller.at + TimeDelta::hours(24)),
            used: false,
        };
        self.write::<CodeRows>().insert_mut((new.tenant, new.id), row);
        Ok(())
    }
}
