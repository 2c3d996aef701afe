//! Data keys in PostgreSQL, and the log signing keys that the integrator's role reads.
use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_policy::{Consent, Matter};
use keepgate_store::{PgTx, StoreError, Transaction};
use sqlx::PgConnection;

use crate::{CryptoError, DataKeys, Kek, KeyState, KeyStates, SigningPurpose, SigningSeed, StoredKey, Wrapped};

#[async_trait]
impl DataKeys for PgTx {
    async fn data_keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let rows = sqlx::query!("select version, kek, wrapped, destroy_after from keys.data_key order by version desc")
            .fetch_all(self.conn())
            .await?;
        let key = |version, kek, bytes, destroy_after| StoredKey {
            version,
            wrapped: Wrapped { kek, bytes },
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
            "insert into keys.data_key (tenant_id, version, kek, wrapped) values ($1, $2, $3, $4) on conflict do nothing",
            tenant,
            key.version,
            key.wrapped.kek,
            key.wrapped.bytes
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

/// The seed that signs the checkpoints of `tenant`'s log: made and stored wrapped at the first call, the same ever after.
/// `connection` is logged in as the integrator.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Corrupt`] when the stored key does not open under `kek`.
pub async fn log_signing_key(
    connection: &mut PgConnection,
    kek: &Kek,
    tenant: TenantId,
) -> Result<SigningSeed, StoreError> {
    let library = |error: CryptoError| StoreError::Unavailable(Box::new(error));
    let (owner, purpose) = (tenant.uuid(), SigningPurpose::AuditLog);
    let fresh = SigningSeed::generate(purpose).map_err(library)?;
    let wrapped = kek.wrap_seed(&fresh, owner.as_bytes()).map_err(library)?;
    sqlx::query!(
        "insert into keys.signing_key (tenant_id, purpose, kek, wrapped) values ($1, $2, $3, $4) on conflict do nothing",
        owner,
        purpose.as_str(),
        wrapped.kek,
        wrapped.bytes
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query!(
        r#"select kek as "kek!", wrapped as "wrapped!" from keys.signing_key where tenant_id = $1 and purpose = $2 order by version desc limit 1"#,
        owner,
        purpose.as_str()
    )
    .fetch_one(connection)
    .await?;
    kek.unwrap_seed(
        &Wrapped {
            kek: row.kek,
            bytes: row.wrapped,
        },
        owner.as_bytes(),
        purpose,
    )
    .map_err(|_| StoreError::corrupt("keys.signing_key", "wrapped"))
}
