//! The log of logs in memory.
use async_trait::async_trait;
use keepgate_kernel::{Level, TenantId};
use keepgate_merkle::{
    hash::{Hash, leaf_hash},
    tile::{TileKind, TilePath, encode_hashes},
    tree::Frontier,
};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::{RedBlackTreeMapSync, VectorSync};

use super::{
    cosigned::{cosigned, witnessed},
    read::tile_hash,
    stamps::stamped,
    table::{Audit, Meta},
};
use crate::{
    LogFault, LogHost, LogInfo, LogSigner, MetaPlace, MetaReader, SignedCheckpoint, SignedHead,
    integrate::{body, sign, state_of},
    read::reaches,
    timestamp::StampedCheckpoint,
    witness::META_LOG,
};

/// Appends the states of the logs that were signed, and signs.
pub(super) async fn grow(
    meta: Option<&Meta>,
    host: &LogHost,
    signer: &dyn LogSigner,
    fresh: &[(TenantId, String, SignedHead)],
    at: u64,
) -> Result<Option<Meta>, LogFault> {
    let mut meta = meta.cloned().unwrap_or_else(|| Meta {
        origin: host.meta_origin(),
        leaves: VectorSync::new_sync(),
        hashes: VectorSync::new_sync(),
        frontier: Frontier::default(),
        checkpoints: RedBlackTreeMapSync::new_sync(),
    });
    let keys = signer.meta_keys(&meta.origin).await.map_err(LogFault::Signer)?;
    let Some(keys) = keys else { return Ok(None) };
    for (tenant, origin, state) in fresh {
        let hash = leaf_hash(body(origin, *state).as_bytes());
        meta.frontier.push(hash);
        meta.hashes.push_back_mut(hash);
        meta.leaves.push_back_mut((*tenant, state.size));
    }
    let state = state_of(&meta.frontier);
    let note = sign(&meta.origin, state, &keys, at)?;
    meta.checkpoints
        .insert_mut(state.size, SignedCheckpoint { size: state.size, note });
    Ok(Some(meta))
}

/// The log of logs for whoever may read a log, and whose the context is.
fn visible(tx: &MemTx) -> Option<(&Meta, TenantId)> {
    let caller = tx.context().principal();
    match caller.level()? {
        Level::TenantAdmin | Level::TenantOwner | Level::GlobalAdmin => {
            Some((tx.read::<Audit>()?.meta.as_ref()?, caller.tenant))
        }
        _ => None,
    }
}

#[async_trait]
impl MetaReader for MemTx {
    async fn meta_info(&mut self) -> Result<Option<LogInfo>, StoreError> {
        Ok(visible(self).map(|(meta, _)| LogInfo {
            origin: meta.origin.clone(),
            size: meta.frontier.size(),
        }))
    }

    async fn meta_checkpoint(&mut self, size: Option<u64>) -> Result<Option<SignedCheckpoint>, StoreError> {
        Ok(visible(self).and_then(|(meta, _)| match size {
            Some(size) => meta
                .checkpoints
                .get(&size)
                .map(|signed| cosigned(self, META_LOG, signed)),
            None => meta
                .checkpoints
                .last()
                .map(|(_, signed)| cosigned(self, META_LOG, signed)),
        }))
    }

    async fn meta_witnessed(&mut self) -> Result<Option<SignedCheckpoint>, StoreError> {
        match witnessed(self, META_LOG) {
            Some(size) => self.meta_checkpoint(Some(size)).await,
            None => Ok(None),
        }
    }

    async fn meta_timestamp(&mut self, size: Option<u64>) -> Result<Option<StampedCheckpoint>, StoreError> {
        let Some((size, stamp)) = visible(self).and_then(|_| stamped(self, size)) else {
            return Ok(None);
        };
        let checkpoint = self.meta_checkpoint(Some(size)).await?;
        let checkpoint = checkpoint.ok_or(StoreError::corrupt("audit.meta_timestamp", "size"))?;
        Ok(Some(StampedCheckpoint { checkpoint, stamp }))
    }

    async fn meta_tile(&mut self, path: &TilePath) -> Result<Option<Vec<u8>>, StoreError> {
        let (Some((meta, _)), TileKind::Hashes(level)) = (visible(self), path.kind()) else {
            return Ok(None);
        };
        if !reaches(path, meta.frontier.size()) {
            return Ok(None);
        }
        let first = path.index().saturating_mul(256);
        let positions = first..first.saturating_add(path.width().into());
        let hashes: Option<Vec<Hash>> = positions
            .map(|position| tile_hash(&meta.hashes, level, position))
            .collect();
        Ok(hashes.map(|hashes| encode_hashes(&hashes)))
    }

    async fn meta_place(&mut self, below: u64, size: u64) -> Result<Option<MetaPlace>, StoreError> {
        let Some((meta, tenant)) = visible(self) else {
            return Ok(None);
        };
        let below = usize::try_from(below).unwrap_or(usize::MAX);
        let own = meta.leaves.iter().enumerate().take(below);
        let mut own = own.filter(|(_, (of, about))| *of == tenant && *about <= size);
        let Some((index, (_, size))) = own.by_ref().last() else {
            return Ok(None);
        };
        let checkpoint = self
            .read::<Audit>()
            .and_then(|audit| audit.logs.get(&tenant)?.checkpoints.get(size).cloned());
        Ok(checkpoint.map(|checkpoint| MetaPlace {
            index: index as u64,
            checkpoint,
        }))
    }
}
