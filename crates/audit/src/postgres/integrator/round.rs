//! Signing: every so often, all logs that grew, and then the log of logs.
use std::collections::BTreeSet;

use keepgate_kernel::TenantId;
use keepgate_store::StoreError;
use sqlx::PgConnection;
use tokio::time::Instant;

use super::{
    Integrator,
    extend::{Begun, Stop},
    meta::MetaReady,
    pass::Work,
    rows::{Head, put_checkpoint},
    scan::Scan,
    step::Step,
};
use crate::{
    LogFault, SignedHead,
    integrate::{check_head, sign, state_of},
    postgres::tiles::Shelf,
};

/// What was signed.
#[derive(Default)]
pub(super) struct Round {
    /// Logs that have a new checkpoint.
    pub(super) signed: Vec<TenantId>,
    /// Logs that were looked at and needed none.
    pub(super) clean: Vec<TenantId>,
    /// Logs that can't be signed.
    pub(super) held: Vec<(TenantId, LogFault)>,
    /// Logs shorter than what was signed here.
    pub(super) behind: Vec<(TenantId, LogFault)>,
    /// The size of the log of logs.
    pub(super) meta: Option<u64>,
    /// Why the log of logs was not signed.
    pub(super) meta_fault: Option<LogFault>,
}

/// What is to be signed.
struct Asked {
    targets: BTreeSet<TenantId>,
    /// Those whose first entries were numbered in this pass.
    begun: BTreeSet<TenantId>,
    /// Those that say the same again.
    idle: BTreeSet<TenantId>,
    meta_idle: bool,
}

/// A checkpoint in memory.
pub(super) struct Ready {
    pub(super) tenant: TenantId,
    pub(super) origin: String,
    pub(super) state: SignedHead,
    note: String,
    /// Whether it says something new.
    pub(super) fresh: bool,
}

impl Integrator {
    /// Signs what is due: the logs that grew, every [`Integrator::sign_every`]; those that have just begun, at once; idle ones
    /// now and then. Each signature is remembered before it is written.
    pub(super) async fn sign_due(&mut self, conn: &mut PgConnection, work: &Work) -> Result<Round, StoreError> {
        self.unsigned.extend(work.grown.iter().map(|(tenant, _)| *tenant));
        let mut round = Round::default();
        let now = Instant::now();
        let due = self
            .round
            .is_none_or(|last| now.duration_since(last) >= self.sign_every);
        let scan = self.scan_due(conn, now).await?;
        let begun = work.grown.iter().filter(|(_, begun)| *begun == Begun(true));
        let begun: BTreeSet<TenantId> = begun.map(|(tenant, _)| *tenant).collect();
        let mut targets = begun.clone();
        let (mut idle, mut meta_idle) = (BTreeSet::new(), false);
        if let Some(Scan {
            dirty,
            idle: resting,
            behind,
            meta_fault,
            meta_idle: meta_resting,
        }) = scan
        {
            self.unsigned.extend(dirty);
            (idle, meta_idle, round.behind, round.meta_fault) = (resting, meta_resting, behind, meta_fault);
            self.meta_faulty = round.meta_fault.is_some();
            self.behind = round.behind.iter().map(|(tenant, _)| *tenant).collect();
        }
        if due {
            targets.extend(&self.unsigned);
            targets.extend(&idle);
            if !targets.is_empty() || meta_idle {
                self.round = Some(now);
            }
        }
        // What was held a moment ago has been told.
        let told = |tenant: &TenantId| work.held.iter().any(|(held, _)| held == tenant);
        targets.retain(|tenant| !self.held.contains_key(tenant) && !self.behind.contains(tenant) && !told(tenant));
        if targets.is_empty() && !meta_idle {
            return Ok(round);
        }
        let what = Asked {
            targets,
            begun,
            idle,
            meta_idle,
        };
        self.sign_all(conn, what, &mut round).await?;
        Ok(round)
    }

    async fn sign_all(&mut self, conn: &mut PgConnection, what: Asked, round: &mut Round) -> Result<(), StoreError> {
        let meta_idle = what.meta_idle;
        let at = sqlx::query_scalar!(r#"select extract(epoch from clock_timestamp())::bigint as "at!""#)
            .fetch_one(&mut *conn)
            .await?;
        let at = u64::try_from(at).unwrap_or(0);
        let mut ready = Vec::new();
        for &tenant in &what.targets {
            match self.ready(conn, tenant, &what, at).await {
                Ok(Some(checkpoint)) => ready.push(checkpoint),
                Ok(None) => round.clean.push(tenant),
                // A log must not begin without its first checkpoint: nothing of this pass may last.
                Err(Stop::Log(fault)) if what.begun.contains(&tenant) => {
                    return Err(StoreError::Unavailable(Box::new(fault)));
                }
                Err(Stop::Log(fault)) => round.held.push((tenant, fault)),
                Err(Stop::Pass(error)) => return Err(error),
            }
        }
        let mut meta = None;
        if meta_idle || ready.iter().any(|checkpoint| checkpoint.fresh) {
            match self.meta_ready(conn, &ready, meta_idle, at).await {
                Ok(found) => {
                    self.meta_faulty = false;
                    meta = found;
                }
                Err(Stop::Log(fault)) => {
                    self.meta_faulty = true;
                    round.meta_fault = Some(fault);
                }
                Err(Stop::Pass(error)) => return Err(error),
            }
        }
        if ready.is_empty() && meta.is_none() {
            return Ok(());
        }
        self.step.at(Step::Signed);
        self.keep(&ready, meta.as_ref()).await?;
        self.step.at(Step::Kept);
        for checkpoint in &ready {
            put_checkpoint(conn, checkpoint.tenant, checkpoint.state, &checkpoint.note).await?;
            round.signed.push(checkpoint.tenant);
        }
        if let Some(meta) = &meta {
            meta.put(conn).await?;
            round.meta = Some(meta.next.head.size);
        }
        self.step.at(Step::Stored);
        Ok(())
    }

    /// The signed checkpoint of a log; `None` if its last one says all. The log must be shown to contain its last checkpoint, and
    /// whatever was signed here.
    async fn ready(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        what: &Asked,
        at: u64,
    ) -> Result<Option<Ready>, Stop> {
        let head = Head::load(conn, tenant, &self.host).await.map_err(Stop::Pass)?;
        let (frontier, last) = head.edge()?;
        let state = state_of(&frontier);
        let fresh = last != Some(state);
        if state.size == 0 || !(fresh || what.idle.contains(&tenant)) {
            return Ok(None);
        }
        // A log without a checkpoint that did not begin just now had one.
        if !what.begun.contains(&tenant) {
            check_head(state, last)?;
        }
        let known = self.known(&head.origin).filter(|known| Some(*known) != last);
        for old in last.into_iter().chain(known) {
            let grown = Shelf::Tenant(tenant.uuid()).growth(conn, old, state).await;
            grown.map_err(Stop::Pass)??;
        }
        let keys = self.signer.keys_for(tenant, &head.origin).await;
        let keys = keys.map_err(LogFault::Signer)?;
        let note = sign(&head.origin, state, &keys, at)?;
        Ok(Some(Ready {
            tenant,
            origin: head.origin,
            state,
            note,
            fresh,
        }))
    }

    /// Remembers what is about to leave the signer.
    async fn keep(&mut self, ready: &[Ready], meta: Option<&MetaReady>) -> Result<(), StoreError> {
        let mut states: Vec<_> = ready
            .iter()
            .map(|checkpoint| (checkpoint.origin.clone(), checkpoint.state))
            .collect();
        // Of the log of logs, what is published counts; what is on its way stays so until it is replaced.
        let next = match meta {
            Some(meta) => {
                states.push((meta.next.origin.clone(), meta.before));
                Some(meta.next.clone())
            }
            None => self.fence.as_ref().and_then(|fence| fence.next().cloned()),
        };
        if let Some(heads) = &self.heads {
            let kept = heads.keep(&states, next.as_ref()).await;
            kept.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        }
        if let Some(fence) = &mut self.fence {
            fence.remember(states, next);
        }
        Ok(())
    }

    /// What a committed round changes.
    pub(super) fn settle(&mut self, round: &Round) {
        if let (Some(_), Some(fence)) = (round.meta, &mut self.fence) {
            fence.published();
        }
        for tenant in round.signed.iter().chain(&round.clean) {
            self.unsigned.remove(tenant);
            self.faulty.remove(tenant);
        }
    }
}
