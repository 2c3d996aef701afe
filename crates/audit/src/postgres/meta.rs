//! Reading the log of logs, behind row-level security.
use async_trait::async_trait;
use keepgate_merkle::tile::{TileKind, TilePath};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{read::unsigned, tiles::Shelf};
use crate::{LogInfo, MetaPlace, MetaReader, SignedCheckpoint, read::reaches};

#[async_trait]
impl MetaReader for PgTx {
    async fn meta_info(&mut self) -> Result<Option<LogInfo>, StoreError> {
        let row = sqlx::query!(
            "select l.origin, c.size from audit.meta_log l
             cross join lateral (select k.size from audit.meta_checkpoint k order by k.size desc limit 1) c"
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(|row| {
            Ok(LogInfo {
                origin: row.origin,
                size: unsigned(row.size)?,
            })
        })
        .transpose()
    }

    async fn meta_checkpoint(&mut self, size: Option<u64>) -> Result<Option<SignedCheckpoint>, StoreError> {
        let Ok(size) = size.map(i64::try_from).transpose() else {
            return Ok(None);
        };
        let row = sqlx::query!(
            "select size, note from audit.meta_checkpoint where size = coalesce($1, size)
             order by size desc, created_at desc limit 1",
            size
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(|row| {
            Ok(SignedCheckpoint {
                size: unsigned(row.size)?,
                note: row.note,
            })
        })
        .transpose()
    }

    async fn meta_tile(&mut self, path: &TilePath) -> Result<Option<Vec<u8>>, StoreError> {
        let size = self.meta_info().await?.map_or(0, |info| info.size);
        if path.kind() == TileKind::Entries || !reaches(path, size) {
            return Ok(None);
        }
        let content = Shelf::Meta.tile(self.conn(), path).await?;
        content
            .map(Some)
            .ok_or(StoreError::corrupt("audit.meta_tile", "hashes"))
    }

    async fn meta_place(&mut self) -> Result<Option<MetaPlace>, StoreError> {
        let tenant = self.context().tenant().uuid();
        // A leaf may be of a checkpoint that was signed and never published.
        let row = sqlx::query!(
            r#"select e.idx as "idx!", c.size as "size!", c.note as "note!"
               from audit.meta_entry e
               cross join lateral (select k.size, k.note from audit.checkpoint k where k.tenant_id = e.tenant_id and k.size = e.size
                                   and k.root = e.root order by k.created_at desc limit 1) c
               where e.tenant_id = $1 order by e.idx desc limit 1"#,
            tenant
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(|row| {
            Ok(MetaPlace {
                index: unsigned(row.idx)?,
                checkpoint: SignedCheckpoint {
                    size: unsigned(row.size)?,
                    note: row.note,
                },
            })
        })
        .transpose()
    }
}
