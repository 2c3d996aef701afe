//! One pass over all logs, one transaction.
use std::{collections::BTreeMap, time::Duration};

use keepgate_kernel::{TenantId, Uuid};
use keepgate_store::StoreError;
use sqlx::{Connection, PgConnection};

use super::{
    Integrator, PASSES_HELD,
    extend::{Begun, Stop},
    pending::{BATCH, Pending, Progress, lag},
    round::Round,
    step::Step,
};
use crate::{LogFault, PassReport, Remembered, clock::TimeStep, integrate::Fence};

/// What one pass did to the logs.
#[derive(Default)]
pub(super) struct Work {
    /// Logs that grew.
    pub(super) grown: Vec<(TenantId, Begun)>,
    /// Logs whose entries could not be numbered.
    pub(super) held: Vec<(TenantId, LogFault)>,
    /// Where times go back.
    pub(super) steps: Vec<TimeStep>,
}

impl Integrator {
    /// Numbers the next settled entries, signs what is due, and commits. A log that can't go on is left as it was and tried
    /// again later; the others go on.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed, the next pass starts where this one did.
    pub async fn pass(&mut self) -> Result<PassReport, StoreError> {
        self.remember().await?;
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
        self.step.at(Step::Locked);
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
        self.step.at(Step::Numbered);
        let round = self.sign_due(&mut tx, &work).await?;
        let lag = lag(&mut tx).await?;
        tx.commit().await?;
        self.step.at(Step::Committed);
        Ok(self.report(&pending, work, round, more, lag))
    }

    /// Reads what was signed before, once.
    async fn remember(&mut self) -> Result<(), StoreError> {
        if self.fence.is_some() {
            return Ok(());
        }
        let remembered = match &self.heads {
            Some(heads) => heads.load().await,
            None => Ok(Remembered::default()),
        };
        let remembered = remembered.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        self.fence = Some(Fence::new(remembered));
        Ok(())
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
    async fn extend_all(&mut self, tx: &mut PgConnection, pending: &[Pending]) -> Result<Work, StoreError> {
        let mut logs: BTreeMap<TenantId, Vec<&Pending>> = BTreeMap::new();
        for entry in pending {
            logs.entry(entry.tenant).or_default().push(entry);
        }
        let mut work = Work::default();
        for (tenant, entries) in logs {
            let mut savepoint = tx.begin().await?;
            match self.extend(&mut savepoint, tenant, &entries).await {
                Ok((begun, first)) => {
                    work.steps
                        .extend(self.steps(&mut savepoint, tenant, first, &entries).await?);
                    savepoint.commit().await?;
                    work.grown.push((tenant, begun));
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

    fn report(&mut self, pending: &[Pending], work: Work, round: Round, more: bool, lag: Option<f64>) -> PassReport {
        let waits = |entry: &&Pending| work.held.iter().any(|(tenant, _)| *tenant == entry.tenant);
        let waiting = pending.iter().filter(waits).count();
        for (tenant, _) in &work.grown {
            self.faulty.remove(tenant);
        }
        self.settle(&round);
        let mut held = work.held;
        held.extend(round.held);
        for (tenant, _) in &held {
            self.held.insert(*tenant, PASSES_HELD);
            self.faulty.insert(*tenant);
        }
        // What is behind was told when all logs were looked at, and is no reason to leave a log out: it may catch up.
        held.extend(round.behind);
        PassReport {
            busy: false,
            numbered: pending.len() - waiting,
            checkpoints: round.signed.len(),
            meta: round.meta,
            more,
            steps: work.steps,
            lag: lag.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()),
            holding: self.faulty.union(&self.behind).count() + usize::from(self.meta_faulty),
            held,
            meta_fault: round.meta_fault,
        }
    }
}

/// The last entry before the first one of a log that waits.
fn before<'p>(pending: &'p [Pending], held: &[(TenantId, LogFault)]) -> Option<&'p Pending> {
    let waits = |entry: &Pending| held.iter().any(|(tenant, _)| *tenant == entry.tenant);
    pending.iter().take_while(|entry| !waits(entry)).last()
}
