//! Tenants in `rbac.tenant`.
use async_trait::async_trait;
use keepgate_kernel::{TenantId, Timestamp, Uuid};
use keepgate_policy::{
    Authorized, Plane, Tenant, TenantStatus,
    permissions::{TenantCreate, TenantUpdate},
};
use keepgate_store::{PgTx, StoreError};

use crate::Tenants;

struct Row {
    id: Uuid,
    name: String,
    kind: String,
    status: String,
    created_at: Timestamp,
}

impl TryFrom<Row> for Tenant {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: TenantId::from_uuid(row.id),
            name: row.name,
            plane: Plane::parse(&row.kind).ok_or_else(|| StoreError::corrupt("rbac.tenant", "kind"))?,
            status: TenantStatus::parse(&row.status).ok_or_else(|| StoreError::corrupt("rbac.tenant", "status"))?,
            created_at: row.created_at,
        })
    }
}

#[async_trait]
impl Tenants for PgTx {
    async fn add_tenant(
        &mut self,
        _proof: &Authorized<TenantCreate>,
        id: TenantId,
        name: &str,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into rbac.tenant (id, name, kind) values ($1, $2, 'customer')",
            id.uuid(),
            name
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn tenant(&mut self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        sqlx::query_as!(
            Row,
            "select id, name, kind, status, created_at from rbac.tenant where id = $1",
            id.uuid()
        )
        .fetch_optional(self.conn())
        .await?
        .map(Tenant::try_from)
        .transpose()
    }

    async fn tenants(&mut self, after: Option<TenantId>, limit: u32) -> Result<Vec<Tenant>, StoreError> {
        sqlx::query_as!(
            Row,
            "select id, name, kind, status, created_at from rbac.tenant
              where $1::uuid is null or id > $1 order by id limit $2",
            after.map(TenantId::uuid),
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?
        .into_iter()
        .map(Tenant::try_from)
        .collect()
    }

    async fn set_tenant_status(
        &mut self,
        _proof: &Authorized<TenantUpdate>,
        id: TenantId,
        status: TenantStatus,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update rbac.tenant set status = $2 where id = $1",
            id.uuid(),
            status.as_str()
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
