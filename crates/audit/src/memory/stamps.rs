//! Tokens over checkpoints of the log of logs, in memory.
use async_trait::async_trait;
use keepgate_store::{MemStore, MemTx, StoreError};
use rpds::RedBlackTreeMapSync;

use super::{
    cosigned::{checkpoint_of, open, write},
    table::Audit,
};
use crate::{
    timestamp::{DueStamp, Stamp, StampedLogs},
    witness::{LogCheckpoint, META_LOG},
};

/// By size of the log of logs.
#[derive(Debug, Clone, Default)]
struct Stamps(RedBlackTreeMapSync<u64, Stamp>);

/// The smallest stamped size from `size` on, or the largest of all.
pub(super) fn stamped(tx: &MemTx, size: Option<u64>) -> Option<(u64, Stamp)> {
    let stamps = &tx.read::<Stamps>()?.0;
    let found = match size {
        Some(size) => stamps.range(size..).next(),
        None => stamps.last(),
    };
    found.map(|(size, stamp)| (*size, stamp.clone()))
}

#[async_trait]
impl StampedLogs for MemStore {
    async fn due_stamp(&self) -> Result<DueStamp, StoreError> {
        let tx = open(self, META_LOG)?;
        let meta = tx.read::<Audit>().and_then(|audit| audit.meta.clone());
        let latest = match &meta {
            Some(meta) => checkpoint_of(META_LOG, &meta.origin, &meta.checkpoints)?,
            None => None,
        };
        let last = stamped(&tx, None);
        let size = last.as_ref().map_or(0, |(size, _)| *size);
        Ok(DueStamp {
            checkpoint: latest.filter(|latest| latest.size > size),
            last: last.map(|(_, stamp)| stamp.at),
        })
    }

    async fn put_stamp(&self, of: &LogCheckpoint, stamp: &Stamp) -> Result<(), StoreError> {
        write(self, of.tenant, |stamps: &mut Stamps| {
            if !stamps.0.contains_key(&of.size) {
                stamps.0.insert_mut(of.size, stamp.clone());
            }
        })
        .await
    }
}
