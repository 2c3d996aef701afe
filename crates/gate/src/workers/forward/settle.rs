//! Writing down how a try ended.
use std::time::Duration;

use keepgate_audit::{
    operations::sinks::{TurnSink, TurnSinkError},
    sink::{Claim, Settled, Settlement, SinkState},
};
use keepgate_kernel::{Action, Entity, Outcome, TenantId};
use keepgate_policy::{Command, authorize, permissions};
use keepgate_store::StoreError;

use super::Forwarder;

/// How often a result is written down again when the database is away: well within the lease.
const ATTEMPTS: u32 = 8;
const AGAIN: Duration = Duration::from_secs(1);

impl Forwarder {
    /// Whether the sink was still ours, and is settled now.
    pub(super) async fn settle(&self, tenant: TenantId, claim: Claim, settlement: Settlement) -> bool {
        let told = told(&claim, &settlement);
        let sink = claim.sink.id;
        let command = TurnSink { claim, settlement };
        for _ in 0..ATTEMPTS {
            let done = match &told {
                Some((outcome, reason)) => self.turn(tenant, &command, *outcome, reason.as_deref()).await,
                None => self.note(tenant, &command).await,
            };
            match done {
                Ok(held) => {
                    if let (true, Some((outcome, reason))) = (held, &told) {
                        tracing::warn!(%sink, outcome = outcome.as_str(), reason = reason.as_deref(), "a sink turned");
                    }
                    return held;
                }
                Err(StoreError::Revoked) => return false,
                Err(error) => tracing::warn!(error = %error, %sink, "how a sink fared can't be written down yet"),
            }
            tokio::time::sleep(AGAIN).await;
        }
        false
    }

    /// With an entry in the log.
    async fn turn(
        &self,
        tenant: TenantId,
        command: &TurnSink,
        outcome: Outcome,
        reason: Option<&str>,
    ) -> Result<bool, StoreError> {
        let context = self.worker_in(tenant);
        let proof = authorize::<permissions::SinkState>(&context).map_err(|_| StoreError::Forbidden)?;
        let mut tx = self.gate.store.begin(&context).await?;
        match command.run(&proof, &mut *tx).await {
            Ok(()) => {}
            Err(TurnSinkError::ClaimLost) => return Ok(false),
            Err(TurnSinkError::Store(error)) => return Err(error),
        }
        let about: Entity = command.claim.sink.id.into();
        let entry = self.gate.entry(None, Action::SinkState, about, outcome, reason);
        self.gate.finish(&context, tx, &entry).await?;
        self.gate.ring();
        Ok(true)
    }

    /// Without: where a sink stands is bookkeeping as long as it goes on.
    #[expect(
        clippy::disallowed_methods,
        reason = "bookkeeping: that entries leave is what the owner asked for when the sink was made"
    )]
    async fn note(&self, tenant: TenantId, command: &TurnSink) -> Result<bool, StoreError> {
        let mut tx = self.gate.store.begin(&self.worker_in(tenant)).await?;
        let held = tx.settle_sink(&command.claim, &command.settlement).await?;
        if held {
            tx.commit().await?;
        }
        Ok(held)
    }
}

/// What the log is told: that a sink stopped, that it recovered, and that a record was left behind. A refused record that tells of just that
/// is not told of: else each dead letter would make the next one.
fn told(claim: &Claim, settlement: &Settlement) -> Option<(Outcome, Option<String>)> {
    let tells_of_sinks = || {
        let first = claim.entries.first();
        first.is_some_and(|entry| entry.leaf.action == Action::SinkState.as_str())
    };
    match (&settlement.settled, settlement.turned) {
        (Settled::Again { reason, .. }, Some(SinkState::Failing)) => Some((Outcome::Failed, Some(reason.clone()))),
        (_, Some(_)) => Some((Outcome::Done, None)),
        (Settled::Dead { reason }, None) if !claim.dead && !tells_of_sinks() => {
            Some((Outcome::Failed, Some(format!("dead-letter-{reason}"))))
        }
        _ => None,
    }
}
