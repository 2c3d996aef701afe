//! Reading in memory.
use async_trait::async_trait;
use keepgate_kernel::Level;
use keepgate_merkle::{
    hash::Hash,
    tile::{TileKind, TilePath, encode_bundle, encode_hashes},
    tree::root_of,
};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::VectorSync;

use super::{
    cosigned::{cosigned, witnessed},
    erase::erased_at,
    table::{Audit, Log},
};
use crate::{
    AuditReader, Entry, EntryQuery, LogInfo, Page, SignedCheckpoint, StoredOpening, entry::StoredEntry, query::WINDOW,
    read::reaches,
};

/// The log that the context may see, as the policies in PostgreSQL decide it, and everybody's openings.
fn visible(tx: &MemTx) -> Option<(&Log, &Audit)> {
    let caller = tx.context().principal();
    let rows = tx.read::<Audit>()?;
    match caller.level()? {
        Level::TenantAdmin | Level::TenantOwner | Level::GlobalAdmin => Some((rows.logs.get(&caller.tenant)?, rows)),
        _ => None,
    }
}

fn size(log: &Log) -> u64 {
    log.frontier.size()
}

fn entry_at(tx: &MemTx, (log, rows): (&Log, &Audit), index: u64) -> Option<Result<Entry, StoreError>> {
    let row = log.rows.get(usize::try_from(index).ok()?)?;
    let stored = StoredEntry {
        index,
        bytes: row.leaf.to_vec(),
        leaf_hash: row.leaf_hash,
        source: None,
        sealed: None,
    };
    let found = Entry::try_from(stored).map(|mut entry| {
        entry.sealed = row.key.and_then(|key| {
            Some(StoredOpening {
                key: rows.keys.get(&(row.tenant, key))?.0.clone(),
                sealed: rows.openings.get(&(row.tenant, key, entry.leaf.id.uuid()))?.clone(),
            })
        });
        if entry.lacks_opening() {
            entry.erased = erased_at(tx, row.tenant, entry.leaf.actor);
        }
        entry
    });
    Some(found)
}

fn matches(query: &EntryQuery, entry: &Entry) -> bool {
    let leaf = &entry.leaf;
    let contains = |q: &String| {
        [Some(&leaf.action), Some(&leaf.entity), leaf.reason.as_ref()]
            .into_iter()
            .flatten()
            .any(|text| text.contains(q.as_str()))
    };
    query.from.is_none_or(|from| leaf.recorded_at >= from)
        && query.to.is_none_or(|to| leaf.recorded_at < to)
        && query.actor.is_none_or(|actor| leaf.actor == actor)
        && query.action.is_none_or(|action| leaf.action == action.as_str())
        && query
            .entity
            .as_ref()
            .is_none_or(|entity| leaf.entity == entity.as_str())
        && query.outcome.is_none_or(|outcome| leaf.outcome == outcome)
        && query.q.as_ref().is_none_or(contains)
}

/// Hash `position` of the tiles of `level`: the root over 256^level leaves.
pub(crate) fn tile_hash(leaves: &VectorSync<Hash>, level: u8, position: u64) -> Option<Hash> {
    let width = 1_u64.checked_shl(8 * u32::from(level))?;
    let first = position.checked_mul(width)?;
    let hash = |index: u64| leaves.get(usize::try_from(index).ok()?).copied();
    Some(root_of(
        &(first..first.checked_add(width)?)
            .map(hash)
            .collect::<Option<Vec<_>>>()?,
    ))
}

fn content(log: &Log, path: &TilePath) -> Option<Vec<u8>> {
    let first = path.index().checked_mul(256)?;
    let positions = first..first.checked_add(u64::from(path.width()))?;
    match path.kind() {
        TileKind::Hashes(level) => {
            let hashes: Option<Vec<Hash>> = positions
                .map(|position| tile_hash(&log.hashes, level, position))
                .collect();
            hashes.map(|hashes| encode_hashes(&hashes))
        }
        TileKind::Entries => {
            let leaf = |index| Some(log.rows.get(usize::try_from(index).ok()?)?.leaf.clone());
            encode_bundle(positions.map(leaf).collect::<Option<Vec<_>>>()?).ok()
        }
    }
}

#[async_trait]
impl AuditReader for MemTx {
    async fn log_info(&mut self) -> Result<Option<LogInfo>, StoreError> {
        Ok(visible(self).map(|(log, _)| LogInfo {
            origin: log.origin.clone(),
            size: size(log),
        }))
    }

    async fn entries(&mut self, query: &EntryQuery) -> Result<Page, StoreError> {
        query.check().map_err(|_| StoreError::Forbidden)?;
        let Some(seen) = visible(self) else {
            return Ok(query.page(Vec::new(), 0, 0));
        };
        let end = query.last(size(seen.0));
        let looked = end.min(query.start.saturating_add(WINDOW));
        let items = (query.start..looked)
            .filter_map(|index| entry_at(self, seen, index))
            .filter(|entry| entry.as_ref().map_or(true, |entry| matches(query, entry)))
            .take(query.limit.into())
            .collect::<Result<_, _>>()?;
        Ok(query.page(items, looked, end))
    }

    async fn entry(&mut self, index: u64) -> Result<Option<Entry>, StoreError> {
        visible(self).and_then(|seen| entry_at(self, seen, index)).transpose()
    }

    async fn checkpoint(&mut self, size: Option<u64>) -> Result<Option<SignedCheckpoint>, StoreError> {
        let Some((log, _)) = visible(self) else { return Ok(None) };
        let signed = match size {
            Some(size) => log.checkpoints.get(&size),
            None => log.checkpoints.last().map(|(_, checkpoint)| checkpoint),
        };
        let tenant = self.context().tenant();
        Ok(signed.map(|signed| cosigned(self, tenant, signed)))
    }

    async fn witnessed(&mut self) -> Result<Option<SignedCheckpoint>, StoreError> {
        match witnessed(self, self.context().tenant()) {
            Some(size) => self.checkpoint(Some(size)).await,
            None => Ok(None),
        }
    }

    async fn tile(&mut self, path: &TilePath) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(visible(self)
            .filter(|(log, _)| reaches(path, size(log)))
            .and_then(|(log, _)| content(log, path)))
    }
}
