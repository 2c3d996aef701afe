//! One pass over all logs, one transaction.
use std::{collections::BTreeMap, time::Duration};

use keepgate_kernel::{TenantId, Uuid};
use keepgate_store::StoreError;
use sqlx::{Connection, PgConnection};

use super::{
    Integrator, PASSES_HELD,
    extend::Stop,
    pending::{BATCH, Pending, Progress, lag},
};
use crate::{LogFault, PassReport, integrate::Signed};

/// What one pass did to the logs.
#[derive(Default)]
struct Work {
    signed: Vec<(TenantId, Signed)>,
    held: Vec<(TenantId, LogFault)>,
}

impl Integrator {
    /// Numbers the next settled entries, signs each log that grew, and commits. A log that can't go on is left as it was
    /// and tried again later; the others go on.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed, the next pass starts where this one did.
    pub async fn pass(&mut self) -> Result<PassReport, StoreError> {
        let mut tx = self.pool.begin().await?;
        if !sqlx::query_scalar!(
            r#"select pg_try_advisory_xact_lock(hashtext('keepgate audit integrator')) as "locked!""#
        )
        .fetch_one(&mut *tx)
        .await?
        {
            return Ok(PassReport {
                busy: true,
                ..PassReport::default()
            });
        }
        let left_out = self.left_out();
        let progress = Progress::load(&mut tx).await?;
        let (pending, settled) = if progress.restored {
            let (pending, settled) = Progress::left_over(&mut tx, &left_out).await?;
            (pending, Some(settled))
        } else {
            (progress.settled(&mut tx, &left_out).await?, None)
        };
        let work = self.extend_all(&mut tx, &pending).await?;
        let more = i64::try_from(pending.len()) == Ok(BATCH);
        // Nothing of a log that waits may fall below the mark.
        match settled {
            _ if !left_out.is_empty() => {}
            Some(settled) if !more && work.held.is_empty() => Progress::restart(&mut tx, &settled).await?,
            Some(_) => {}
            None => {
                if let Some(last) = before(&pending, &work.held) {
                    Progress::advance(&mut tx, last).await?;
                }
            }
        }
        let lag = lag(&mut tx).await?;
        tx.commit().await?;
        Ok(self.report(&pending, work, more, lag))
    }

    /// Logs to leave out this time. Each is tried again after [`PASSES_HELD`] passes.
    fn left_out(&mut self) -> Vec<Uuid> {
        self.held.retain(|_, passes| {
            *passes = passes.saturating_sub(1);
            *passes > 0
        });
        self.held.keys().map(|tenant| tenant.uuid()).collect()
    }

    /// Each log under a savepoint of its own.
    async fn extend_all(&self, tx: &mut PgConnection, pending: &[Pending]) -> Result<Work, StoreError> {
        let mut logs: BTreeMap<TenantId, Vec<&Pending>> = BTreeMap::new();
        for entry in pending {
            logs.entry(entry.tenant).or_default().push(entry);
        }
        let mut work = Work::default();
        for (tenant, entries) in logs {
            let mut savepoint = tx.begin().await?;
            match self.extend(&mut savepoint, tenant, &entries).await {
                Ok(signed) => {
                    savepoint.commit().await?;
                    work.signed.push((tenant, signed));
                }
                Err(Stop::Log(fault)) => {
                    savepoint.rollback().await?;
                    work.held.push((tenant, fault));
                }
                Err(Stop::Pass(error)) => return Err(error),
            }
        }
        Ok(work)
    }

    fn report(&mut self, pending: &[Pending], work: Work, more: bool, lag: Option<f64>) -> PassReport {
        let waits = |entry: &&Pending| work.held.iter().any(|(tenant, _)| *tenant == entry.tenant);
        let waiting = pending.iter().filter(waits).count();
        let report = PassReport {
            busy: false,
            numbered: pending.len() - waiting,
            checkpoints: work.signed.len(),
            more,
            lag: lag.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()),
            held: work.held,
        };
        self.held
            .extend(report.held.iter().map(|(tenant, _)| (*tenant, PASSES_HELD)));
        self.fence.remember(work.signed);
        report
    }
}

/// The last entry before the first one of a log that waits.
fn before<'p>(pending: &'p [Pending], held: &[(TenantId, LogFault)]) -> Option<&'p Pending> {
    let waits = |entry: &Pending| held.iter().any(|(tenant, _)| *tenant == entry.tenant);
    pending.iter().take_while(|entry| !waits(entry)).last()
}
