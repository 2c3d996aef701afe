//! Data keys in PostgreSQL.
use async_trait::async_trait;
use keepgate_policy::{Consent, Matter};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{DataKeys, KeyState, KeyStates, StoredKey, Wrapped};

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
}

#[async_trait]
impl KeyStates for PgTx {
    async fn key_states(&mut self) -> Result<Vec<KeyState>, StoreError> {
        let rows = sqlx::query!(
            r#"select version as "version!", created_at as "created_at!", destroy_after from gate.key_states()"#
        )
        .fetch_all(self.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| KeyState {
                version: row.version,
                created_at: row.created_at,
                destroy_after: row.destroy_after,
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
}
