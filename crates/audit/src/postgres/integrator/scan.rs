//! Looking at all logs: which have leaves that nobody signed, which rest, which are shorter than what was signed here.
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use keepgate_kernel::TenantId;
use keepgate_store::StoreError;
use sqlx::PgConnection;
use tokio::time::Instant;

use super::Integrator;
use crate::{LogFault, integrate::tenant_of, postgres::read::unsigned};

/// How often.
const EVERY: Duration = Duration::from_secs(10);
/// While something is behind: it may be about to catch up.
const BEHIND: Duration = Duration::from_secs(1);

/// What was found.
pub(super) struct Scan {
    pub(super) dirty: Vec<TenantId>,
    pub(super) idle: BTreeSet<TenantId>,
    pub(super) behind: Vec<(TenantId, LogFault)>,
    pub(super) meta_idle: bool,
    pub(super) meta_fault: Option<LogFault>,
}

impl Integrator {
    /// The scan, if one is due. A log is signed again when it has rested for ten minutes, then for as long as it had rested
    /// before, up to a day: somebody sees that it is still looked after, and a tenant that is gone costs a line a day.
    pub(super) async fn scan_due(&mut self, conn: &mut PgConnection, now: Instant) -> Result<Option<Scan>, StoreError> {
        let every = if self.behind.is_empty() { EVERY } else { BEHIND };
        if self.scanned.is_some_and(|last| now.duration_since(last) < every) {
            return Ok(None);
        }
        self.scanned = Some(now);
        let rows = sqlx::query!(
            r#"select h.tenant_id, l.origin, h.size, c.size as "signed?",
                 coalesce(extract(epoch from clock_timestamp() - c.created_at) >= greatest(600, least(86400,
                   extract(epoch from c.created_at - (select min(k.created_at) from audit.checkpoint k
                     where k.tenant_id = h.tenant_id and k.size = c.size)))), false) as "idle!"
               from audit.head h join audit.log l on l.tenant_id = h.tenant_id
               left join lateral (select k.size, k.created_at from audit.checkpoint k where k.tenant_id = h.tenant_id
                                  order by k.size desc, k.created_at desc limit 1) c on true"#
        )
        .fetch_all(&mut *conn)
        .await?;
        let mut scan = Scan {
            dirty: Vec::new(),
            idle: BTreeSet::new(),
            behind: Vec::new(),
            meta_idle: false,
            meta_fault: None,
        };
        let mut sizes = BTreeMap::new();
        for row in rows {
            let tenant = TenantId::from_uuid(row.tenant_id);
            if row.signed.is_none_or(|signed| signed < row.size) {
                scan.dirty.push(tenant);
            } else if row.idle {
                scan.idle.insert(tenant);
            }
            sizes.insert(row.origin, unsigned(row.size)?);
        }
        self.scan_meta(conn, &mut scan, &mut sizes).await?;
        self.compare(&mut scan, &sizes);
        Ok(Some(scan))
    }

    async fn scan_meta(
        &self,
        conn: &mut PgConnection,
        scan: &mut Scan,
        sizes: &mut BTreeMap<String, u64>,
    ) -> Result<(), StoreError> {
        let row = sqlx::query!(
            r#"select l.origin, h.size,
                 coalesce((select clock_timestamp() - max(k.created_at) >= interval '10 minutes' from audit.meta_checkpoint k
                   where k.size = h.size), false) as "idle!"
               from audit.meta_log l cross join audit.meta_head h"#
        )
        .fetch_optional(conn)
        .await?;
        if let Some(row) = row {
            scan.meta_idle = row.idle;
            sizes.insert(row.origin, unsigned(row.size)?);
        }
        Ok(())
    }

    /// A log that is missing has no leaves.
    fn compare(&self, scan: &mut Scan, sizes: &BTreeMap<String, u64>) {
        for (origin, known) in self.fence.iter().flat_map(|fence| fence.all()) {
            let size = sizes.get(origin).copied().unwrap_or(0);
            if size >= known.size {
                continue;
            }
            let fault = LogFault::Shrank {
                signed: known.size,
                size,
            };
            match tenant_of(origin) {
                Some(tenant) => scan.behind.push((tenant, fault)),
                None => scan.meta_fault = Some(fault),
            }
        }
    }
}
