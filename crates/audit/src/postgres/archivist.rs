//! The archivist: which months are old enough, what of them has to be archived, and their removal. Logs in as `kg_integrator`.
use async_trait::async_trait;
use chrono::{Datelike, Months, NaiveDate};
use keepgate_kernel::{TenantId, Timestamp};
use keepgate_merkle::tile::{FULL_WIDTH, TilePath};
use keepgate_store::StoreError;
use sqlx::{PgConnection, PgPool};

use super::{
    archives::manifest,
    read::{file, signed, unsigned},
};
use crate::{
    SignedCheckpoint,
    archive::{Archive, Tiles},
};

/// How many entries are taken out of the search in one transaction.
const FORGOTTEN_AT_ONCE: i32 = 20_000;

/// What of a month one log has to archive: entries `from` to `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Whose log.
    pub tenant: TenantId,
    /// Its name.
    pub origin: String,
    /// The first entry that is in no archive yet.
    pub from: u64,
    /// The end of the last whole bundle of the month.
    pub to: u64,
    /// The newest checkpoint, with its cosignatures.
    pub checkpoint: SignedCheckpoint,
}

/// How the removal of a month ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollOff {
    /// So many entries are gone; none if there was nothing left to remove.
    Removed(u64),
    /// It may not go, or not yet: young, held, an archive that is not in the log or not checked. What the database said.
    Waits(String),
}

/// Reads and removes old months.
#[derive(Debug, Clone)]
pub struct Archivist {
    pool: PgPool,
}

impl Archivist {
    /// An archivist over `pool`, whose connections are logged in as `kg_integrator`.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// The months in the database that ended `kept` months before the current one began, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] without a database.
    pub async fn months(&self, now: Timestamp, kept: u32) -> Result<Vec<NaiveDate>, StoreError> {
        let names = self.partitions().await?;
        let current = now.date_naive().with_day(1).unwrap_or_default();
        let over = |month: &NaiveDate| *month + Months::new(1) + Months::new(kept) <= current;
        Ok(names.iter().filter_map(|name| month_of(name)).filter(over).collect())
    }

    /// For how many months after this one, without a gap, there are partitions.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] without a database.
    pub async fn months_ahead(&self, now: Timestamp) -> Result<u32, StoreError> {
        let names = self.partitions().await?;
        let months: Vec<_> = names.iter().filter_map(|name| month_of(name)).collect();
        let current = now.date_naive().with_day(1).unwrap_or_default();
        let there = |ahead: &u32| months.contains(&(current + Months::new(*ahead)));
        Ok(u32::try_from((1..=24).take_while(there).count()).unwrap_or(0))
    }

    /// The right to be the only one at work, held until it is dropped; `None` while another instance has it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] without a database.
    pub async fn alone(&self) -> Result<Option<impl Send + use<>>, StoreError> {
        // Its end ends the connection, and with it the lock.
        let mut connection = self.pool.acquire().await?.detach();
        let locked =
            sqlx::query_scalar!(r#"select pg_try_advisory_lock(hashtext('keepgate audit archivist')) as "locked!""#)
                .fetch_one(&mut connection)
                .await?;
        Ok(locked.then_some(connection))
    }

    async fn partitions(&self) -> Result<Vec<String>, StoreError> {
        let names = sqlx::query_scalar!(
            r#"select c.relname::text as "name!" from pg_inherits i join pg_class c on c.oid = i.inhrelid
               where i.inhparent = 'audit.entry'::regclass and c.relname ~ '^entry_[0-9]{6}$' order by c.relname"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(names)
    }

    /// What each log has to archive before `month` can go.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] without a database.
    pub async fn due(&self, month: NaiveDate) -> Result<Vec<Due>, StoreError> {
        let rows = sqlx::query!(
            r#"select x.tenant_id as "tenant!", l.origin, coalesce(x.past, 0) as "past!", c.size, c.note,
                 coalesce((select max(a.to_idx) from audit.archive a where a.tenant_id = x.tenant_id), 0) as "archived!",
                 coalesce((select string_agg(s.line || E'\n', '' order by s.at) from audit.cosignature s
                   where s.tenant_id = x.tenant_id and s.size = c.size and s.root = c.root), '') as "cosigned!"
               from (select e.tenant_id, max(f.idx) + 1 as past from audit.entry e
                       join audit.leaf f on f.tenant_id = e.tenant_id and f.entry_id = e.id and f.recorded_at = e.recorded_at
                     where e.recorded_at >= $1 and e.recorded_at < $2 group by e.tenant_id) x
               join audit.log l on l.tenant_id = x.tenant_id
               join lateral (select k.size, k.note, k.root from audit.checkpoint k where k.tenant_id = x.tenant_id
                             order by k.size desc, k.created_at desc limit 1) c on true
               order by x.tenant_id"#,
            first_of(month),
            first_of(month + Months::new(1))
        )
        .fetch_all(&self.pool)
        .await?;
        let mut due = Vec::new();
        for row in rows {
            let size = unsigned(row.size)?;
            let past = unsigned(row.past)?.min(size);
            let (from, to) = (unsigned(row.archived)?, past - past % u64::from(FULL_WIDTH));
            if from < to {
                due.push(Due {
                    tenant: TenantId::from_uuid(row.tenant),
                    origin: row.origin,
                    from,
                    to,
                    checkpoint: SignedCheckpoint {
                        size,
                        note: format!("{}{}", row.note, row.cosigned),
                    },
                });
            }
        }
        Ok(due)
    }

    /// Archives that nobody has read back yet, with the name of the log.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] without a database.
    pub async fn unchecked(&self) -> Result<Vec<(TenantId, String, Archive)>, StoreError> {
        let rows = sqlx::query!(
            "select a.tenant_id, l.origin, a.from_idx, a.to_idx, a.month, a.size, a.manifest, a.place
             from audit.archive a join audit.log l on l.tenant_id = a.tenant_id
             where not exists (select from audit.archive_check c where c.tenant_id = a.tenant_id and c.from_idx = a.from_idx)
             order by a.tenant_id, a.from_idx"
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let archive = Archive {
                    from: unsigned(row.from_idx)?,
                    to: unsigned(row.to_idx)?,
                    month: row.month,
                    size: unsigned(row.size)?,
                    manifest: manifest(row.manifest)?,
                    place: row.place,
                };
                Ok((TenantId::from_uuid(row.tenant_id), row.origin, archive))
            })
            .collect()
    }

    /// Notes that an archive was read back and is whole.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn checked(&self, tenant: TenantId, archive: &Archive) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into audit.archive_check (tenant_id, from_idx) values ($1, $2)",
            tenant.uuid(),
            signed(archive.from)
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Removes a month, if the database finds that it may go: old enough, not held, every entry in an archive that is told
    /// in the log under a checkpoint (a cosigned one, where a log has witnesses) and was read back. Appends `audit.pruned`
    /// to each log in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] without a database.
    pub async fn roll_off(&self, month: NaiveDate) -> Result<RollOff, StoreError> {
        let gone = match self.forget(month).await {
            Ok(()) => {
                sqlx::query_scalar!(r#"select audit.roll_off($1) as "gone!""#, month)
                    .fetch_one(&self.pool)
                    .await
            }
            Err(error) => Err(error),
        };
        match gone {
            Ok(gone) => Ok(RollOff::Removed(unsigned(gone)?)),
            Err(error) => match refusal(&error) {
                Some(why) => Ok(RollOff::Waits(why)),
                None => Err(error.into()),
            },
        }
    }

    /// Takes archived entries out of the search in small transactions, so that the removal itself is short.
    async fn forget(&self, month: NaiveDate) -> Result<(), sqlx::Error> {
        loop {
            let gone = sqlx::query_scalar!(
                r#"select audit.forget_searches($1, $2) as "gone!""#,
                month,
                FORGOTTEN_AT_ONCE
            )
            .fetch_one(&self.pool)
            .await?;
            if gone == 0 {
                return Ok(());
            }
        }
    }

    /// The files of a log.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] without a database.
    pub async fn files(&self, tenant: TenantId) -> Result<impl Tiles + use<>, StoreError> {
        Ok(Stored {
            connection: self.pool.acquire().await?,
            tenant,
        })
    }
}

struct Stored {
    connection: sqlx::pool::PoolConnection<sqlx::Postgres>,
    tenant: TenantId,
}

#[async_trait]
impl Tiles for Stored {
    async fn read(&mut self, path: &TilePath) -> Result<Vec<u8>, StoreError> {
        let connection: &mut PgConnection = &mut self.connection;
        file(connection, self.tenant, path).await
    }
}

/// What the database says in words of its own: anything else is a fault, not a reason to wait.
fn refusal(error: &sqlx::Error) -> Option<String> {
    let refusal = error.as_database_error()?;
    if refusal.code().as_deref() == Some("55P03") {
        return Some("others are at work in the log".to_owned());
    }
    Some(refusal.message().strip_prefix("kg: ")?.to_owned())
}

fn month_of(partition: &str) -> Option<NaiveDate> {
    let (year, month) = partition.strip_prefix("entry_")?.split_at_checked(4)?;
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)
}

fn first_of(month: NaiveDate) -> Timestamp {
    month.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_tells_its_month() {
        assert_eq!(month_of("entry_202103"), NaiveDate::from_ymd_opt(2021, 3, 1));
        for other in ["entry_202113", "entry_2021", "entry_stays", "leaf_202103"] {
            assert_eq!(month_of(other), None, "{other}");
        }
    }
}
