//! Sessions in `identity.session`.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, SessionId, Timestamp, UnitId, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{hat, level, principal_id};
use crate::{LoggedIn, NewSession, SessionRecord, Sessions};

struct Row {
    sid: Uuid,
    level: i16,
    created_at: Timestamp,
    expires_at: Timestamp,
}

#[async_trait]
impl Sessions for PgTx {
    async fn open_session(&mut self, new: &NewSession) -> Result<LoggedIn, StoreError> {
        let tenant = self.context().tenant();
        // The trigger replaces level and epoch by the live ones.
        let row = sqlx::query!(
            r#"with s as (
                 insert into identity.session (tenant_id, sid, principal_id, level, epoch, expires_at, factors)
                 values ($1, $2, $3, 1, 0, least($4, now() + interval '8 hours'), $5)
                 on conflict (tenant_id, sid) do nothing
                 returning level, expires_at)
               select s.level, s.expires_at, r.unit_id as "unit_id?", r.hat as "hat?", gate.revocation_seq() as "rev!" from s
                 join rbac.role_assignment r on r.tenant_id = $1 and r.principal_id = $3"#,
            tenant.uuid(),
            new.id.uuid(),
            new.principal.uuid(),
            new.expires_at,
            new.factors.as_str(),
        )
        .fetch_optional(self.conn())
        .await?
        .ok_or(StoreError::Forbidden)?;
        Ok(LoggedIn {
            session: new.id,
            principal: new.principal,
            tenant,
            level: level(row.level, "identity.session")?,
            unit: row.unit_id.map(UnitId::from_uuid),
            hat: hat(row.hat.as_deref())?,
            factors: new.factors,
            expires_at: row.expires_at,
            rev: super::revocations::seq(row.rev)?,
        })
    }

    async fn session(&mut self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            "select p.id, p.kind, s.level, s.created_at, s.expires_at from identity.session s
               join rbac.principal p on p.tenant_id = s.tenant_id and p.id = s.principal_id
              where s.tenant_id = $1 and s.sid = $2 and s.revoked_at is null",
            tenant,
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(|row| {
            Ok(SessionRecord {
                id,
                principal: principal_id(&row.kind, row.id)?,
                level: level(row.level, "identity.session")?,
                created_at: row.created_at,
                expires_at: row.expires_at,
            })
        })
        .transpose()
    }

    async fn sessions_of(
        &mut self,
        principal: PrincipalId,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let rows = sqlx::query_as!(
            Row,
            "select s.sid, s.level, s.created_at, s.expires_at from identity.session s
               join rbac.principal p on p.tenant_id = s.tenant_id and p.id = s.principal_id and p.epoch = s.epoch and p.status = 'active'
              where s.tenant_id = $1 and s.principal_id = $2 and s.revoked_at is null and s.expires_at > now()
                and ($3::uuid is null or s.sid > $3)
              order by s.sid limit $4",
            tenant,
            principal.uuid(),
            after.map(SessionId::uuid),
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?;
        let record = |row: Row| {
            let id = SessionId::from_uuid(row.sid);
            let level = level(row.level, "identity.session")?;
            Ok(SessionRecord {
                id,
                principal,
                level,
                created_at: row.created_at,
                expires_at: row.expires_at,
            })
        };
        rows.into_iter().map(record).collect()
    }

    async fn revoke_session(&mut self, id: SessionId) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "update identity.session set revoked_at = now() where tenant_id = $1 and sid = $2 and revoked_at is null",
            tenant,
            id.uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn revoke_other_sessions(&mut self, kept: SessionId) -> Result<u64, StoreError> {
        let (tenant, subject) = (self.context().tenant().uuid(), self.context().principal().id.uuid());
        let done = sqlx::query!(
            "update identity.session set revoked_at = now()
              where tenant_id = $1 and principal_id = $2 and sid <> $3 and revoked_at is null",
            tenant,
            subject,
            kept.uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected())
    }

    async fn revoke_sessions_of(&mut self, principal: PrincipalId) -> Result<u64, StoreError> {
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "update identity.session set revoked_at = now() where tenant_id = $1 and principal_id = $2 and revoked_at is null",
            tenant,
            principal.uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected())
    }

    async fn revoke_sessions_of_all(&mut self, principals: &[PrincipalId]) -> Result<u64, StoreError> {
        let tenant = self.context().tenant().uuid();
        let ids: Vec<Uuid> = principals.iter().map(|id| id.uuid()).collect();
        let done = sqlx::query!(
            "update identity.session set revoked_at = now() where tenant_id = $1 and principal_id = any($2) and revoked_at is null",
            tenant,
            &ids,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected())
    }
}
