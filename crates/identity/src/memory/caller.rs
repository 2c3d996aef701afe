//! What the sealed context of a PostgreSQL transaction knows, computed from the live rows.
use keepgate_kernel::{KeyId, Level, SessionId, TenantId, Timestamp, UnitId, Uuid};
use keepgate_policy::{Credential, Grant, OpContext, Standing, TenantStatus};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::devices::carried;
use super::rows::{GrantRows, KeyRow, KeyRows, PrincipalRow, PrincipalRows, SessionRow, SessionRows, TenantRows};
use crate::PrincipalStatus;

pub(super) struct Caller {
    pub(super) tenant: TenantId,
    pub(super) subject: Uuid,
    /// The live level, never above the claimed one; 0 for a worker, `None` for nobody.
    pub(super) level: Option<u8>,
    /// The live unit of levels 1 to 3.
    pub(super) unit: Option<UnitId>,
    pub(super) at: Timestamp,
}

impl Caller {
    pub(super) fn of(tx: &MemTx) -> Self {
        let context = tx.context();
        let (tenant, subject) = (context.tenant(), context.principal().id.uuid());
        Self {
            tenant,
            subject,
            level: live_level(tx, context),
            unit: level(tx, tenant, subject).and_then(|(_, unit)| unit),
            at: context.at(),
        }
    }

    /// `gate.tenant(lo, hi)` of the database.
    pub(super) fn within(&self, low: u8, high: u8) -> Option<TenantId> {
        self.level
            .filter(|level| (low..=high).contains(level))
            .map(|_| self.tenant)
    }

    pub(super) fn is_at_least(&self, low: u8) -> bool {
        self.within(low, 7).is_some()
    }

    /// Whose rows the caller reads: its own and those of devices it carries, from level 2 its unit's, from level 4 and as a worker the tenant's.
    pub(super) fn sees(&self, tx: &MemTx, id: Uuid) -> bool {
        let of_unit = || self.unit.is_some() && grant(tx, self.tenant, id).and_then(|held| held.unit) == self.unit;
        match self.level {
            None => false,
            Some(0 | 4..) => true,
            Some(1) => id == self.subject || carried(tx, self.tenant, id) == Some(self.subject),
            Some(_) => id == self.subject || of_unit() || carried(tx, self.tenant, id) == Some(self.subject),
        }
    }

    /// Whether the caller leads the devices of `unit` (`None`: any at all): people with a session, a supervisor in its own unit.
    pub(super) fn leads_devices(&self, tx: &MemTx, unit: Option<UnitId>) -> bool {
        if !matches!(tx.context().credential(), Credential::Session(_)) {
            return false;
        }
        match self.level {
            Some(4 | 5) => true,
            Some(3) => unit.is_none() || unit == self.unit,
            _ => false,
        }
    }

    /// The guards' second look: what changes authority or credentials needs a session that was opened just now.
    pub(super) fn demand_fresh(tx: &MemTx) -> Result<(), StoreError> {
        let context = tx.context();
        let stale = matches!(context.credential(), Credential::Session(_)) && !context.is_fresh();
        if stale {
            Err(StoreError::Forbidden)
        } else {
            Self::demand_no_hat(tx)
        }
    }

    /// Whoever wears a hat writes nothing.
    pub(super) fn demand_no_hat(tx: &MemTx) -> Result<(), StoreError> {
        let caller = tx.context().principal();
        let hat = grant(tx, caller.tenant, caller.id.uuid()).and_then(|held| held.hat);
        if hat.is_some() {
            Err(StoreError::Forbidden)
        } else {
            Ok(())
        }
    }

    pub(super) fn is_worker(&self) -> bool {
        self.level == Some(0)
    }
}

/// What `gate.enter` computes: the level a credential is worth now; `None` when it is dead.
pub(super) fn live_level(tx: &MemTx, context: &OpContext) -> Option<u8> {
    let (principal, tenant) = (context.principal(), context.tenant());
    active_tenant(tx, tenant)?;
    let claimed = match principal.standing {
        Standing::System => return (context.credential() == Credential::System).then_some(0),
        Standing::Level(level) => level.number(),
    };
    let worth = match context.credential() {
        Credential::Session(id) => of_session(tx, tenant, id, principal.id.uuid(), context.at())?,
        Credential::ApiKey(id) => of_key(tx, tenant, id, principal.id.uuid(), context.at())?,
        Credential::System => return None,
    };
    Some(worth.min(claimed))
}

fn of_session(tx: &MemTx, tenant: TenantId, id: SessionId, subject: Uuid, at: Timestamp) -> Option<u8> {
    let session: &SessionRow = tx.read::<SessionRows>()?.get(&(tenant, id))?;
    let principal = active(tx, tenant, subject)?;
    let live = !session.revoked && session.expires_at > at && session.epoch == principal.epoch;
    let (own, _) = level(tx, tenant, subject).filter(|_| live && session.principal.uuid() == subject)?;
    Some(own.min(session.level).number())
}

fn of_key(tx: &MemTx, tenant: TenantId, id: KeyId, subject: Uuid, at: Timestamp) -> Option<u8> {
    let row: &KeyRow = tx.read::<KeyRows>()?.get(&(tenant, id))?;
    let ended = row.record.expires_at.is_some_and(|end| end <= at) || row.record.revoked_at.is_some();
    if ended || row.record.service.uuid() != subject {
        return None;
    }
    key_level(tx, tenant, row).map(|(level, _)| level.number())
}

/// What a key is worth while service and owner may act: below the owner.
pub(super) fn key_level(tx: &MemTx, tenant: TenantId, row: &KeyRow) -> Option<(Level, Option<UnitId>)> {
    let (service, owner) = (row.record.service.uuid(), row.record.owner.uuid());
    active(tx, tenant, service)?;
    active(tx, tenant, owner)?;
    let (own, unit) = level(tx, tenant, service)?;
    let (bound, _) = level(tx, tenant, owner)?;
    let below = Level::try_from(bound.number() - 1).ok()?;
    Some((own.min(below), unit))
}

pub(super) fn active_tenant(tx: &MemTx, tenant: TenantId) -> Option<&keepgate_policy::Tenant> {
    tx.read::<TenantRows>()?
        .get(&tenant)
        .filter(|row| row.status == TenantStatus::Active)
}

pub(super) fn principal(tx: &MemTx, tenant: TenantId, id: Uuid) -> Option<&PrincipalRow> {
    tx.read::<PrincipalRows>()?.get(&(tenant, id))
}

pub(super) fn active(tx: &MemTx, tenant: TenantId, id: Uuid) -> Option<&PrincipalRow> {
    principal(tx, tenant, id).filter(|row| row.status == PrincipalStatus::Active)
}

pub(super) fn grant(tx: &MemTx, tenant: TenantId, id: Uuid) -> Option<Grant> {
    tx.read::<GrantRows>()?.get(&(tenant, id)).copied()
}

pub(super) fn level(tx: &MemTx, tenant: TenantId, id: Uuid) -> Option<(Level, Option<UnitId>)> {
    grant(tx, tenant, id)
        .filter(|grant| !grant.revoked)
        .map(|grant| (grant.level, grant.unit))
}
