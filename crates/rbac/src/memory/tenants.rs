//! Tenants in memory.
use async_trait::async_trait;
use keepgate_kernel::{TenantId, UnitId};
use keepgate_policy::{
    Authorized, Plane, Tenant, TenantStatus, Unit,
    permissions::{TenantCreate, TenantUpdate},
};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{TenantRows, UnitRows, caller::Caller};
use crate::Tenants;

fn sees(caller: &Caller, id: TenantId) -> bool {
    caller.is_at_least(6) || caller.within(0, 7) == Some(id)
}

#[async_trait]
impl Tenants for MemTx {
    async fn add_tenant(
        &mut self,
        _proof: &Authorized<TenantCreate>,
        id: TenantId,
        name: &str,
    ) -> Result<(), StoreError> {
        if !Caller::of(self).is_at_least(7) {
            return Err(StoreError::Forbidden);
        }
        let at = self.context().at();
        let rows = self.write::<TenantRows>();
        if rows.contains_key(&id) {
            return Err(StoreError::Conflict);
        }
        let name = name.to_owned();
        rows.insert_mut(
            id,
            Tenant {
                id,
                name,
                plane: Plane::Customer,
                status: TenantStatus::Active,
                created_at: at,
            },
        );
        let unit = UnitId::new(at);
        self.write::<UnitRows>().insert_mut(
            (id, unit),
            Unit {
                id: unit,
                name: "main".to_owned(),
            },
        );
        Ok(())
    }

    async fn tenant(&mut self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let seen = sees(&Caller::of(self), id);
        Ok(self
            .read::<TenantRows>()
            .and_then(|rows| rows.get(&id))
            .filter(|_| seen)
            .cloned())
    }

    async fn tenants(&mut self, after: Option<TenantId>, limit: u32) -> Result<Vec<Tenant>, StoreError> {
        let caller = Caller::of(self);
        let Some(rows) = self.read::<TenantRows>() else {
            return Ok(Vec::new());
        };
        let page = rows
            .values()
            .filter(|tenant| after.is_none_or(|after| tenant.id > after) && sees(&caller, tenant.id));
        Ok(page.take(limit as usize).cloned().collect())
    }

    async fn set_tenant_status(
        &mut self,
        _proof: &Authorized<TenantUpdate>,
        id: TenantId,
        status: TenantStatus,
    ) -> Result<bool, StoreError> {
        let may = Caller::of(self).is_at_least(7);
        let found = self.read::<TenantRows>().and_then(|rows| rows.get(&id)).cloned();
        let Some(mut tenant) = found.filter(|tenant| may && tenant.plane == Plane::Customer) else {
            return Ok(false);
        };
        tenant.status = status;
        self.write::<TenantRows>().insert_mut(id, tenant);
        Ok(true)
    }
}
