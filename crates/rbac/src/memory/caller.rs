//! What the sealed context of a PostgreSQL transaction knows.
use keepgate_kernel::{Level, TenantId, UnitId, Uuid};
use keepgate_policy::{Credential, Grant, Standing};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::GrantRows;

pub(super) struct Caller {
    pub(super) tenant: TenantId,
    pub(super) subject: Uuid,
    /// The live level, never above the claimed one; 0 for a worker, `None` for somebody without any.
    pub(super) level: Option<u8>,
    /// The live unit of levels 1 to 3.
    pub(super) unit: Option<UnitId>,
}

pub(super) fn grant(tx: &MemTx, tenant: TenantId, principal: Uuid) -> Option<Grant> {
    tx.read::<GrantRows>()?.get(&(tenant, principal)).copied()
}

impl Caller {
    pub(super) fn of(tx: &MemTx) -> Self {
        let principal = tx.context().principal();
        let (tenant, subject) = (principal.tenant, principal.id.uuid());
        let level = match principal.standing {
            Standing::System => Some(0),
            Standing::Level(claimed) => grant(tx, tenant, subject)
                .filter(|grant| !grant.revoked)
                .map(|live| Level::min(live.level, claimed).number()),
        };
        let unit = grant(tx, tenant, subject).and_then(|live| live.unit);
        Self {
            tenant,
            subject,
            level,
            unit,
        }
    }

    /// Whose level the caller reads: its own, from level 2 its unit's, from level 4 and as a worker the tenant's.
    pub(super) fn sees(&self, principal: Uuid, held: &Grant) -> bool {
        match self.level {
            None => false,
            Some(0 | 4..) => true,
            Some(1) => principal == self.subject,
            Some(_) => principal == self.subject || (self.unit.is_some() && held.unit == self.unit),
        }
    }

    /// Whether the caller leads the devices of `unit`: people with a session, a supervisor in its own.
    pub(super) fn leads_devices(&self, tx: &MemTx, unit: UnitId) -> bool {
        if !matches!(tx.context().credential(), Credential::Session(_)) {
            return false;
        }
        match self.level {
            Some(4 | 5) => true,
            Some(3) => self.unit == Some(unit),
            _ => false,
        }
    }

    /// The guard's second look: a level is given and taken by a session that was opened just now.
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

    /// `gate.tenant(lo, hi)` of the database.
    pub(super) fn within(&self, low: u8, high: u8) -> Option<TenantId> {
        self.level
            .filter(|level| (low..=high).contains(level))
            .map(|_| self.tenant)
    }

    pub(super) fn is_at_least(&self, low: u8) -> bool {
        self.within(low, 7).is_some()
    }
}
