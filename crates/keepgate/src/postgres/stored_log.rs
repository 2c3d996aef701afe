//! A tenant's audit log as the private database stores it, read past the gateway by the owner of the data directory.
use keepgate_kernel::{TenantId, Uuid};
use keepgate_merkle::hash::Hash;
use sqlx::{ConnectOptions, PgConnection};

use super::Link;
use crate::{
    exit::Exit,
    failure::{Failure, chain},
};

const WIDTH: u64 = 256;

/// An open log at the size of its newest checkpoint.
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
