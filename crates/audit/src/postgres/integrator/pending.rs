//! Which entries are next, and how far the log has read.
use keepgate_kernel::{AuditId, TenantId, Timestamp, Uuid};
use keepgate_store::StoreError;
use sqlx::PgConnection;

/// The most entries a pass takes.
pub(super) const BATCH: i64 = 2_000;

/// A committed entry without an index.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) tenant: TenantId,
    pub(super) id: AuditId,
    pub(super) recorded_at: Timestamp,
    pub(super) leaf: Vec<u8>,
    pub(super) leaf_hash: Vec<u8>,
    pub(super) xid: String,
}

struct Row {
    tenant_id: Uuid,
    id: Uuid,
    recorded_at: Timestamp,
    leaf: Vec<u8>,
    leaf_hash: Vec<u8>,
    xid: String,
}

impl From<Row> for Pending {
    fn from(row: Row) -> Self {
        let Row {
            tenant_id,
            id,
            recorded_at,
            leaf,
            leaf_hash,
            xid,
        } = row;
        Self {
            tenant: TenantId::from_uuid(tenant_id),
            id: AuditId::from_uuid(id),
            recorded_at,
            leaf,
            leaf_hash,
            xid,
        }
    }
}

/// How far entries have been read, in the order (transaction, id).
#[derive(Debug)]
pub(super) struct Progress {
    xid: String,
    id: Uuid,
    /// The cluster is not the one that gave the entries their transaction numbers: the log was restored from a dump.
    /// The numbers then tell nothing about what is settled, nor about order.
    pub(super) restored: bool,
}

impl Progress {
    pub(super) async fn load(conn: &mut PgConnection) -> Result<Self, StoreError> {
        let row = sqlx::query!(
            r#"select last_xid::text as "xid!", last_id as id,
                 coalesce(cluster <> (select system_identifier from pg_control_system()), false) as "restored!"
               from audit.progress"#
        )
        .fetch_one(conn)
        .await?;
        Ok(Self {
            xid: row.xid,
            id: row.id,
            restored: row.restored,
        })
    }

    /// Everything up to `last` has an index.
    pub(super) async fn advance(conn: &mut PgConnection, last: &Pending) -> Result<(), StoreError> {
        sqlx::query!(
            "update audit.progress set last_xid = $1::text::xid8, last_id = $2,
               cluster = (select system_identifier from pg_control_system())",
            last.xid,
            last.id.uuid()
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    /// Everything visible has an index, whatever its transaction number: counting starts at what may still be running.
    pub(super) async fn restart(conn: &mut PgConnection, settled: &str) -> Result<(), StoreError> {
        sqlx::query!(
            "update audit.progress set last_xid = $1::text::xid8, last_id = '00000000-0000-0000-0000-000000000000',
               cluster = (select system_identifier from pg_control_system())",
            settled
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    /// The next settled entries in order: above what has been read, below every transaction that may still be running,
    /// so that nothing can appear among them later. Leaves out `held` tenants, and what has an index already.
    pub(super) async fn settled(&self, conn: &mut PgConnection, held: &[Uuid]) -> Result<Vec<Pending>, StoreError> {
        // By index, in its order, whatever the planner thinks of a month's first rows: a long backlog must not be sorted, nor
        // every leaf be looked through for each entry.
        // `kg_integrator` may not call set_config.
        sqlx::query!("set local enable_sort = off").execute(&mut *conn).await?;
        sqlx::query!("set local enable_bitmapscan = off")
            .execute(&mut *conn)
            .await?;
        sqlx::query!("set local enable_seqscan = off")
            .execute(&mut *conn)
            .await?;
        let rows = sqlx::query_as!(
            Row,
            r#"select e.tenant_id, e.id, e.recorded_at, e.leaf, e.leaf_hash, e.xid::text as "xid!" from audit.entry e
               where (e.xid, e.id) > ($1::text::xid8, $2) and e.xid < pg_snapshot_xmin(pg_current_snapshot())
                 and e.tenant_id <> all ($3)
                 and coalesce((select false from audit.leaf l where l.tenant_id = e.tenant_id and l.entry_id = e.id
                        and l.recorded_at = e.recorded_at), true)
               order by e.xid, e.id limit $4"#,
            self.xid,
            self.id,
            held,
            BATCH
        )
        .fetch_all(conn)
        .await?;
        Ok(rows.into_iter().map(Pending::from).collect())
    }

    /// After a restore: every visible entry without an index, oldest first, and the transaction below which all of them
    /// are visible.
    pub(super) async fn left_over(
        conn: &mut PgConnection,
        held: &[Uuid],
    ) -> Result<(Vec<Pending>, String), StoreError> {
        let settled = sqlx::query_scalar!(r#"select pg_snapshot_xmin(pg_current_snapshot())::text as "xid!""#)
            .fetch_one(&mut *conn)
            .await?;
        let rows = sqlx::query_as!(
            Row,
            r#"select e.tenant_id, e.id, e.recorded_at, e.leaf, e.leaf_hash, e.xid::text as "xid!" from audit.entry e
               where e.tenant_id <> all ($1) and not exists (select from audit.leaf l where l.tenant_id = e.tenant_id
                 and l.entry_id = e.id and l.recorded_at = e.recorded_at)
               order by e.recorded_at, e.id limit $2"#,
            held,
            BATCH
        )
        .fetch_all(conn)
        .await?;
        Ok((rows.into_iter().map(Pending::from).collect(), settled))
    }
}

/// How many seconds the oldest entry above what has been read has waited for its index.
pub(super) async fn lag(conn: &mut PgConnection) -> Result<Option<f64>, StoreError> {
    let seconds = sqlx::query_scalar!(
        r#"select extract(epoch from clock_timestamp() - e.recorded_at)::float8 as "seconds!"
           from audit.progress p, lateral (
             select e.recorded_at from audit.entry e where (e.xid, e.id) > (p.last_xid, p.last_id)
               and coalesce((select false from audit.leaf l where l.tenant_id = e.tenant_id and l.entry_id = e.id
                      and l.recorded_at = e.recorded_at), true)
             order by e.xid, e.id limit 1) e"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(seconds)
}
