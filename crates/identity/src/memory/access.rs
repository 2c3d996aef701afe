//! Who has which access, in memory.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind, TenantId, Timestamp, Uuid};
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::{Caller, grant, key_level, principal},
    devices::carried,
    rows::{FactorRow, FactorRows, KeyRow, KeyRows, PrincipalRow, PrincipalRows, RecoveryRows, SessionRows},
};
use crate::{Access, AccessReview, AccessStatus, FactorKind, HeldFactors, Holder, PrincipalStatus};

fn last_login(tx: &MemTx, tenant: TenantId, id: Uuid) -> Option<Timestamp> {
    let rows = tx.read::<SessionRows>()?.iter();
    rows.filter(|((home, _), row)| *home == tenant && row.principal.uuid() == id)
        .map(|(_, row)| row.created_at)
        .max()
}

fn last_use_of_keys(tx: &MemTx, tenant: TenantId, service: Uuid) -> Option<Timestamp> {
    let rows = tx.read::<KeyRows>()?.iter();
    rows.filter(|((home, _), row)| *home == tenant && row.record.service.uuid() == service)
        .filter_map(|(_, row)| row.record.last_used_at)
        .max()
}

fn factors(tx: &MemTx, tenant: TenantId, id: Uuid) -> HeldFactors {
    let all = tx.read::<FactorRows>().into_iter().flat_map(|rows| rows.iter());
    let own = all.filter(|((home, _), row)| *home == tenant && row.principal.uuid() == id);
    let confirmed: Vec<&FactorRow> = own
        .map(|(_, row)| row)
        .filter(|row| row.record.confirmed_at.is_some())
        .collect();
    let of = |kind: FactorKind| confirmed.iter().filter(|row| row.record.kind == kind).count();
    let codes = tx.read::<RecoveryRows>().into_iter().flat_map(|rows| rows.iter());
    let left = codes.filter(|((home, whose, _), used)| *home == tenant && *whose == id && !**used);
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    HeldFactors {
        totp: of(FactorKind::Totp) > 0,
        passkeys: count(of(FactorKind::Passkey)),
        recovery_codes: count(left.count()),
    }
}

/// Whose level and last use the caller reads: everybody the caller sees, but for what it carries in another unit.
fn is_told(tx: &MemTx, caller: &Caller, id: Uuid) -> bool {
    let of_unit = || caller.unit.is_some() && grant(tx, caller.tenant, id).and_then(|held| held.unit) == caller.unit;
    caller.is_at_least(4) || id == caller.subject || (caller.within(2, 3).is_some() && of_unit())
}

fn of_principal(tx: &MemTx, caller: &Caller, row: &PrincipalRow) -> Access {
    let (tenant, id) = (caller.tenant, row.id.uuid());
    let told = is_told(tx, caller, id);
    let given = grant(tx, tenant, id).filter(|_| told);
    let live = given.filter(|held| !held.revoked);
    let is_user = row.id.kind() == PrincipalKind::User;
    let by = carried(tx, tenant, id).or(given.and_then(|held| held.by));
    let by = by.filter(|_| !is_user);
    let of_keys = caller
        .within(4, 5)
        .is_some()
        .then(|| last_use_of_keys(tx, tenant, id))
        .flatten();
    Access {
        holder: Holder::Principal(row.id),
        name: row.display_name.clone(),
        email: row.email.clone(),
        status: match row.status {
            PrincipalStatus::Active => AccessStatus::Active,
            PrincipalStatus::Disabled | PrincipalStatus::Deleted => AccessStatus::Disabled,
        },
        level: live.map(|held| held.level),
        unit: live.and_then(|held| held.unit),
        hat: live.and_then(|held| held.hat),
        owner: by.and_then(|by| owner(tx, tenant, by)),
        created_at: row.created_at,
        expires_at: None,
        last_used_at: last_login(tx, tenant, id).filter(|_| told).max(of_keys),
        factors: is_user.then(|| factors(tx, tenant, id)),
    }
}

fn owner(tx: &MemTx, tenant: TenantId, id: Uuid) -> Option<PrincipalId> {
    principal(tx, tenant, id).map(|row| row.id)
}

fn of_key(tx: &MemTx, tenant: TenantId, row: &KeyRow, at: Timestamp) -> Access {
    let live = key_level(tx, tenant, row);
    let hat_of = |id: Uuid| grant(tx, tenant, id).and_then(|held| held.hat);
    let record = &row.record;
    let hat = hat_of(record.service.uuid()).or_else(|| hat_of(record.owner.uuid()));
    Access {
        holder: Holder::Key(record.id),
        name: Some(record.name.clone()),
        email: None,
        status: AccessStatus::of_key(live.is_some(), record.expires_at, at),
        level: live.map(|(level, _)| level),
        unit: live.and_then(|(_, unit)| unit),
        hat: hat.filter(|_| live.is_some()),
        owner: Some(record.owner),
        created_at: record.created_at,
        expires_at: record.expires_at,
        last_used_at: record.last_used_at,
        factors: None,
    }
}

#[async_trait]
impl AccessReview for MemTx {
    async fn access(&mut self, after: Option<Holder>, limit: u32) -> Result<Vec<Access>, StoreError> {
        let caller = Caller::of(self);
        let (Some(tenant), sees_keys) = (caller.within(1, 7), caller.within(4, 5).is_some()) else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        if let Some(rows) = self.read::<PrincipalRows>() {
            let own = rows.iter().filter(|((home, _), _)| *home == tenant);
            let seen = own
                .map(|(_, row)| row)
                .filter(|row| row.status != PrincipalStatus::Deleted && caller.sees(self, row.id.uuid()));
            all.extend(seen.map(|row| of_principal(self, &caller, row)));
        }
        if let Some(rows) = self.read::<KeyRows>().filter(|_| sees_keys) {
            let own = rows.iter().filter(|((home, _), _)| *home == tenant);
            let seen = own.map(|(_, row)| row).filter(|row| row.record.revoked_at.is_none());
            all.extend(seen.map(|row| of_key(self, tenant, row, caller.at)));
        }
        all.retain(|access| after.is_none_or(|after| access.holder > after));
        all.sort_by_key(|access| access.holder);
        all.truncate(limit as usize);
        Ok(all)
    }
}
