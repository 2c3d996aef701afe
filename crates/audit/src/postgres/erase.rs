//! Erasing through `gate.erase_subject` and `gate.erase_again`.
use async_trait::async_trait;
use keepgate_kernel::{AuditId, ErasureId, PrincipalId, PrincipalKind, TenantId, Timestamp, Uuid};
use keepgate_policy::{Consent, Matter};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::read::unsigned;
use crate::{Erased, Erasure, Erasures, NewErasure};

const fn user(id: Uuid) -> PrincipalId {
    PrincipalId::from_parts(PrincipalKind::User, id)
}

struct Row {
    id: Uuid,
    subject: Uuid,
    reason: String,
    erased_by: Option<Uuid>,
    erased_at: Timestamp,
    openings: i64,
    idx: Option<i64>,
}

impl TryFrom<Row> for Erasure {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: ErasureId::from_uuid(row.id),
            subject: user(row.subject),
            reason: row.reason,
            erased_by: row.erased_by.map(user),
            erased_at: row.erased_at,
            index: row.idx.map(unsigned).transpose()?,
            openings: unsigned(row.openings)?,
        })
    }
}

#[async_trait]
impl Erasures for PgTx {
    async fn erase(&mut self, consent: &Consent, new: &NewErasure) -> Result<Erased, StoreError> {
        if !matches!(consent.matter(), Matter::EraseSubject { subject } if *subject == new.subject) {
            return Err(StoreError::Forbidden);
        }
        let ended = sqlx::query_scalar!(
            r#"select gate.erase_subject($1, $2, $3, $4, $5) as "ended!""#,
            new.id.uuid(),
            new.subject.uuid(),
            new.reason,
            new.entry.uuid(),
            consent.approval().uuid(),
        )
        .fetch_one(self.conn())
        .await?;
        match ended.as_str() {
            "erased" => Ok(Erased::Done),
            "unknown" => Ok(Erased::Unknown),
            "not-deleted" => Ok(Erased::Living),
            "held" => Ok(Erased::Held),
            _ => Err(StoreError::corrupt("audit.erasure", "subject")),
        }
    }

    async fn erase_again(&mut self, id: ErasureId, subject: PrincipalId, entry: AuditId) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select gate.erase_again($1, $2, $3) as "done!""#,
            id.uuid(),
            subject.uuid(),
            entry.uuid(),
        )
        .fetch_one(self.conn())
        .await?)
    }

    async fn erasure(&mut self, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query_as!(
            Row,
            r#"select e.id, e.subject, e.reason, e.erased_by, e.erased_at, e.openings, l.idx as "idx?"
                 from audit.erasure e left join audit.leaf l on l.tenant_id = e.tenant_id and l.entry_id = e.entry_id
                where e.tenant_id = $1 and e.id = $2 and (select gate.level()) between 4 and 5"#,
            tenant,
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?
        .map(Erasure::try_from)
        .transpose()
    }

    async fn erasures(&mut self, after: Option<ErasureId>, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let rows = sqlx::query_as!(
            Row,
            r#"select e.id, e.subject, e.reason, e.erased_by, e.erased_at, e.openings, l.idx as "idx?"
                 from audit.erasure e left join audit.leaf l on l.tenant_id = e.tenant_id and l.entry_id = e.entry_id
                where e.tenant_id = $1 and ($2::uuid is null or e.id > $2) and (select gate.level()) between 4 and 5
                order by e.id limit $3"#,
            tenant,
            after.map(ErasureId::uuid),
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(Erasure::try_from).collect()
    }

    async fn erased_subjects(&mut self) -> Result<Vec<(PrincipalId, Timestamp)>, StoreError> {
        let rows =
            sqlx::query!(r#"select subject as "subject!", erased_at as "erased_at!" from gate.erased_subjects()"#)
                .fetch_all(self.conn())
                .await?;
        Ok(rows.into_iter().map(|row| (user(row.subject), row.erased_at)).collect())
    }

    async fn tenants_with_erasures(&mut self) -> Result<Vec<TenantId>, StoreError> {
        let tenants = sqlx::query_scalar!(r#"select t as "t!" from gate.tenants_with_erasures() t"#)
            .fetch_all(self.conn())
            .await?;
        Ok(tenants.into_iter().map(TenantId::from_uuid).collect())
    }

    async fn tenants_with_strangers(&mut self, days: u16) -> Result<Vec<TenantId>, StoreError> {
        let days = i32::from(days);
        let tenants = sqlx::query_scalar!(r#"select t as "t!" from gate.tenants_with_strangers($1) t"#, days)
            .fetch_all(self.conn())
            .await?;
        Ok(tenants.into_iter().map(TenantId::from_uuid).collect())
    }

    async fn end_strangers(&mut self, days: u16) -> Result<u64, StoreError> {
        let gone = sqlx::query_scalar!(r#"select gate.end_strangers($1) as "gone!""#, i32::from(days))
            .fetch_one(self.conn())
            .await?;
        unsigned(gone)
    }
}
