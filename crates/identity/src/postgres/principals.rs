//! Principals in `rbac.principal`.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind, TenantId, Timestamp, UnitId, Uuid};
use keepgate_policy::{Credential, ReachProof};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{demand_worker, hat, level, principal_id};
use crate::{Me, NewPrincipal, PrincipalRecord, PrincipalStatus, Principals};

struct Row {
    id: Uuid,
    kind: String,
    email: Option<String>,
    display_name: Option<String>,
    status: String,
    created_at: Timestamp,
    level: Option<i16>,
    unit_id: Option<Uuid>,
    hat: Option<String>,
}

impl TryFrom<Row> for PrincipalRecord {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let email = row.email.map(|text| text.parse()).transpose();
        Ok(Self {
            id: principal_id(&row.kind, row.id)?,
            email: email.map_err(|_| StoreError::corrupt("rbac.principal", "email"))?,
            display_name: row.display_name,
            status: PrincipalStatus::parse(&row.status)
                .ok_or_else(|| StoreError::corrupt("rbac.principal", "status"))?,
            level: row
                .level
                .map(|number| level(number, "rbac.role_assignment"))
                .transpose()?,
            unit: row.unit_id.map(UnitId::from_uuid),
            hat: hat(row.hat.as_deref())?,
            created_at: row.created_at,
        })
    }
}

#[async_trait]
impl Principals for PgTx {
    async fn add_principal(&mut self, new: &NewPrincipal) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "insert into rbac.principal (tenant_id, id, kind, email, display_name) values ($1, $2, $3, $4, $5) on conflict do nothing",
            new.tenant.uuid(),
            new.id.uuid(),
            new.id.kind().as_str(),
            new.email.as_ref().map(crate::Email::as_str),
            new.display_name.as_deref(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn principal(&mut self, id: PrincipalId) -> Result<Option<PrincipalRecord>, StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query_as!(
            Row,
            r#"select p.id, p.kind, p.email, p.display_name, p.status, p.created_at, r.level as "level?", r.unit_id as "unit_id?", r.hat as "hat?"
                 from rbac.principal p
                 left join rbac.role_assignment r on r.tenant_id = p.tenant_id and r.principal_id = p.id and r.revoked_at is null
                where p.tenant_id = $1 and p.id = $2 and p.kind = $3"#,
            tenant,
            id.uuid(),
            id.kind().as_str(),
        )
        .fetch_optional(self.conn())
        .await?
        .map(PrincipalRecord::try_from)
        .transpose()
    }

    async fn principals(
        &mut self,
        kind: PrincipalKind,
        after: Option<PrincipalId>,
        limit: u32,
    ) -> Result<Vec<PrincipalRecord>, StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query_as!(
            Row,
            r#"select p.id, p.kind, p.email, p.display_name, p.status, p.created_at, r.level as "level?", r.unit_id as "unit_id?", r.hat as "hat?"
                 from rbac.principal p
                 left join rbac.role_assignment r on r.tenant_id = p.tenant_id and r.principal_id = p.id and r.revoked_at is null
                where p.tenant_id = $1 and p.kind = $2 and p.status <> 'deleted' and ($3::uuid is null or p.id > $3)
                order by p.id limit $4"#,
            tenant,
            kind.as_str(),
            after.map(PrincipalId::uuid),
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?
        .into_iter()
        .map(PrincipalRecord::try_from)
        .collect()
    }

    async fn set_principal_active(&mut self, proof: &ReachProof, active: bool) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update rbac.principal set status = case when $3 then 'active' else 'disabled' end,
                                       epoch = epoch + case when $3 then 0 else 1 end
              where tenant_id = $1 and id = $2 and status <> 'deleted' and (select gate.subject()) = $4",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            active,
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn rename_principal(&mut self, proof: &ReachProof, name: &str) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update rbac.principal set display_name = $3
              where tenant_id = $1 and id = $2 and status <> 'deleted' and (select gate.subject()) = $4",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            name,
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn end_every_session(&mut self, proof: &ReachProof) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update rbac.principal set epoch = epoch + 1
              where tenant_id = $1 and id = $2 and status <> 'deleted' and (select gate.subject()) = $3",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn delete_principal(&mut self, proof: &ReachProof) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update rbac.principal set status = 'deleted', email = null, display_name = null, epoch = epoch + 1
              where tenant_id = $1 and id = $2 and status <> 'deleted' and (select gate.subject()) = $3",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn me(&mut self) -> Result<Option<Me>, StoreError> {
        if demand_worker(self).is_ok() {
            return Ok(None);
        }
        let (tenant, id, credential) = (
            self.context().tenant(),
            self.context().principal().id,
            self.context().credential(),
        );
        let row = sqlx::query!(
            r#"select p.kind, p.display_name, t.name, gate.level()::smallint as "level!", gate.expires_at() as expires_at, r.hat as "hat?"
                 from rbac.principal p join rbac.tenant t on t.id = p.tenant_id
                 left join rbac.role_assignment r on r.tenant_id = p.tenant_id and r.principal_id = p.id and r.revoked_at is null
                where p.tenant_id = $1 and p.id = $2"#,
            tenant.uuid(),
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Me {
            principal: principal_id(&row.kind, id.uuid())?,
            display_name: row.display_name,
            tenant: TenantId::from_uuid(tenant.uuid()),
            tenant_name: row.name,
            level: level(row.level, "identity.session")?,
            hat: hat(row.hat.as_deref())?,
            session: if let Credential::Session(session) = credential {
                Some(session)
            } else {
                None
            },
            expires_at: row.expires_at,
        }))
    }
}
