//! Tokens over checkpoints of the log of logs, as `kg_integrator`.
use async_trait::async_trait;
use keepgate_merkle::hash::Hash;
use keepgate_store::StoreError;

use super::{
    PgCosignedLogs,
    read::{signed, unsigned},
};
use crate::{
    timestamp::{DueStamp, Stamp, StampedLogs},
    witness::{LogCheckpoint, META_LOG},
};

#[async_trait]
impl StampedLogs for PgCosignedLogs {
    async fn due_stamp(&self) -> Result<DueStamp, StoreError> {
        let last = sqlx::query!("select size, stamped_at from audit.meta_timestamp order by size desc limit 1")
            .fetch_optional(self.pool())
            .await?;
        let row = sqlx::query!(
            "select m.origin, k.size, k.root, k.note from audit.meta_log m, audit.meta_checkpoint k where k.size > $1
             order by k.size desc, k.created_at desc limit 1",
            last.as_ref().map_or(0, |last| last.size)
        )
        .fetch_optional(self.pool())
        .await?;
        let corrupt = || StoreError::corrupt("audit.meta_checkpoint", "note");
        let checkpoint = row.map(|row| {
            Ok::<_, StoreError>(LogCheckpoint {
                tenant: META_LOG,
                origin: row.origin,
                size: unsigned(row.size)?,
                root: Hash::try_from(row.root.as_slice()).map_err(|_| corrupt())?,
                note: row.note.parse().map_err(|_| corrupt())?,
            })
        });
        Ok(DueStamp {
            checkpoint: checkpoint.transpose()?,
            last: last.map(|last| last.stamped_at),
        })
    }

    async fn put_stamp(&self, of: &LogCheckpoint, stamp: &Stamp) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into audit.meta_timestamp (size, root, token, stamped_at, policy) values ($1, $2, $3, $4, $5)
             on conflict do nothing",
            signed(of.size),
            of.root.as_bytes(),
            stamp.token,
            stamp.at,
            stamp.policy
        )
        .execute(self.pool())
        .await?;
        Ok(())
    }
}
