//! Holds in `audit.hold`.
use async_trait::async_trait;
use keepgate_kernel::{HoldId, PrincipalId, PrincipalKind, Timestamp, Uuid};
use keepgate_policy::{Consent, Matter};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{Hold, HoldScope, Holds, NewHold};

struct Row {
    id: Uuid,
    subject: Option<Uuid>,
    from_at: Option<Timestamp>,
    to_at: Option<Timestamp>,
    reason: String,
    placed_by: Uuid,
    placed_at: Timestamp,
    released_by: Option<Uuid>,
    released_at: Option<Timestamp>,
}

/// Only people place holds, and only people are held by name.
const fn user(id: Uuid) -> PrincipalId {
    PrincipalId::from_parts(PrincipalKind::User, id)
}

impl From<Row> for Hold {
    fn from(row: Row) -> Self {
        Self {
            id: HoldId::from_uuid(row.id),
            scope: HoldScope {
                subject: row.subject.map(user),
                from: row.from_at,
                to: row.to_at,
            },
            reason: row.reason,
            placed_by: user(row.placed_by),
            placed_at: row.placed_at,
            released: row.released_by.map(user).zip(row.released_at),
        }
    }
}

#[async_trait]
impl Holds for PgTx {
    async fn add_hold(&mut self, new: &NewHold) -> Result<(), StoreError> {
        let (tenant, placed_by) = (self.context().tenant().uuid(), self.context().principal().id.uuid());
        sqlx::query!(
            "insert into audit.hold (tenant_id, id, subject, from_at, to_at, reason, placed_by) values ($1, $2, $3, $4, $5, $6, $7)",
            tenant,
            new.id.uuid(),
            new.scope.subject.map(|subject| subject.uuid()),
            new.scope.from,
            new.scope.to,
            new.reason,
            placed_by,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn hold(&mut self, id: HoldId) -> Result<Option<Hold>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query_as!(
            Row,
            "select id, subject, from_at, to_at, reason, placed_by, placed_at, released_by, released_at
               from audit.hold where tenant_id = $1 and id = $2",
            tenant,
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(row.map(Hold::from))
    }

    async fn holds(&mut self, after: Option<HoldId>, limit: u32) -> Result<Vec<Hold>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let rows = sqlx::query_as!(
            Row,
            "select id, subject, from_at, to_at, reason, placed_by, placed_at, released_by, released_at
               from audit.hold where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
            tenant,
            after.map(HoldId::uuid),
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?;
        Ok(rows.into_iter().map(Hold::from).collect())
    }

    async fn is_held(&mut self, subject: PrincipalId) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        Ok(sqlx::query_scalar!(
            r#"select exists (select from audit.hold where tenant_id = $1 and released_at is null and coalesce(subject, $2) = $2) as "held!""#,
            tenant,
            subject.uuid(),
        )
        .fetch_one(self.conn())
        .await?)
    }

    async fn release_hold(&mut self, consent: &Consent) -> Result<bool, StoreError> {
        let Matter::ReleaseHold { hold } = consent.matter() else {
            return Err(StoreError::Forbidden);
        };
        Ok(sqlx::query_scalar!(
            r#"select gate.release_hold($1, $2) as "done!""#,
            hold.uuid(),
            consent.approval().uuid(),
        )
        .fetch_one(self.conn())
        .await?)
    }
}
