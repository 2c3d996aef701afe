//! What witnesses said, as `kg_integrator`; and their alarms, through `gate.witness_alarm`.
use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_merkle::{
    hash::Hash,
    note::{Note, NoteSignature},
    proof::{consistency_proof, nodes_for_consistency},
    tile::{TileSet, tiles_for_nodes},
};
use keepgate_store::{PgTx, StoreError};
use sqlx::PgPool;

use super::{
    read::{signed, unsigned},
    tiles::Shelf,
};
use crate::witness::{Alarm, CosignedLogs, LogCheckpoint, META_LOG, WitnessAlarms, cosigner_of, lines_of};

/// The logs of one database.
#[derive(Debug, Clone)]
pub struct PgCosignedLogs {
    pool: PgPool,
}

impl PgCosignedLogs {
    /// Over `pool`, whose connections are logged in as `kg_integrator`.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }
}

fn broken<E>(_: E) -> StoreError {
    StoreError::corrupt("audit.tile", "hashes")
}

#[async_trait]
impl CosignedLogs for PgCosignedLogs {
    async fn latest(&self, origins: &[String]) -> Result<Vec<LogCheckpoint>, StoreError> {
        let rows = sqlx::query!(
            r#"(select l.tenant_id as "tenant_id!", l.origin as "origin!", c.size as "size!", c.root as "root!", c.note as "note!" from audit.log l
                 join lateral (select k.size, k.root, k.note from audit.checkpoint k where k.tenant_id = l.tenant_id
                               order by k.size desc, k.created_at desc limit 1) c on c.size > 0
                 where l.origin = any ($1) order by l.origin)
               union all
               (select $2, m.origin, k.size, k.root, k.note from audit.meta_log m, audit.meta_checkpoint k
                 where k.size > 0 order by k.size desc, k.created_at desc limit 1)"#,
            origins,
            META_LOG.uuid()
        )
        .fetch_all(&self.pool)
        .await?;
        let corrupt = || StoreError::corrupt("audit.checkpoint", "note");
        rows.into_iter()
            .map(|row| {
                Ok(LogCheckpoint {
                    tenant: TenantId::from_uuid(row.tenant_id),
                    origin: row.origin,
                    size: unsigned(row.size)?,
                    root: Hash::try_from(row.root.as_slice()).map_err(|_| corrupt())?,
                    note: row.note.parse().map_err(|_| corrupt())?,
                })
            })
            .collect()
    }

    async fn consistency(&self, tenant: TenantId, first: u64, second: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        let mut conn = self.pool.acquire().await?;
        let size = sqlx::query_scalar!(
            r#"select case when $1::uuid = $2::uuid then (select size from audit.meta_head) else (select size from audit.head where tenant_id = $1) end as "size?""#,
            tenant.uuid(),
            META_LOG.uuid()
        );
        let size = size.fetch_one(&mut *conn).await?.map_or(Ok(0), unsigned)?;
        if first == 0 || first > second || second > size {
            return Ok(None);
        }
        let nodes = nodes_for_consistency(first, second).map_err(broken)?;
        let shelf = if tenant == META_LOG {
            Shelf::Meta
        } else {
            Shelf::Tenant(tenant.uuid())
        };
        let mut tiles = TileSet::default();
        for path in tiles_for_nodes(nodes, size) {
            let content = shelf.tile(&mut conn, &path).await?;
            tiles
                .insert(path, &content.ok_or_else(|| broken(()))?)
                .map_err(broken)?;
        }
        consistency_proof(first, second, &tiles).map(Some).map_err(broken)
    }

    async fn cosigned_size(&self, tenant: TenantId, cosigner: &str) -> Result<u64, StoreError> {
        let size = sqlx::query_scalar!(
            r#"select coalesce(max(size), 0) as "size!" from audit.cosignature where tenant_id = $1 and cosigner = $2"#,
            tenant.uuid(),
            cosigner
        );
        unsigned(size.fetch_one(&self.pool).await?)
    }

    async fn cosignatures(&self, of: &LogCheckpoint) -> Result<Vec<NoteSignature>, StoreError> {
        let lines = sqlx::query_scalar!(
            "select distinct on (cosigner) line from audit.cosignature where tenant_id = $1 and size = $2 and root = $3
             order by cosigner, at desc",
            of.tenant.uuid(),
            signed(of.size),
            of.root.as_bytes()
        );
        lines_of(of.note.text(), &lines.fetch_all(&self.pool).await?.concat())
    }

    async fn put_cosignatures(&self, of: &LogCheckpoint, lines: &[NoteSignature]) -> Result<(), StoreError> {
        let (cosigners, texts): (Vec<String>, Vec<String>) =
            lines.iter().map(|line| (cosigner_of(line), line.to_string())).unzip();
        sqlx::query!(
            "insert into audit.cosignature (tenant_id, size, root, cosigner, line)
             select $1, $2, $3, cosigner, line from unnest($4::text[], $5::text[]) t (cosigner, line)",
            of.tenant.uuid(),
            signed(of.size),
            of.root.as_bytes(),
            &cosigners,
            &texts
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn put_witnessed(&self, of: &LogCheckpoint) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into audit.witnessed (tenant_id, size, root) values ($1, $2, $3) on conflict do nothing",
            of.tenant.uuid(),
            signed(of.size),
            of.root.as_bytes()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn is_told(&self, tenant: TenantId, alarm: &Alarm) -> Result<bool, StoreError> {
        let told = sqlx::query_scalar!(
            r#"select exists (select from audit.witness_alarm
                 where tenant_id = case when $1::uuid = $5::uuid then (select id from rbac.tenant where kind = 'platform') else $1::uuid end and witness = $2 and kind = $3 and told = $4) as "told!""#,
            tenant.uuid(),
            alarm.witness,
            alarm.kind.as_str(),
            signed(alarm.told),
            META_LOG.uuid()
        );
        Ok(told.fetch_one(&self.pool).await?)
    }
}

#[async_trait]
impl WitnessAlarms for PgTx {
    async fn put_witness_alarm(&mut self, alarm: &Alarm) -> Result<(), StoreError> {
        sqlx::query!(
            "select gate.witness_alarm($1, $2, $3, $4, $5)",
            alarm.witness,
            alarm.kind.as_str(),
            signed(alarm.told),
            alarm.request,
            alarm.answer
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}

/// The note with the lines that witnesses made over it, as stored.
pub(super) fn with_lines(note: String, lines: Option<&str>) -> Result<String, StoreError> {
    match lines {
        None | Some("") => Ok(note),
        Some(lines) => {
            let whole = note + lines;
            Note::parse(whole.as_bytes()).map_err(|_| StoreError::corrupt("audit.cosignature", "line"))?;
            Ok(whole)
        }
    }
}
