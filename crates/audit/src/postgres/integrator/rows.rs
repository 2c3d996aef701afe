//! The rows of one log.
use keepgate_kernel::TenantId;
use keepgate_merkle::{hash::Hash, tree::Frontier};
use keepgate_store::StoreError;
use sqlx::PgConnection;

use super::pending::Pending;
use crate::{
    LogFault, LogHost, SignedHead,
    integrate::{Tree, open_width},
    postgres::{read::signed, tiles::Shelf},
};

/// A log as stored: its name, the edge of its tree, what was signed last.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) origin: String,
    pub(super) size: i64,
    frontier: Vec<Vec<u8>>,
    last: Option<(i64, Vec<u8>)>,
}

impl Head {
    /// The head of `tenant`'s log, which is created if there is none.
    pub(super) async fn load(conn: &mut PgConnection, tenant: TenantId, host: &LogHost) -> Result<Self, StoreError> {
        let row = sqlx::query!(
            r#"select l.origin, h.size, h.frontier, c.size as "signed?", c.root as "root?"
               from audit.log l join audit.head h on h.tenant_id = l.tenant_id
               left join lateral (select k.size, k.root from audit.checkpoint k where k.tenant_id = l.tenant_id
                                  order by k.size desc, k.created_at desc limit 1) c on true
               where l.tenant_id = $1"#,
            tenant.uuid()
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(row) = row {
            let last = row.signed.zip(row.root);
            return Ok(Self {
                origin: row.origin,
                size: row.size,
                frontier: row.frontier,
                last,
            });
        }
        let origin = host.origin(tenant);
        sqlx::query!(
            "with log as (insert into audit.log (tenant_id, origin) values ($1, $2) returning tenant_id)
             insert into audit.head (tenant_id) select tenant_id from log",
            tenant.uuid(),
            origin
        )
        .execute(conn)
        .await?;
        Ok(Self {
            origin,
            size: 0,
            frontier: Vec::new(),
            last: None,
        })
    }

    /// The edge of the tree, and what the last checkpoint signed.
    pub(super) fn edge(&self) -> Result<(Frontier, Option<SignedHead>), LogFault> {
        edge(self.size, &self.frontier, self.last.as_ref())
    }
}

/// Size, edge and last checkpoint from their columns.
pub(super) fn edge(
    size: i64,
    frontier: &[Vec<u8>],
    last: Option<&(i64, Vec<u8>)>,
) -> Result<(Frontier, Option<SignedHead>), LogFault> {
    let size = u64::try_from(size).map_err(|_| LogFault::HeadChanged)?;
    let frontier = Frontier::from_parts(size, all_hashes(frontier)?)?;
    let last = match last {
        Some((size, root)) => Some(SignedHead {
            size: u64::try_from(*size).map_err(|_| LogFault::HeadChanged)?,
            root: one_hash(root)?,
        }),
        None => None,
    };
    Ok((frontier, last))
}

fn one_hash(bytes: &[u8]) -> Result<Hash, LogFault> {
    Hash::try_from(bytes).map_err(|_| LogFault::HeadChanged)
}

fn all_hashes(hashes: &[Vec<u8>]) -> Result<Vec<Hash>, LogFault> {
    hashes.iter().map(|bytes| one_hash(bytes)).collect()
}

/// The tree of a log with this edge, with the hashes of its tiles that are not full.
pub(super) async fn tree(
    conn: &mut PgConnection,
    shelf: Shelf,
    frontier: Frontier,
) -> Result<Result<Tree, LogFault>, StoreError> {
    let mut open = Vec::new();
    for level in 0_u8..8 {
        let hashes = match open_width(frontier.size(), level.into()) {
            0 => Vec::new(),
            width => {
                let first = (frontier.size() >> (8 * u32::from(level))) - width;
                shelf.hashes(conn, level, first..u64::MAX).await?
            }
        };
        open.push(hashes);
    }
    let open: Result<Vec<_>, _> = open.iter().map(|hashes| all_hashes(hashes)).collect();
    Ok(open.and_then(|open| Tree::new(frontier, open).ok_or(LogFault::HeadChanged)))
}

/// Writes the indices of `entries`, the first of which is `first`.
pub(super) async fn put_leaves(
    conn: &mut PgConnection,
    tenant: TenantId,
    first: i64,
    entries: &[&Pending],
) -> Result<(), StoreError> {
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.uuid()).collect();
    let times: Vec<_> = entries.iter().map(|entry| entry.recorded_at).collect();
    let hashes: Vec<_> = entries.iter().map(|entry| entry.leaf_hash.clone()).collect();
    sqlx::query!(
        "insert into audit.leaf (tenant_id, idx, entry_id, recorded_at, leaf_hash)
         select $1, $2 + n - 1, id, at, hash from unnest($3::uuid[], $4::timestamptz[], $5::bytea[]) with ordinality t (id, at, hash, n)",
        tenant.uuid(),
        first,
        &ids,
        &times,
        &hashes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the new edge, provided the log still has the size `old`.
///
/// # Errors
/// [`StoreError::Conflict`] when another integrator was faster.
pub(super) async fn put_head(
    conn: &mut PgConnection,
    tenant: TenantId,
    old: i64,
    frontier: &Frontier,
) -> Result<(), StoreError> {
    let edge: Vec<Vec<u8>> = frontier.edge().iter().map(|hash| hash.as_bytes().to_vec()).collect();
    let set = sqlx::query!(
        "update audit.head set size = $3, frontier = $4 where tenant_id = $1 and size = $2",
        tenant.uuid(),
        old,
        signed(frontier.size()),
        &edge
    )
    .execute(conn)
    .await?;
    if set.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Conflict)
    }
}

/// Writes a checkpoint.
pub(super) async fn put_checkpoint(
    conn: &mut PgConnection,
    tenant: TenantId,
    state: SignedHead,
    note: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into audit.checkpoint (tenant_id, size, root, note) values ($1, $2, $3, $4)",
        tenant.uuid(),
        signed(state.size),
        state.root.as_bytes(),
        note
    )
    .execute(conn)
    .await?;
    Ok(())
}
