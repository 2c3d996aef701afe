//! What the sealed context of a PostgreSQL transaction knows.
use keepgate_kernel::{Level, TenantId, Uuid};
use keepgate_policy::{Grant, Standing};
use keepgate_store::{MemTx, Transaction};

use super::GrantRows;

pub(super) struct Caller {
    pub(super) tenant: TenantId,
    pub(super) subject: Uuid,
    /// The live level, never above the claimed one; 0 for a worker, `None` for somebody without any.
    pub(super) level: Option<u8>,
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
        Self { tenant, subject, level }
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
