//! Imported texts in `identity.imported_key`.
use async_trait::async_trait;
use keepgate_kernel::KeyId;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{demand_worker, phc};
use crate::{BcryptHash, ImportedKeys, ImportedOnFile, Lookup, NewImportedKey, Phc, Verifier};

const TABLE: &str = "identity.imported_key";

#[async_trait]
impl ImportedKeys for PgTx {
    async fn is_lookup_free(&mut self, lookup: &Lookup) -> Result<bool, StoreError> {
        Ok(
            sqlx::query_scalar!(r#"select gate.lookup_is_free($1) as "free!""#, lookup.as_str())
                .fetch_one(self.conn())
                .await?,
        )
    }

    async fn add_imported_key(&mut self, new: &NewImportedKey) -> Result<(), StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "insert into identity.imported_key (tenant_id, key_id, lookup, bcrypt) values ($1, $2, $3, $4)",
            tenant,
            new.key.uuid(),
            new.lookup.as_str(),
            new.bcrypt.as_str(),
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn imported_on_file(&mut self, key: KeyId) -> Result<Option<ImportedOnFile>, StoreError> {
        demand_worker(self)?;
        let row = sqlx::query!(
            "select bcrypt, phc, until from identity.imported_key where tenant_id = (select gate.worker()) and key_id = $1",
            key.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let verifier = match (row.bcrypt, row.phc) {
            (Some(hash), None) => {
                Verifier::Bcrypt(BcryptHash::parse(&hash).map_err(|_| StoreError::corrupt(TABLE, "bcrypt"))?)
            }
            (None, Some(text)) => Verifier::Argon2id(phc(text, TABLE)?),
            _ => return Err(StoreError::corrupt(TABLE, "phc")),
        };
        Ok(Some(ImportedOnFile {
            verifier,
            until: row.until,
        }))
    }

    async fn rehash_imported_key(&mut self, key: KeyId, from: &BcryptHash, phc: &Phc) -> Result<bool, StoreError> {
        demand_worker(self)?;
        let done = sqlx::query!(
            "update identity.imported_key set bcrypt = null, phc = $3
              where tenant_id = (select gate.worker()) and key_id = $1 and bcrypt = $2",
            key.uuid(),
            from.as_str(),
            phc.as_str(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
