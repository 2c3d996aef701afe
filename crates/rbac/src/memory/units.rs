//! Units in memory.
use async_trait::async_trait;
use keepgate_kernel::{TenantId, UnitId};
use keepgate_policy::{
    Authorized, Grant, Unit,
    permissions::{UnitCreate, UnitDelete, UnitUpdate},
};
use keepgate_store::{MemTx, StoreError};

use super::{
    GrantRows, UnitRows,
    caller::{Caller, grant},
};
use crate::Units;

fn of_tenant(tx: &MemTx, tenant: Option<TenantId>) -> Vec<Unit> {
    let Some(rows) = tx.read::<UnitRows>() else {
        return Vec::new();
    };
    rows.iter()
        .filter(|((home, _), _)| Some(*home) == tenant)
        .map(|(_, unit)| unit.clone())
        .collect()
}

/// The policy: levels 1 to 3 see their own.
fn seen(tx: &MemTx) -> Vec<Unit> {
    let caller = Caller::of(tx);
    let own = grant(tx, caller.tenant, caller.subject).and_then(|held| held.unit);
    let sees = |unit: &Unit| caller.within(1, 3).is_none() || own == Some(unit.id);
    of_tenant(tx, caller.within(0, 7)).into_iter().filter(sees).collect()
}

#[async_trait]
impl Units for MemTx {
    async fn unit(&mut self, id: UnitId) -> Result<Option<Unit>, StoreError> {
        Ok(seen(self).into_iter().find(|unit| unit.id == id))
    }

    async fn main_unit(&mut self) -> Result<Option<UnitId>, StoreError> {
        Ok(seen(self).first().map(|unit| unit.id))
    }

    async fn units(&mut self, after: Option<UnitId>, limit: u32) -> Result<Vec<Unit>, StoreError> {
        let page = seen(self)
            .into_iter()
            .filter(|unit| after.is_none_or(|after| unit.id > after));
        Ok(page.take(limit as usize).collect())
    }

    async fn add_unit(&mut self, proof: &Authorized<UnitCreate>, id: UnitId, name: &str) -> Result<bool, StoreError> {
        Caller::demand_no_hat(self)?;
        let tenant = Caller::of(self).within(4, 5).filter(|home| *home == proof.tenant());
        let tenant = tenant.ok_or(StoreError::Forbidden)?;
        if of_tenant(self, Some(tenant))
            .iter()
            .any(|unit| unit.name == name || unit.id == id)
        {
            return Ok(false);
        }
        let name = name.to_owned();
        self.write::<UnitRows>().insert_mut((tenant, id), Unit { id, name });
        Ok(true)
    }

    async fn rename_unit(
        &mut self,
        proof: &Authorized<UnitUpdate>,
        id: UnitId,
        name: &str,
    ) -> Result<bool, StoreError> {
        Caller::demand_no_hat(self)?;
        let units = of_tenant(self, Some(proof.tenant()));
        if units.iter().any(|unit| unit.name == name && unit.id != id) {
            return Ok(false);
        }
        let may = Caller::of(self).within(4, 5) == Some(proof.tenant());
        if may && units.iter().any(|unit| unit.id == id) {
            let name = name.to_owned();
            self.write::<UnitRows>()
                .insert_mut((proof.tenant(), id), Unit { id, name });
        }
        Ok(true)
    }

    async fn delete_unit(&mut self, proof: &Authorized<UnitDelete>, id: UnitId) -> Result<bool, StoreError> {
        Caller::demand_no_hat(self)?;
        let tenant = proof.tenant();
        let may = Caller::of(self).within(4, 5) == Some(tenant);
        if !may || of_tenant(self, Some(tenant)).iter().all(|unit| unit.id != id) {
            return Ok(false);
        }
        if self.people_in(id).await? > 0 {
            return Err(StoreError::Forbidden);
        }
        self.write::<UnitRows>().remove_mut(&(tenant, id));
        Ok(true)
    }

    async fn people_in(&mut self, id: UnitId) -> Result<u64, StoreError> {
        let caller = Caller::of(self);
        let sees = |who: &keepgate_kernel::Uuid| {
            caller.is_at_least(3) || caller.level == Some(0) || (caller.level.is_some() && *who == caller.subject)
        };
        let Some(rows) = self.read::<GrantRows>() else {
            return Ok(0);
        };
        let lives = |grant: &Grant| !grant.revoked && grant.unit == Some(id);
        let held = rows
            .iter()
            .filter(|((home, who), grant)| *home == caller.tenant && lives(grant) && sees(who));
        Ok(held.count() as u64)
    }
}
