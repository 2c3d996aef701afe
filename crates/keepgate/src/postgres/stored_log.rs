//! A tenant's audit log as the private database stores it, read past the gateway by the owner of the data directory.
use keepgate_kernel::{TenantId, Timestamp, Uuid};
use keepgate_merkle::hash::Hash;
use sqlx::{ConnectOptions, PgConnection};

use super::Link;
use crate::{
    exit::Exit,
    failure::{Failure, chain},
};

const WIDTH: u64 = 256;

/// A row of the log as searches see it, and the leaf it stands for.
pub struct StoredRow {
    pub leaf: Vec<u8>,
    pub leaf_hash: Vec<u8>,
    pub id: Uuid,
    pub recorded_at: Timestamp,
    pub actor_type: String,
    pub actor: Uuid,
    pub action: String,
    pub entity: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub request: Uuid,
    pub time_quality: String,
}

/// An open log at the size of its newest checkpoint, in one snapshot of the database.
pub struct StoredLog {
    connection: PgConnection,
    tenant: Uuid,
    size: u64,
    note: String,
    read: u64,
}

impl StoredLog {
    /// The log of `tenant`; without one, of the only customer tenant.
    ///
    /// # Errors
    /// Exit code 2 when it is not clear whose, 3 when there is no checkpoint.
    pub async fn open(link: &Link, tenant: Option<TenantId>) -> Result<Self, Failure> {
        let mut connection = link.connect().await.map_err(failed)?;
        sqlx::query("begin isolation level repeatable read read only")
            .execute(&mut connection)
            .await
            .map_err(failed)?;
        let tenant = match tenant {
            Some(tenant) => tenant.uuid(),
            None => only_customer(&mut connection).await?,
        };
        let newest = sqlx::query!(
            "select size, note from audit.checkpoint where tenant_id = $1 order by size desc, created_at desc limit 1",
            tenant
        );
        let newest = newest
            .fetch_optional(&mut connection)
            .await
            .map_err(failed)?
            .ok_or_else(|| {
                Failure::new(
                    Exit::Incomplete,
                    "that log has no checkpoint",
                    "nothing was numbered yet, or there is no such tenant",
                    "start the service, or correct --tenant",
                )
            })?;
        Ok(Self {
            connection,
            tenant,
            size: u64::try_from(newest.size).unwrap_or(0),
            note: newest.note,
            read: 0,
        })
    }

    /// The number of entries the checkpoint signs.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The signed checkpoint.
    pub fn checkpoint(&self) -> &[u8] {
        self.note.as_bytes()
    }

    /// The next 256 entries and their stored leaf hashes, fewer at the end. An entry that is gone ends the bundle early:
    /// whoever checks finds it.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn next_bundle(&mut self) -> Result<Option<(Vec<Vec<u8>>, Vec<Hash>)>, Failure> {
        if self.read >= self.size {
            return Ok(None);
        }
        let end = (self.read + WIDTH).min(self.size);
        let rows = sqlx::query!(
            r#"select l.leaf_hash, e.leaf as "leaf?"
               from audit.leaf l left join audit.entry e on e.recorded_at = l.recorded_at and e.tenant_id = l.tenant_id and e.id = l.entry_id
               where l.tenant_id = $1 and l.idx >= $2 and l.idx < $3 order by l.idx"#,
            self.tenant,
            i64::try_from(self.read).unwrap_or(i64::MAX),
            i64::try_from(end).unwrap_or(i64::MAX),
        );
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        self.read = end;
        let hashes = rows
            .iter()
            .filter_map(|row| Hash::try_from(row.leaf_hash.as_slice()).ok())
            .collect();
        let entries = rows.into_iter().map_while(|row| row.leaf).collect();
        Ok(Some((entries, hashes)))
    }
}

impl StoredLog {
    /// At most `most` of the signed checkpoints before the newest, spread evenly over the log.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn older(&mut self, most: u32) -> Result<Vec<Vec<u8>>, Failure> {
        let notes = sqlx::query_scalar!(
            r#"select note from (
                 select note, row_number() over w as at, count(*) over () as many from (
                   select distinct on (size) size, note from audit.checkpoint where tenant_id = $1 order by size, created_at
                 ) one window w as (order by size)
               ) numbered where at % greatest(1, many / $2) = 0 order by at"#,
            self.tenant,
            i64::from(most)
        );
        let notes = notes.fetch_all(&mut self.connection).await.map_err(failed)?;
        Ok(notes.into_iter().map(String::into_bytes).collect())
    }

    /// The first index whose entry is still here: those before it were archived and removed.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn min_index(&mut self) -> Result<u64, Failure> {
        let first: i64 = sqlx::query_scalar("select audit.min_index($1)")
            .bind(self.tenant)
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed)?;
        Ok(u64::try_from(first).unwrap_or(0))
    }

    /// The `width` rows from index `first` on; `None` for one that is gone.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn rows(&mut self, first: u64, width: u16) -> Result<Vec<Option<StoredRow>>, Failure> {
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        let rows = sqlx::query!(
            r#"select e.leaf as "leaf?", e.leaf_hash as "leaf_hash?", e.id as "id?", e.recorded_at as "recorded_at?", e.actor_type as "actor_type?",
                 e.actor_id as "actor_id?", e.action as "action?", e.entity as "entity?", e.outcome as "outcome?", e.reason, e.request_id as "request_id?",
                 e.time_quality as "time_quality?"
               from generate_series($2::bigint, $2 + $3::int - 1) n
               left join audit.leaf l on l.tenant_id = $1 and l.idx = n
               left join audit.entry e on e.recorded_at = l.recorded_at and e.tenant_id = l.tenant_id and e.id = l.entry_id
               order by n"#,
            self.tenant,
            first,
            i32::from(width)
        );
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let whole = rows.into_iter().map(|row| {
            Some(StoredRow {
                leaf: row.leaf?,
                leaf_hash: row.leaf_hash?,
                id: row.id?,
                recorded_at: row.recorded_at?,
                actor_type: row.actor_type?,
                actor: row.actor_id?,
                action: row.action?,
                entity: row.entity?,
                outcome: row.outcome?,
                reason: row.reason,
                request: row.request_id?,
                time_quality: row.time_quality?,
            })
        });
        Ok(whole.collect())
    }

    /// The hashes of a tile: a full one as it is stored, a partial one as leaves or roots of full tiles give it.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn hashes(&mut self, level: u8, index: u64, width: u16) -> Result<Vec<u8>, Failure> {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        let (first, width) = (index.saturating_mul(256), i64::from(width));
        let hashes = match (width, level.checked_sub(1)) {
            (256, _) => {
                let full = sqlx::query_scalar!(
                    "select hashes from audit.tile where tenant_id = $1 and level = $2 and idx = $3",
                    self.tenant,
                    i16::from(level),
                    index
                );
                let full = full.fetch_optional(&mut self.connection).await.map_err(failed)?;
                // One that is gone has no hash at all: the check names the first.
                return Ok(full.unwrap_or_default());
            }
            (_, None) => {
                sqlx::query_scalar!(
                    "select leaf_hash from audit.leaf where tenant_id = $1 and idx >= $2 and idx < $3 order by idx",
                    self.tenant,
                    first,
                    first.saturating_add(width)
                )
                .fetch_all(&mut self.connection)
                .await
            }
            (_, Some(below)) => {
                sqlx::query_scalar!(
                    "select root from audit.tile where tenant_id = $1 and level = $2 and idx >= $3 and idx < $4 order by idx",
                    self.tenant,
                    i16::from(below),
                    first,
                    first.saturating_add(width)
                )
                .fetch_all(&mut self.connection)
                .await
            }
        };
        Ok(hashes.map_err(failed)?.concat())
    }

    /// What the database holds beside the log: rows that the integrator has passed without numbering them, which nobody but the
    /// owner of the table can have put there; leaves behind the end of the tree. The index, if there is one, and in words.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn strays(&mut self) -> Result<Option<(Option<u64>, String)>, Failure> {
        // Numbers of transactions mean nothing in another cluster than the one that gave them.
        let row = sqlx::query!(
            r#"select e.id, e.recorded_at from audit.entry e
               join audit.progress p on p.cluster = (select system_identifier from pg_control_system()) and (e.xid, e.id) <= (p.last_xid, p.last_id)
               where e.tenant_id = $1 and not exists (select from audit.leaf l where l.tenant_id = e.tenant_id and l.entry_id = e.id and l.recorded_at = e.recorded_at)
               order by e.recorded_at limit 1"#,
            self.tenant
        );
        if let Some(row) = row.fetch_optional(&mut self.connection).await.map_err(failed)? {
            let at = keepgate_kernel::format_time(row.recorded_at);
            return Ok(Some((
                None,
                format!("row {} of {at} stands in the table and not in the log", row.id),
            )));
        }
        let leaf = sqlx::query_scalar!(
            "select l.idx from audit.leaf l join audit.head h on h.tenant_id = l.tenant_id where l.tenant_id = $1 and l.idx >= h.size order by l.idx limit 1",
            self.tenant
        );
        let leaf = leaf.fetch_optional(&mut self.connection).await.map_err(failed)?;
        Ok(leaf.map(|index| {
            (
                u64::try_from(index).ok(),
                "a leaf stands behind the end of the log".to_owned(),
            )
        }))
    }
}

async fn only_customer(connection: &mut PgConnection) -> Result<Uuid, Failure> {
    let ids = sqlx::query_scalar!("select id from rbac.tenant where kind = 'customer' order by created_at")
        .fetch_all(connection);
    match ids.await.map_err(failed)?.as_slice() {
        [only] => Ok(*only),
        ids => {
            let named: Vec<String> = ids.iter().map(|id| TenantId::from_uuid(*id).to_string()).collect();
            Err(Failure::usage(
                "whose log?",
                format!("there are {} tenants: {}", ids.len(), named.join(", ")),
                "name one with --tenant",
            ))
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: sqlx::Error) -> Failure {
    Failure::new(
        Exit::Incomplete,
        "can't read the log from the database",
        chain(&error),
        "see postgres.log in the data directory",
    )
}
