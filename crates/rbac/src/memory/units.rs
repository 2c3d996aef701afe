//! Units in memory.
use async_trait::async_trait;
use keepgate_kernel::{TenantId, UnitId};
use keepgate_policy::Unit;
use keepgate_store::{MemTx, StoreError};

use super::{UnitRows, caller::Caller};
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

#[async_trait]
impl Units for MemTx {
    async fn unit(&mut self, id: UnitId) -> Result<Option<Unit>, StoreError> {
        let units = of_tenant(self, Caller::of(self).within(0, 7));
        Ok(units.into_iter().find(|unit| unit.id == id))
    }

    async fn main_unit(&mut self) -> Result<Option<UnitId>, StoreError> {
        let units = of_tenant(self, Caller::of(self).within(0, 7));
        Ok(units.into_iter().find(|unit| unit.name == "main").map(|unit| unit.id))
    }

    async fn units(&mut self) -> Result<Vec<Unit>, StoreError> {
        let mut units = of_tenant(self, Caller::of(self).within(0, 7));
        units.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(units)
    }
}
