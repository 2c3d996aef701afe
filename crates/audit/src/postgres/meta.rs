//! Reading the log of logs, behind row-level security.
use async_trait::async_trait;
use keepgate_merkle::tile::{TileKind, TilePath};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{
    cosigned::with_lines,
    read::{signed, unsigned},
    tiles::Shelf,
};
use crate::{
    LogInfo, MetaPlace, MetaReader, SignedCheckpoint,
    read::reaches,
    timestamp::{Stamp, StampedCheckpoint},
    witness::META_LOG,
};

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
            r#"select c.size, c.note, (select string_agg(s.line, '' order by s.cosigner) from (
                   select distinct on (k.cosigner) k.cosigner, k.line from audit.cosignature k
                   where k.tenant_id = $2 and k.size = c.size and k.root = c.root order by k.cosigner, k.at desc) s) as lines
               from audit.meta_checkpoint c where c.size = coalesce($1, c.size)
               order by c.size desc, c.created_at desc limit 1"#,
            size,
            META_LOG.uuid()
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(|row| {
            Ok(SignedCheckpoint {
                size: unsigned(row.size)?,
                note: with_lines(row.note, row.lines.as_deref())?,
            })
        })
        .transpose()
    }

    async fn meta_witnessed(&mut self) -> Result<Option<SignedCheckpoint>, StoreError> {
        let size = sqlx::query_scalar!(
            "select w.size from audit.witnessed w join audit.meta_checkpoint c using (size, root)
             where w.tenant_id = $1 order by w.size desc limit 1",
            META_LOG.uuid()
        )
        .fetch_optional(self.conn())
        .await?;
        match size {
            Some(size) => self.meta_checkpoint(Some(unsigned(size)?)).await,
            None => Ok(None),
        }
    }

    async fn meta_timestamp(&mut self, size: Option<u64>) -> Result<Option<StampedCheckpoint>, StoreError> {
        let row = sqlx::query!(
            "select size, token, stamped_at, policy from audit.meta_timestamp where size >= coalesce($1::bigint, 0)
             order by case when $1::bigint is null then -size else size end limit 1",
            size.map(signed)
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let checkpoint = self.meta_checkpoint(Some(unsigned(row.size)?)).await?;
        Ok(Some(StampedCheckpoint {
            checkpoint: checkpoint.ok_or(StoreError::corrupt("audit.meta_timestamp", "size"))?,
            stamp: Stamp {
                token: row.token,
                at: row.stamped_at,
                policy: row.policy,
            },
        }))
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

    async fn meta_place(&mut self, below: u64, size: u64) -> Result<Option<MetaPlace>, StoreError> {
        let tenant = self.context().tenant().uuid();
        // A leaf may be of a checkpoint that was signed and never published.
        let row = sqlx::query!(
            r#"select e.idx as "idx!", c.size as "size!", c.note as "note!"
               from audit.meta_entry e
               cross join lateral (select k.size, k.note from audit.checkpoint k where k.tenant_id = e.tenant_id and k.size = e.size
                                   and k.root = e.root order by k.created_at desc limit 1) c
               where e.tenant_id = $1 and e.idx < $2 and e.size <= $3 order by e.idx desc limit 1"#,
            tenant,
            signed(below),
            signed(size)
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
