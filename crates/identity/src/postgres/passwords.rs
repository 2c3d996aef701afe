//! Verifiers in `identity.password`.
use async_trait::async_trait;
use aws_lc_rs::digest;
use keepgate_kernel::{PrincipalId, PrincipalKind};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{demand_worker, phc};
use crate::{Email, Passwords, Phc};

#[async_trait]
impl Passwords for PgTx {
    async fn password_of_email(&mut self, email: &Email) -> Result<Option<(PrincipalId, Phc)>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            "select p.id, w.phc, w.short from rbac.principal p
               join identity.password w on w.tenant_id = p.tenant_id and w.principal_id = p.id
              where p.tenant_id = $1 and p.email = $2 and p.status = 'active'",
            tenant,
            email.as_str(),
        )
        .fetch_optional(self.conn())
        .await?;
        let found = row.map(|row| {
            Ok((
                PrincipalId::from_parts(PrincipalKind::User, row.id),
                phc(row.phc, "identity.password")?.of_short(row.short),
            ))
        });
        found.transpose()
    }

    async fn password(&mut self, principal: PrincipalId) -> Result<Option<Phc>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            "select w.phc, w.short from rbac.principal p
               join identity.password w on w.tenant_id = p.tenant_id and w.principal_id = p.id
              where p.tenant_id = $1 and p.id = $2 and p.status = 'active'",
            tenant,
            principal.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(|row| Ok(phc(row.phc, "identity.password")?.of_short(row.short)))
            .transpose()
    }

    async fn words_about(&mut self, principal: PrincipalId) -> Result<Vec<String>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            "select p.email, t.name from rbac.principal p join rbac.tenant t on t.id = p.tenant_id
              where p.tenant_id = $1 and p.id = $2 and p.status = 'active'",
            tenant,
            principal.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(row.map_or_else(Vec::new, |row| row.email.into_iter().chain([row.name]).collect()))
    }

    async fn renew_password(&mut self, present: &Phc, new: &Phc) -> Result<bool, StoreError> {
        if demand_worker(self).is_ok() {
            return Err(StoreError::Forbidden);
        }
        let known = digest::digest(&digest::SHA256, present.as_str().as_bytes());
        let renewed = sqlx::query_scalar!(
            r#"select gate.renew_password($1, $2, $3) as "renewed!""#,
            known.as_ref(),
            new.as_str(),
            new.is_short(),
        )
        .fetch_one(self.conn())
        .await?;
        Ok(renewed)
    }

    async fn put_password(&mut self, principal: PrincipalId, phc: &Phc) -> Result<(), StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "insert into identity.password (tenant_id, principal_id, phc, short) values ($1, $2, $3, $4)
             on conflict (tenant_id, principal_id) do update set phc = excluded.phc, short = excluded.short, changed_at = now()",
            tenant,
            principal.uuid(),
            phc.as_str(),
            phc.is_short(),
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
