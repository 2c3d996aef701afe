//! Sealed values in PostgreSQL, through functions that know every column.
use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_store::{PgTx, StoreError};

use crate::{Replacement, Reseals, SealedKind, SealedRow, Walk, WalkPhase, Walked};

fn corrupt(column: &'static str) -> StoreError {
    StoreError::corrupt("keys.reseal", column)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[async_trait]
impl Reseals for PgTx {
    async fn tenants_to_reseal(&mut self, limit: u16) -> Result<Vec<TenantId>, StoreError> {
        let tenants = sqlx::query_scalar!(
            r#"select t as "t!" from gate.tenants_to_reseal($1) t"#,
            i32::from(limit)
        )
        .fetch_all(self.conn())
        .await?;
        Ok(tenants.into_iter().map(TenantId::from_uuid).collect())
    }

    async fn sealed_left(&mut self) -> Result<(u64, u64), StoreError> {
        let row = sqlx::query!(r#"select remaining as "remaining!", shut as "shut!" from gate.sealed_left()"#)
            .fetch_one(self.conn())
            .await?;
        Ok((count(row.remaining), count(row.shut)))
    }

    async fn claim_reseal(&mut self, seconds: u16) -> Result<Option<Walk>, StoreError> {
        let row = sqlx::query!(
            r#"select kind as "kind!", version as "version!", phase as "phase!", after, token as "token!" from gate.claim_reseal($1)"#,
            i32::from(seconds)
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Walk {
            kind: SealedKind::parse(&row.kind).ok_or_else(|| corrupt("kind"))?,
            version: row.version,
            phase: match row.phase.as_str() {
                "count" => WalkPhase::Count,
                "seal" => WalkPhase::Seal,
                _ => return Err(corrupt("phase")),
            },
            after: row.after,
            token: row.token,
        }))
    }

    async fn count_sealed(
        &mut self,
        walk: &Walk,
        limit: u16,
        seconds: u16,
        settle: u16,
    ) -> Result<Option<bool>, StoreError> {
        let more = sqlx::query_scalar!(
            "select gate.count_sealed($1, $2, $3, $4, $5)",
            walk.kind.as_str(),
            walk.token,
            i32::from(limit),
            i32::from(seconds),
            i32::from(settle)
        );
        Ok(more.fetch_one(self.conn()).await?)
    }

    async fn sealed_next(
        &mut self,
        kind: SealedKind,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let rows = sqlx::query!(
            r#"select name as "name!", owner, version, kek, value from gate.sealed_next($1, $2, $3)"#,
            kind.as_str(),
            after,
            i32::from(limit)
        )
        .fetch_all(self.conn())
        .await?;
        let rows = rows.into_iter().map(|row| SealedRow {
            name: row.name,
            owner: row.owner,
            version: row.version.unwrap_or_default(),
            kek: row.kek,
            value: row.value,
        });
        Ok(rows.collect())
    }

    async fn reseal(&mut self, kind: SealedKind, value: &Replacement, version: i32) -> Result<bool, StoreError> {
        let done = sqlx::query_scalar!(
            r#"select gate.reseal($1, $2, $3, $4, $5) as "done!""#,
            kind.as_str(),
            value.name,
            value.old,
            value.new,
            version
        );
        Ok(done.fetch_one(self.conn()).await?)
    }

    async fn sealed_walked(&mut self, walk: &Walk, walked: &Walked, seconds: u16) -> Result<bool, StoreError> {
        let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        let done = sqlx::query_scalar!(
            r#"select gate.sealed_walked($1, $2, $3, $4, $5, $6, $7) as "done!""#,
            walk.kind.as_str(),
            walk.token,
            walked.after,
            walked.from,
            number(walked.moved),
            number(walked.shut),
            i32::from(seconds)
        );
        Ok(done.fetch_one(self.conn()).await?)
    }
}
