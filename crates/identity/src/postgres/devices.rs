//! Devices in `rbac.principal`, and their codes.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind, Timestamp, UnitId, Uuid};
use keepgate_policy::{EnlistProof, ReachProof};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{DeviceChange, DeviceRecord, Devices, NewDevice, NewEnrolment, PrincipalStatus};

struct Row {
    id: Uuid,
    display_name: Option<String>,
    status: String,
    unit_id: Option<Uuid>,
    owner_id: Option<Uuid>,
    created_at: Timestamp,
    joined_at: Option<Timestamp>,
}

impl TryFrom<Row> for DeviceRecord {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: PrincipalId::from_parts(PrincipalKind::Device, row.id),
            name: row.display_name,
            status: PrincipalStatus::parse(&row.status)
                .ok_or_else(|| StoreError::corrupt("rbac.principal", "status"))?,
            unit: row.unit_id.map(UnitId::from_uuid),
            owner: row.owner_id.map(|id| PrincipalId::from_parts(PrincipalKind::User, id)),
            created_at: row.created_at,
            enrolled_at: row.joined_at,
        })
    }
}

#[async_trait]
impl Devices for PgTx {
    async fn add_device(&mut self, proof: &EnlistProof, new: &NewDevice) -> Result<bool, StoreError> {
        if proof.by() != self.context().principal().id {
            return Err(StoreError::Forbidden);
        }
        let done = sqlx::query!(
            "insert into rbac.principal (tenant_id, id, kind, display_name, owner_id) values ($1, $2, 'device', $3, $4) on conflict do nothing",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            new.name,
            new.owner.map(PrincipalId::uuid),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn device(&mut self, id: PrincipalId) -> Result<Option<DeviceRecord>, StoreError> {
        if id.kind() != PrincipalKind::Device {
            return Ok(None);
        }
        let tenant = self.context().tenant().uuid();
        sqlx::query_as!(
            Row,
            r#"select p.id, p.display_name, p.status, r.unit_id as "unit_id?", p.owner_id, p.created_at, k.joined_at as "joined_at?"
                 from rbac.principal p
                 left join rbac.role_assignment r on r.tenant_id = p.tenant_id and r.principal_id = p.id and r.revoked_at is null
                 left join identity.device_key k on k.tenant_id = p.tenant_id and k.principal_id = p.id
                where p.tenant_id = $1 and p.id = $2 and p.kind = 'device'"#,
            tenant,
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?
        .map(DeviceRecord::try_from)
        .transpose()
    }

    async fn devices(&mut self, after: Option<PrincipalId>, limit: u32) -> Result<Vec<DeviceRecord>, StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query_as!(
            Row,
            r#"select p.id, p.display_name, p.status, r.unit_id as "unit_id?", p.owner_id, p.created_at, k.joined_at as "joined_at?"
                 from rbac.principal p
                 left join rbac.role_assignment r on r.tenant_id = p.tenant_id and r.principal_id = p.id and r.revoked_at is null
                 left join identity.device_key k on k.tenant_id = p.tenant_id and k.principal_id = p.id
                where p.tenant_id = $1 and p.kind = 'device' and p.status <> 'deleted' and ($2::uuid is null or p.id > $2)
                order by p.id limit $3"#,
            tenant,
            after.map(PrincipalId::uuid),
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?
        .into_iter()
        .map(DeviceRecord::try_from)
        .collect()
    }

    async fn change_device(&mut self, proof: &ReachProof, change: &DeviceChange) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update rbac.principal set display_name = coalesce($3, display_name), owner_id = case when $4 then $5 else owner_id end
              where tenant_id = $1 and id = $2 and kind = 'device' and status <> 'deleted' and (select gate.subject()) = $6",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            change.name.as_deref(),
            change.owner.is_some(),
            change.owner.flatten().map(PrincipalId::uuid),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn add_device_code(&mut self, proof: &ReachProof, new: &NewEnrolment) -> Result<(), StoreError> {
        if (proof.target().principal, proof.target().tenant) != (new.principal, new.tenant) {
            return Err(StoreError::Forbidden);
        }
        sqlx::query!(
            "insert into identity.device_code (tenant_id, id, principal_id, made_by, code_hash, expires_at)
             values ($1, $2, $3, $4, $5, least($6, now() + interval '24 hours'))",
            new.tenant.uuid(),
            new.id.uuid(),
            new.principal.uuid(),
            proof.by().uuid(),
            new.hash.as_bytes(),
            new.expires_at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
