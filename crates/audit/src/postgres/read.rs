//! Reading, behind row-level security.
use std::collections::HashMap;

use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_merkle::tile::{TileKind, TilePath, encode_bundle, entries as merkle_entries};
use keepgate_store::{PgTx, StoreError, Transaction};
use sqlx::PgConnection;

use super::{
    cosigned::with_lines,
    search::find,
    tiles::{Shelf, positions},
};
use crate::{
    AuditReader, Entry, EntryQuery, ErasedAt, LogInfo, Page, SignedCheckpoint, StoredOpening, SubjectKey,
    archive::Archives, commitment::Opening, entry::StoredEntry, read::reaches,
};

#[async_trait]
impl AuditReader for PgTx {
    async fn log_info(&mut self) -> Result<Option<LogInfo>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            "select l.origin, c.size from audit.log l
             cross join lateral (select k.size from audit.checkpoint k where k.tenant_id = l.tenant_id order by k.size desc limit 1) c
             where l.tenant_id = $1",
            tenant
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

    async fn entries(&mut self, query: &EntryQuery) -> Result<Page, StoreError> {
        query.check().map_err(|_| StoreError::Forbidden)?;
        let size = self.log_info().await?.map_or(0, |info| info.size);
        let found = find(self, query, query.start..query.last(size)).await?;
        let mut items = read(self, &found.indices, found.min_index).await?;
        mark_erased(self, &mut items).await?;
        Ok(query.page(items, found.looked, found.end))
    }

    async fn entry(&mut self, index: u64) -> Result<Option<Entry>, StoreError> {
        let query = EntryQuery {
            start: index,
            end: index.checked_add(1),
            limit: 1,
            ..EntryQuery::default()
        };
        Ok(self.entries(&query).await?.items.pop())
    }

    async fn checkpoint(&mut self, size: Option<u64>) -> Result<Option<SignedCheckpoint>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let Ok(size) = size.map(i64::try_from).transpose() else {
            return Ok(None);
        };
        let row = sqlx::query!(
            r#"select c.size, c.note, (select string_agg(s.line, '' order by s.cosigner) from (
                   select distinct on (k.cosigner) k.cosigner, k.line from audit.cosignature k
                   where k.tenant_id = c.tenant_id and k.size = c.size and k.root = c.root order by k.cosigner, k.at desc) s) as lines
               from audit.checkpoint c where c.tenant_id = $1 and c.size = coalesce($2, c.size)
               order by c.size desc, c.created_at desc limit 1"#,
            tenant,
            size
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

    async fn witnessed(&mut self) -> Result<Option<SignedCheckpoint>, StoreError> {
        let tenant = self.context().tenant().uuid();
        // The root too: a size that witnesses saw with another root is not witnessed.
        let size = sqlx::query_scalar!(
            r#"select w.size from audit.witnessed w join audit.checkpoint c using (tenant_id, size, root)
               where w.tenant_id = $1 order by w.size desc limit 1"#,
            tenant
        )
        .fetch_optional(self.conn())
        .await?;
        match size {
            Some(size) => self.checkpoint(Some(unsigned(size)?)).await,
            None => Ok(None),
        }
    }

    async fn tile(&mut self, path: &TilePath) -> Result<Option<Vec<u8>>, StoreError> {
        let size = self.log_info().await?.map_or(0, |info| info.size);
        if !reaches(path, size) {
            return Ok(None);
        }
        let tenant = self.context().tenant();
        let content = file(self.conn(), tenant, path).await?;
        let all = path.kind() != TileKind::Entries || merkle_entries(&content).count() == usize::from(path.width());
        if all || positions(path).start >= self.min_index().await? {
            return Ok(Some(content));
        }
        Ok(None)
    }
}

/// `left join`: an entry that is gone, and in no archive, must not look as if it had not matched.
async fn read(tx: &mut PgTx, indices: &[i64], min_index: u64) -> Result<Vec<Entry>, StoreError> {
    let tenant = tx.context().tenant().uuid();
    let rows = sqlx::query!(
        r#"select l.idx, l.leaf_hash, e.leaf as "leaf?", o.salt as "salt?", o.value as "value?",
             s.sealed as "sealed?", k.id as "key?", k.subject as "subject?", k.kek as "kek?", k.wrapped as "wrapped?"
           from audit.leaf l
           left join audit.entry e on e.recorded_at = l.recorded_at and e.tenant_id = l.tenant_id and e.id = l.entry_id
           left join audit.opening o on o.tenant_id = l.tenant_id and o.entry_id = l.entry_id and o.field = 'source'
           left join audit.sealed_opening s on s.tenant_id = l.tenant_id and s.key_id = e.opening_key and s.entry_id = l.entry_id and s.field = 'source'
           left join keys.subject_key k on k.tenant_id = s.tenant_id and k.id = s.key_id
           where l.tenant_id = $1 and l.idx = any ($2) order by l.idx"#,
        tenant,
        indices
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .filter(|row| row.leaf.is_some() || unsigned(row.idx).is_ok_and(|index| index >= min_index))
        .map(|row| {
            let bytes = row.leaf.ok_or(StoreError::corrupt("audit.entry", "leaf"))?;
            let source = row
                .salt
                .zip(row.value)
                .map(|(salt, value)| opening(salt, value))
                .transpose()?;
            // Without its key an opening is nothing.
            let key = match (row.key, row.subject, row.kek, row.wrapped) {
                (Some(id), Some(subject), Some(kek), Some(wrapped)) => Some(SubjectKey {
                    id,
                    subject,
                    kek,
                    wrapped,
                }),
                _ => None,
            };
            let sealed = row.sealed.zip(key).map(|(sealed, key)| StoredOpening { key, sealed });
            StoredEntry {
                index: unsigned(row.idx)?,
                bytes,
                leaf_hash: hash(row.leaf_hash)?,
                source,
                sealed,
            }
            .try_into()
        })
        .collect()
}

/// Says of entries whose address is gone when that was. Asks only where one is.
async fn mark_erased(tx: &mut PgTx, entries: &mut [Entry]) -> Result<(), StoreError> {
    let gone = entries.iter().filter(|entry| entry.lacks_opening());
    let subjects: Vec<_> = gone.map(|entry| entry.leaf.actor.uuid()).collect();
    if subjects.is_empty() {
        return Ok(());
    }
    let tenant = tx.context().tenant().uuid();
    let rows = sqlx::query!(
        r#"select distinct on (e.subject) e.subject, e.erased_at, l.idx as "idx?"
             from audit.erasure e left join audit.leaf l on l.tenant_id = e.tenant_id and l.entry_id = e.entry_id
            where e.tenant_id = $1 and e.subject = any($2) order by e.subject, e.erased_at"#,
        tenant,
        &subjects,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut erased = HashMap::new();
    for row in rows {
        let index = row.idx.map(unsigned).transpose()?;
        erased.insert(
            row.subject,
            ErasedAt {
                at: row.erased_at,
                index,
            },
        );
    }
    for entry in entries.iter_mut().filter(|entry| entry.lacks_opening()) {
        entry.erased = erased.get(&entry.leaf.actor.uuid()).copied();
    }
    Ok(())
}

/// A file of a log that reaches that far.
pub(super) async fn file(conn: &mut PgConnection, tenant: TenantId, path: &TilePath) -> Result<Vec<u8>, StoreError> {
    match path.kind() {
        TileKind::Entries => bundle(conn, tenant, path).await,
        TileKind::Hashes(_) => {
            let content = Shelf::Tenant(tenant.uuid()).tile(conn, path).await?;
            content.ok_or(StoreError::corrupt("audit.tile", "hashes"))
        }
    }
}

/// The entries of a bundle, up to the first one that is gone.
async fn bundle(conn: &mut PgConnection, tenant: TenantId, path: &TilePath) -> Result<Vec<u8>, StoreError> {
    let tenant = tenant.uuid();
    let range = positions(path);
    let leaves = sqlx::query_scalar!(
        r#"select e.leaf as "leaf?" from audit.leaf l
           left join audit.entry e on e.recorded_at = l.recorded_at and e.tenant_id = l.tenant_id and e.id = l.entry_id
           where l.tenant_id = $1 and l.idx >= $2 and l.idx < $3 order by l.idx"#,
        tenant,
        signed(range.start),
        signed(range.end)
    )
    .fetch_all(&mut *conn)
    .await?;
    encode_bundle(leaves.into_iter().map_while(|leaf| leaf)).map_err(|_| StoreError::corrupt("audit.entry", "leaf"))
}

/// Past the end of `bigint` there is nothing to find.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::corrupt("audit.leaf", "idx"))
}

fn hash(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::corrupt("audit.leaf", "leaf_hash"))
}

fn opening(salt: Vec<u8>, value: String) -> Result<Opening, StoreError> {
    let salt = salt
        .try_into()
        .map_err(|_| StoreError::corrupt("audit.opening", "salt"))?;
    Ok(Opening { salt, value })
}
