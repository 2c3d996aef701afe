//! Levels in memory.
use async_trait::async_trait;
use keepgate_kernel::{Hat, Level, PrincipalId, PrincipalKind, TenantId, UnitId};
use keepgate_policy::{Candidate, EnlistProof, Grant, GrantProof, Matter, Plane, ReachProof};
use keepgate_store::{MemTx, StoreError};

use super::{
    GrantRows, TenantRows, UnitRows,
    approvals::spend,
    caller::{Caller, grant},
};
use crate::Roles;

#[async_trait]
impl Roles for MemTx {
    async fn role_of(&mut self, principal: PrincipalId) -> Result<Option<Grant>, StoreError> {
        let caller = Caller::of(self);
        let held = grant(self, caller.tenant, principal.uuid());
        Ok(held.filter(|held| !held.revoked && caller.sees(principal.uuid(), held)))
    }

    async fn assign(&mut self, proof: GrantProof, unit: Option<UnitId>) -> Result<(), StoreError> {
        let (target, level) = (proof.target(), proof.level());
        let caller = Caller::of(self);
        let held = grant(self, target.tenant, target.principal.uuid());
        let plane = self
            .read::<TenantRows>()
            .and_then(|rows| rows.get(&target.tenant))
            .map(|tenant| tenant.plane);
        let right_plane = plane.is_some_and(|plane| (plane == Plane::Platform) == level.is_platform());
        if !right_plane
            || proof.by().uuid() != caller.subject
            || target.principal.uuid() == caller.subject
            || level.needs_unit() != unit.is_some()
            || target.principal.kind() == PrincipalKind::Device
            || !(proof.approval().is_some() || dominates(&caller, level, target.tenant == caller.tenant))
            || unit.is_some_and(|unit| !is_home(self, target.tenant, unit))
            || held.is_some_and(|held| Some(held.level.number()) >= caller.level)
        {
            return Err(StoreError::Forbidden);
        }
        Caller::demand_fresh(self)?;
        if let Some(approval) = proof.approval() {
            // Addresses are the sibling's rows: whose it is was compared before the consent was minted.
            spend(self, approval, |matter| match matter {
                Matter::GrantGlobal(Candidate::User(user)) => *user == target.principal,
                Matter::GrantGlobal(Candidate::Address(_)) => held.is_none(),
                Matter::BreakGlass { .. }
                | Matter::DestroyKey { .. }
                | Matter::EraseSubject { .. }
                | Matter::ReleaseHold { .. } => false,
            })?;
        }
        let row = Grant {
            level,
            unit,
            hat: held.filter(|_| level != Level::GlobalAdmin).and_then(|held| held.hat),
            by: Some(caller.subject),
            revoked: false,
        };
        self.write::<GrantRows>()
            .insert_mut((target.tenant, target.principal.uuid()), row);
        Ok(())
    }

    async fn place_device(&mut self, proof: EnlistProof) -> Result<(), StoreError> {
        let (caller, target, unit) = (Caller::of(self), proof.target(), proof.unit());
        let held = grant(self, target.tenant, target.principal.uuid());
        let leads = caller.leads_devices(self, unit) && target.tenant == caller.tenant;
        let movable =
            held.is_none_or(|held| !held.revoked && held.unit.is_some_and(|before| caller.leads_devices(self, before)));
        if !leads || !movable || proof.by().uuid() != caller.subject || !is_home(self, target.tenant, unit) {
            return Err(StoreError::Forbidden);
        }
        Caller::demand_no_hat(self)?;
        let row = Grant {
            level: Level::FieldAgent,
            unit: Some(unit),
            hat: None,
            by: Some(caller.subject),
            revoked: false,
        };
        self.write::<GrantRows>()
            .insert_mut((target.tenant, target.principal.uuid()), row);
        Ok(())
    }

    async fn revoke_role(&mut self, proof: &ReachProof) -> Result<bool, StoreError> {
        let (caller, target) = (Caller::of(self), proof.target());
        let held = grant(self, target.tenant, target.principal.uuid());
        let device = target.principal.kind() == PrincipalKind::Device;
        let touches = |held: &Grant| {
            let other = target.principal.uuid() != caller.subject && target.tenant == caller.tenant;
            let below = if device {
                held.unit.is_some_and(|unit| caller.leads_devices(self, unit))
            } else {
                dominates(&caller, held.level, true)
            };
            !held.revoked && other && below
        };
        let Some(held) = held.filter(touches) else {
            return Ok(false);
        };
        if proof.by().uuid() != caller.subject {
            return Err(StoreError::Forbidden);
        }
        if device {
            Caller::demand_no_hat(self)?;
        } else {
            Caller::demand_fresh(self)?;
        }
        let row = Grant {
            by: Some(caller.subject),
            revoked: true,
            ..held
        };
        self.write::<GrantRows>()
            .insert_mut((target.tenant, target.principal.uuid()), row);
        Ok(true)
    }

    async fn wear(&mut self, proof: &ReachProof, hat: Option<Hat>) -> Result<bool, StoreError> {
        let (caller, target) = (Caller::of(self), proof.target());
        let held = grant(self, target.tenant, target.principal.uuid());
        let touches = |held: &Grant| {
            let other = target.principal.uuid() != caller.subject && target.tenant == caller.tenant;
            !held.revoked && other && dominates(&caller, held.level, true)
        };
        if target.principal.kind() == PrincipalKind::Device {
            return Err(StoreError::Forbidden); // a device wears none
        }
        let Some(held) = held.filter(touches) else {
            return Ok(false);
        };
        if proof.by().uuid() != caller.subject {
            return Err(StoreError::Forbidden);
        }
        let row = Grant {
            hat,
            by: Some(caller.subject),
            ..held
        };
        self.write::<GrantRows>()
            .insert_mut((target.tenant, target.principal.uuid()), row);
        Ok(true)
    }

    async fn owners_of(&mut self, tenant: TenantId) -> Result<Vec<PrincipalId>, StoreError> {
        let caller = Caller::of(self);
        let sees = caller.level == Some(7) || (caller.tenant == tenant && caller.is_at_least(3));
        let Some(rows) = self.read::<GrantRows>().filter(|_| sees) else {
            return Ok(Vec::new());
        };
        let owner = |grant: &Grant| !grant.revoked && grant.level == Level::TenantOwner;
        let found = rows.iter().filter(|((home, _), grant)| *home == tenant && owner(grant));
        Ok(found
            .map(|((_, id), _)| PrincipalId::from_parts(PrincipalKind::User, *id))
            .collect())
    }
}

fn is_home(tx: &MemTx, tenant: TenantId, unit: UnitId) -> bool {
    tx.read::<UnitRows>()
        .is_some_and(|rows| rows.contains_key(&(tenant, unit)))
}

/// The trigger's rule, on the caller's live level.
fn dominates(caller: &Caller, level: Level, same_tenant: bool) -> bool {
    let below = caller.is_at_least(4) && Some(level.number()) < caller.level;
    below && (same_tenant || (caller.level == Some(7) && level == Level::TenantOwner))
}
