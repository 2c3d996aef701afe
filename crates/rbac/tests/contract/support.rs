//! The cast in memory, newcomers, and callers who claim to be more than they are.
use async_trait::async_trait;
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, TenantId};
use keepgate_policy::{Grant, OpContext, Plane, Principal, Standing, Tenant, TenantStatus, Unit};
use keepgate_rbac::{
    Approvals, Roles, Tenants, Units,
    memory::{GrantRows, TenantRows, UnitRows},
};
use keepgate_store::{
    MemTx, PgTx, StoreError, Transaction,
    testing::{Ids, TestTx, World},
};

/// What arranging needs, and the product must not have.
#[async_trait]
pub trait Arrange: Send {
    /// Writes the cast where the world did not.
    async fn cast(&mut self, ids: &Ids) -> Result<(), StoreError>;
    /// A principal without a level.
    async fn newcomer(&mut self, tenant: TenantId, id: PrincipalId) -> Result<(), StoreError>;
}

pub trait Tx: TestTx + Tenants + Units + Roles + Approvals + Arrange {}
impl<T: TestTx + Tenants + Units + Roles + Approvals + Arrange> Tx for T {}

#[async_trait]
impl Arrange for MemTx {
    async fn cast(&mut self, ids: &Ids) -> Result<(), StoreError> {
        let at = self.context().at();
        for (id, plane) in [
            (ids.platform, Plane::Platform),
            (ids.tenant, Plane::Customer),
            (ids.other, Plane::Customer),
        ] {
            let tenant = Tenant {
                id,
                name: plane.as_str().into(),
                plane,
                status: TenantStatus::Active,
                created_at: at,
            };
            self.write::<TenantRows>().insert_mut(id, tenant);
            for level in Level::ALL
                .into_iter()
                .filter(|level| level.is_platform() == (plane == Plane::Platform))
            {
                let unit = level
                    .needs_unit()
                    .then_some(if id == ids.other { ids.other_unit } else { ids.unit });
                let grant = Grant {
                    level,
                    unit,
                    hat: None,
                    by: None,
                    revoked: false,
                };
                self.write::<GrantRows>()
                    .insert_mut((id, ids.principal(id, level).uuid()), grant);
            }
        }
        for (tenant, id) in [(ids.tenant, ids.unit), (ids.other, ids.other_unit)] {
            self.write::<UnitRows>().insert_mut(
                (tenant, id),
                Unit {
                    id,
                    name: "main".into(),
                },
            );
        }
        Ok(())
    }

    async fn newcomer(&mut self, _tenant: TenantId, _id: PrincipalId) -> Result<(), StoreError> {
        Ok(()) // principals are the sibling's rows; the ports here don't look at them
    }
}

#[async_trait]
impl Arrange for PgTx {
    async fn cast(&mut self, _ids: &Ids) -> Result<(), StoreError> {
        Ok(())
    }

    async fn newcomer(&mut self, tenant: TenantId, id: PrincipalId) -> Result<(), StoreError> {
        sqlx::query("insert into rbac.principal (tenant_id, id, kind, email) values ($1, $2, 'user', $3)")
            .bind(tenant.uuid())
            .bind(id.uuid())
            .bind(format!("{id}@example.org"))
            .execute(self.conn())
            .await?;
        Ok(())
    }
}

/// Commits what a case did, with an entry.
#[expect(clippy::disallowed_methods, reason = "a case is its own doorway")]
pub async fn done(mut tx: Box<dyn Tx>) {
    tx.mark().await.expect("an entry is appended");
    tx.commit().await.expect("a marked transaction commits");
}

/// The cast, in either world.
pub async fn seeded(world: &World<dyn Tx>) {
    let mut tx = world.begin(&world.worker()).await;
    tx.cast(&world.ids).await.expect("the cast enters");
    done(tx).await;
}

/// A principal of `tenant` that holds no level yet.
pub async fn newcomer(world: &World<dyn Tx>, tenant: TenantId) -> PrincipalId {
    let id = PrincipalId::new(PrincipalKind::User, world.now);
    let mut tx = world.begin(&world.caller(Level::GlobalAdmin)).await;
    tx.newcomer(tenant, id).await.expect("a newcomer enters");
    done(tx).await;
    id
}

/// `caller`, claiming another level and tenant: what a bug in the service could hand to the policy.
#[expect(clippy::disallowed_methods, reason = "the lie is the point")]
pub fn lying(caller: &OpContext, level: Level, tenant: Option<TenantId>) -> OpContext {
    let honest = caller.principal();
    let tenant = tenant.unwrap_or(honest.tenant);
    let principal = Principal {
        standing: Standing::Level(level),
        tenant,
        ..honest.clone()
    };
    OpContext::authenticated(
        principal,
        caller.credential(),
        caller.assurance(),
        None,
        caller.request(),
        caller.at(),
    )
}
