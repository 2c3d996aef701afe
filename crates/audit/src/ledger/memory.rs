//! A ledger in memory, gone with the process: for tests and for trying it out.
use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use keepgate_kernel::{Clock, Outcome, RequestId, SystemClock, TenantId, Timestamp};
use keepgate_merkle::{hash::Hash, tree::Frontier};
use keepgate_policy::OpContext;
use keepgate_store::{MemStore, MemTx, StoreError, Transaction};
use rpds::{RedBlackTreeSetSync, VectorSync};

use super::{
    LedgerError,
    book::{Backend, Book, LedgerTx},
    deed::{Deed, Line, Receipt, check_action},
};
use crate::{SignedHead, leaf::leaf_hash, memory::tile_hash};

/// The log beside the program's own rows.
#[derive(Debug, Clone, Default)]
struct Kept {
    words: RedBlackTreeSetSync<String>,
    leaves: VectorSync<Arc<[u8]>>,
    hashes: VectorSync<Hash>,
    edge: Frontier,
    newest: Option<(u64, String)>,
}

/// Keeps a ledger in memory.
#[derive(Debug, Clone)]
pub struct Memory {
    store: MemStore,
    tenant: TenantId,
}

/// A transaction in memory. Of two that overlap, the second to commit gets [`StoreError::Conflict`].
#[derive(Debug)]
pub struct MemoryTx {
    tx: MemTx,
    tenant: TenantId,
}

impl Memory {
    pub(super) fn new(tenant: TenantId) -> Self {
        Self {
            store: MemStore::new(),
            tenant,
        }
    }

    fn open(&self) -> Result<MemTx, LedgerError> {
        let now = SystemClock.now();
        let context = OpContext::system(self.tenant, RequestId::new(now), now);
        Ok(self.store.begin(&context)?)
    }

    fn read<T>(&self, look: impl FnOnce(&Kept) -> T) -> Result<T, LedgerError> {
        let tx = self.open()?;
        Ok(match tx.read::<Kept>() {
            Some(kept) => look(kept),
            None => look(&Kept::default()),
        })
    }

    /// Tries again when somebody else committed meanwhile: nothing of the caller's depends on what was read.
    async fn change(&self, mut change: impl FnMut(&mut Kept) + Send) -> Result<(), LedgerError> {
        loop {
            let mut tx = self.open()?;
            change(tx.write_unaudited());
            match finish(tx).await {
                Err(LedgerError::Store(StoreError::Conflict)) => {}
                end => return end,
            }
        }
    }
}

impl MemoryTx {
    /// The rows of type `T` as this transaction sees them; `None` before the first write.
    #[must_use]
    pub fn read<T: std::any::Any>(&self) -> Option<&T> {
        self.tx.read()
    }

    /// The rows of type `T`, to be changed. Begins are O(1) where `T` is made of persistent collections.
    pub fn write<T: std::any::Any + Clone + Default + Send + Sync>(&mut self) -> &mut T {
        self.tx.write()
    }

    fn append(&mut self, line: &Line, at: Timestamp) -> Result<Receipt, LedgerError> {
        let known = self
            .tx
            .read::<Kept>()
            .is_some_and(|kept| kept.words.contains(line.action()));
        if !known {
            return Err(LedgerError::UnknownAction(line.action().to_owned()));
        }
        let leaf = line.leaf(self.tenant, at).to_bytes();
        let hash = Hash::from_bytes(leaf_hash(&leaf));
        let kept = self.tx.write_unaudited::<Kept>();
        kept.leaves.push_back_mut(leaf.into());
        kept.hashes.push_back_mut(hash);
        let index = kept.edge.push(hash);
        self.tx.mark_audited();
        Ok(Receipt {
            index,
            entry: line.id,
            recorded_at: at,
            leaf_hash: hash,
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a ledger is the gate of its own store: it has just appended the entry, or changed no audited row"
)]
async fn finish(tx: MemTx) -> Result<(), LedgerError> {
    Ok(Box::new(tx).commit().await?)
}

#[async_trait]
impl LedgerTx for MemoryTx {
    async fn commit(mut self, deed: &Deed) -> Result<Receipt, LedgerError> {
        let receipt = self.append(&deed.line(Outcome::Done, None)?, SystemClock.now())?;
        finish(self.tx).await?;
        Ok(receipt)
    }
}

impl Backend for Memory {
    type Tx = MemoryTx;

    async fn begin(&self) -> Result<MemoryTx, LedgerError> {
        Ok(MemoryTx {
            tx: self.open()?,
            tenant: self.tenant,
        })
    }
}

#[async_trait]
impl Book for Memory {
    /// Every row written through [`MemoryTx::write`] is audited, whatever the table is called.
    async fn declare(&self, _: &str, words: &[&str]) -> Result<(), LedgerError> {
        words.iter().try_for_each(|word| check_action(word))?;
        self.change(|kept| words.iter().for_each(|word| kept.words.insert_mut((*word).to_owned())))
            .await
    }

    async fn append(&self, line: Line) -> Result<Receipt, LedgerError> {
        loop {
            let mut tx = self.begin().await?;
            let receipt = tx.append(&line, SystemClock.now())?;
            match finish(tx.tx).await {
                Err(LedgerError::Store(StoreError::Conflict)) => {}
                end => return end.map(|()| receipt),
            }
        }
    }

    async fn edge(&self) -> Result<Frontier, LedgerError> {
        self.read(|kept| kept.edge.clone())
    }

    async fn newest(&self) -> Result<Option<String>, LedgerError> {
        self.read(|kept| kept.newest.as_ref().map(|(_, note)| note.clone()))
    }

    async fn publish(&self, head: SignedHead, note: &str) -> Result<(), LedgerError> {
        self.change(|kept| {
            if kept.newest.as_ref().is_none_or(|(size, _)| *size <= head.size) {
                kept.newest = Some((head.size, note.to_owned()));
            }
        })
        .await
    }

    async fn leaves(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, LedgerError> {
        self.read(|kept| {
            places(range)
                .map_while(|at| Some(kept.leaves.get(at)?.to_vec()))
                .collect()
        })
    }

    async fn hashes(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, LedgerError> {
        self.read(|kept| range.map_while(|at| tile_hash(&kept.hashes, level, at)).collect())
    }
}

fn places(range: Range<u64>) -> impl Iterator<Item = usize> {
    range.map_while(|at| usize::try_from(at).ok())
}
