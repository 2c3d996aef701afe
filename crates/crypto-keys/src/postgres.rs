//! Data keys in PostgreSQL.
mod reseals;

use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_policy::{Consent, Matter};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{DataKeys, EndProof, EndedKey, KeyState, KeyStates, StoredKey, Wrapped};

#[async_trait]
impl DataKeys for PgTx {
    async fn data_keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let rows = sqlx::query!(
            r#"select version, kek, wrapped as "wrapped!", destroy_after from keys.data_key where wrapped is not null
               order by version desc"#
        )
        .fetch_all(self.conn())
        .await?;
        let key = |version, kek, bytes, destroy_after| StoredKey {
            version,
            wrapped: Wrapped { kek, bytes },
            recovery: None,
            destroy_after,
        };
        Ok(rows
            .into_iter()
            .map(|row| key(row.version, row.kek, row.wrapped, row.destroy_after))
            .collect())
    }

    async fn add_data_key(&mut self, key: &StoredKey) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "insert into keys.data_key (tenant_id, version, kek, wrapped, recovery_to, recovery) values ($1, $2, $3, $4, $5, $6)
             on conflict do nothing",
            tenant,
            key.version,
            key.wrapped.kek,
            key.wrapped.bytes,
            key.recovery.as_ref().map(|copy| &copy.kek),
            key.recovery.as_ref().map(|copy| &copy.bytes)
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn newest_data_key(&mut self) -> Result<i32, StoreError> {
        let newest = sqlx::query_scalar!(r#"select coalesce(max(version), 0) as "newest!" from keys.data_key"#);
        Ok(newest.fetch_one(self.conn()).await?)
    }

    async fn due_data_keys(&mut self) -> Result<Vec<i32>, StoreError> {
        let due = sqlx::query_scalar!(
            "select version from keys.data_key where destroy_after <= clock_timestamp() and destroyed_at is null order by version"
        );
        Ok(due.fetch_all(self.conn()).await?)
    }

    async fn ended_data_keys(&mut self) -> Result<Vec<EndedKey>, StoreError> {
        let rows = sqlx::query!(
            r#"select version as "version!", destroyed_at as "at!", proof as "proof!" from gate.ended_data_keys()"#
        )
        .fetch_all(self.conn())
        .await?;
        let ended = rows.into_iter().map(|row| {
            let proof = row.proof.try_into();
            Ok(EndedKey {
                version: row.version,
                at: row.at,
                proof: EndProof(proof.map_err(|_| StoreError::corrupt("keys.data_key", "end_proof"))?),
            })
        });
        ended.collect()
    }

    async fn proves_end(&mut self, version: i32, proof: &EndProof) -> Result<Option<bool>, StoreError> {
        let proven = sqlx::query_scalar!("select gate.proves_end($1, $2)", version, &proof.0[..]);
        Ok(proven.fetch_one(self.conn()).await?)
    }

    async fn end_data_key(&mut self, version: i32, proof: Option<&EndProof>) -> Result<bool, StoreError> {
        let proof = proof.map(|proof| &proof.0[..]);
        let done = sqlx::query_scalar!(r#"select gate.end_data_key($1, $2) as "done!""#, version, proof);
        Ok(done.fetch_one(self.conn()).await?)
    }

    async fn tenants_with_key_ends(&mut self) -> Result<Vec<TenantId>, StoreError> {
        let tenants = sqlx::query_scalar!(r#"select t as "t!" from gate.tenants_with_key_ends() t"#)
            .fetch_all(self.conn())
            .await?;
        Ok(tenants.into_iter().map(TenantId::from_uuid).collect())
    }
}

#[async_trait]
impl KeyStates for PgTx {
    async fn key_states(&mut self) -> Result<Vec<KeyState>, StoreError> {
        let rows = sqlx::query!(
            r#"select version as "version!", created_at as "created_at!", destroy_after, destroyed_at, seals as "seals!", remaining,
               unreadable as "unreadable!", clean as "clean!" from gate.key_states()"#
        )
        .fetch_all(self.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| KeyState {
                version: row.version,
                created_at: row.created_at,
                destroy_after: row.destroy_after,
                destroyed_at: row.destroyed_at,
                seals: row.seals,
                remaining: row.remaining.and_then(|left| u64::try_from(left).ok()),
                unreadable: u64::try_from(row.unreadable).unwrap_or_default(),
                clean: row.clean,
            })
            .collect())
    }

    async fn condemn_key(&mut self, consent: &Consent) -> Result<bool, StoreError> {
        let Matter::DestroyKey { version } = consent.matter() else {
            return Err(StoreError::Forbidden);
        };
        Ok(sqlx::query_scalar!(
            r#"select gate.condemn_key($1, $2) as "done!""#,
            version,
            consent.approval().uuid()
        )
        .fetch_one(self.conn())
        .await?)
    }

    async fn rotate_data_key(&mut self, next: &StoredKey) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select gate.rotate_data_key($1, $2, $3, $4, $5) as "done!""#,
            next.version,
            next.wrapped.kek,
            next.wrapped.bytes,
            next.recovery.as_ref().map(|copy| copy.kek.as_str()),
            next.recovery.as_ref().map(|copy| copy.bytes.as_slice())
        )
        .fetch_one(self.conn())
        .await?)
    }

    async fn keep_data_key(&mut self, version: i32) -> Result<bool, StoreError> {
        let done = sqlx::query_scalar!(r#"select gate.keep_data_key($1) as "done!""#, version);
        Ok(done.fetch_one(self.conn()).await?)
    }
}
