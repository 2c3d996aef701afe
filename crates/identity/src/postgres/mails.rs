//! Mail in `identity.mail`.
use std::time::Duration;

use async_trait::async_trait;
use keepgate_kernel::{MailId, PrincipalId, PrincipalKind, TenantId, Timestamp, Uuid};
use keepgate_policy::ReachProof;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::demand_worker;
use crate::{DueMail, Email, MailKind, MailNotice, Mails, NOTICE_LIFE, REQUEST_LIFE};

struct Row {
    id: Uuid,
    kind: String,
    principal_id: Option<Uuid>,
    sealed: Option<Vec<u8>>,
    attempts: i32,
    created_at: Timestamp,
    email: Option<String>,
}

impl Row {
    /// `None`: a notice that this version does not know. Another may; the row is left to it until its end.
    fn due(self) -> Result<Option<DueMail>, StoreError> {
        let corrupt = |column| StoreError::corrupt("identity.mail", column);
        let principal = self
            .principal_id
            .map(|id| PrincipalId::from_parts(PrincipalKind::User, id));
        let notice = MailNotice::ALL.into_iter().find(|notice| notice.as_str() == self.kind);
        let kind = match (self.kind.as_str(), principal, self.sealed) {
            ("recovery", None, Some(sealed)) => MailKind::Recovery(sealed),
            ("reset", Some(principal), None) => MailKind::Reset(principal),
            (_, Some(principal), None) => match notice {
                Some(notice) => MailKind::Notice(principal, notice),
                None => return Ok(None),
            },
            _ => return Err(corrupt("kind")),
        };
        let to = self.email.map(|email| {
            email
                .parse::<Email>()
                .map_err(|_| StoreError::corrupt("rbac.principal", "email"))
        });
        Ok(Some(DueMail {
            id: MailId::from_uuid(self.id),
            kind,
            to: to.transpose()?,
            attempts: self.attempts.try_into().map_err(|_| corrupt("attempts"))?,
            created_at: self.created_at,
        }))
    }
}

async fn queue(tx: &mut PgTx, kind: &str, principal: PrincipalId, life: Duration) -> Result<(), StoreError> {
    let (tenant, at) = (tx.context().tenant().uuid(), tx.context().at());
    sqlx::query!(
        "insert into identity.mail (tenant_id, id, kind, principal_id, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(secs => $5))",
        tenant,
        MailId::new(at).uuid(),
        kind,
        principal.uuid(),
        life.as_secs_f64(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[async_trait]
impl Mails for PgTx {
    async fn notify(&mut self, principal: PrincipalId, notice: MailNotice) -> Result<(), StoreError> {
        queue(self, notice.as_str(), principal, NOTICE_LIFE).await
    }

    async fn ask_for_code(&mut self, proof: &ReachProof) -> Result<(), StoreError> {
        let target = proof.target();
        if proof.by() != self.context().principal().id || target.tenant != self.context().tenant() {
            return Err(StoreError::Forbidden);
        }
        queue(self, "reset", target.principal, REQUEST_LIFE).await
    }

    async fn queue_code(&mut self, principal: PrincipalId) -> Result<(), StoreError> {
        demand_worker(self)?;
        queue(self, "reset", principal, REQUEST_LIFE).await
    }

    async fn queue_recovery(&mut self, id: MailId, sealed: &[u8]) -> Result<(), StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "insert into identity.mail (tenant_id, id, kind, sealed, expires_at)
             values ($1, $2, 'recovery', $3, now() + make_interval(secs => $4))",
            tenant,
            id.uuid(),
            sealed,
            REQUEST_LIFE.as_secs_f64(),
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn tenants_with_mail(&mut self, limit: u16) -> Result<Vec<TenantId>, StoreError> {
        demand_worker(self)?;
        let tenants = sqlx::query_scalar!(r#"select gate.due_mail($1) as "tenant!""#, i32::from(limit))
            .fetch_all(self.conn())
            .await?;
        Ok(tenants.into_iter().map(TenantId::from_uuid).collect())
    }

    async fn lease_mail(&mut self, limit: u16, until: Timestamp) -> Result<Vec<DueMail>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "delete from identity.mail where tenant_id = $1 and expires_at <= now()",
            tenant
        )
        .execute(self.conn())
        .await?;
        let rows = sqlx::query_as!(
            Row,
            r#"with due as (
                 select m.id from identity.mail m where m.tenant_id = $1 and m.next_at <= now()
                  order by m.next_at limit $2 for update skip locked),
               leased as (
                 update identity.mail m set attempts = m.attempts + 1, next_at = $3 from due
                  where m.tenant_id = $1 and m.id = due.id
                 returning m.id, m.kind, m.principal_id, m.sealed, m.attempts, m.created_at)
               select l.id, l.kind, l.principal_id, l.sealed, l.attempts, l.created_at, p.email as "email?" from leased l
                 left join rbac.principal p on p.tenant_id = $1 and p.id = l.principal_id and p.status = 'active'
                order by l.created_at, l.id"#,
            tenant,
            i64::from(limit),
            until,
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().filter_map(|row| row.due().transpose()).collect()
    }

    async fn postpone_mail(&mut self, id: MailId, at: Timestamp) -> Result<(), StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "update identity.mail set next_at = $3 where tenant_id = $1 and id = $2",
            tenant,
            id.uuid(),
            at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn drop_mail(&mut self, id: MailId) -> Result<(), StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "delete from identity.mail where tenant_id = $1 and id = $2",
            tenant,
            id.uuid()
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
