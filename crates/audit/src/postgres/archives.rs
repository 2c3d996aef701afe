//! What is known about archives, behind row-level security.
use async_trait::async_trait;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::read::{signed, unsigned};
use crate::archive::{Archive, Archives};

#[async_trait]
impl Archives for PgTx {
    async fn record_archive(&mut self, archive: &Archive) -> Result<(), StoreError> {
        sqlx::query!(
            "select gate.record_archive($1, $2, $3, $4, $5, $6)",
            signed(archive.from),
            signed(archive.to),
            archive.month,
            signed(archive.size),
            archive.manifest.as_slice(),
            archive.place
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn archives(&mut self) -> Result<Vec<Archive>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let rows = sqlx::query!(
            "select from_idx, to_idx, month, size, manifest, place from audit.archive where tenant_id = $1 order by from_idx",
            tenant
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Archive {
                    from: unsigned(row.from_idx)?,
                    to: unsigned(row.to_idx)?,
                    month: row.month,
                    size: unsigned(row.size)?,
                    manifest: manifest(row.manifest)?,
                    place: row.place,
                })
            })
            .collect()
    }

    async fn min_index(&mut self) -> Result<u64, StoreError> {
        let tenant = self.context().tenant().uuid();
        let min = sqlx::query_scalar!(r#"select audit.min_index($1) as "min!""#, tenant)
            .fetch_one(self.conn())
            .await?;
        unsigned(min)
    }
}

pub(super) fn manifest(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::corrupt("audit.archive", "manifest"))
}
