//! One leased delivery, until it needs nothing more.
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_channels::{
    Leased, Reason, Todo,
    commands::{AdvanceDelivery, Begun, Call, Progress, RecordAttempt, SendOutcome, StartAttempt},
};
use keepgate_crypto_keys::{Place, Purpose};
use keepgate_kernel::{AttemptId, TenantId};
use keepgate_policy::ErrorKind;
use zeroize::Zeroizing;

use super::{Dispatcher, Parcel};
use crate::VaultError;

/// A call must have ended this long before its lease.
const MARGIN: TimeDelta = TimeDelta::seconds(10);
/// How long a result waits before it is written down again, when the database is away.
const AGAIN: Duration = Duration::from_millis(500);

/// Everything that carries parcels: SMS, voice, webhooks.
#[async_trait]
pub trait Outward: Send + Sync {
    /// Makes the call that `parcel` asks for, once, and ends before `parcel.until`. What is not certain is
    /// [`SendOutcome::Unknown`].
    async fn carry(&self, parcel: Parcel) -> SendOutcome;
}

/// What a delivery needs after a command.
enum Next {
    Command(Todo),
    Call(Box<Call>),
    Nothing,
}

impl From<Progress> for Next {
    fn from(progress: Progress) -> Self {
        if progress.more {
            Self::Command(Todo::Start)
        } else {
            Self::Nothing
        }
    }
}

impl Dispatcher {
    /// Runs a delivery's commands until it needs a call, which a hand of its own makes, or nothing more.
    pub(super) async fn carry(&self, tenant: TenantId, leased: Leased) {
        let mut todo = leased.todo;
        loop {
            match self.command(tenant, &leased, todo).await {
                Next::Command(next) => todo = next,
                Next::Nothing => return,
                Next::Call(call) => {
                    let Ok(hand) = self.hands.clone().acquire_owned().await else {
                        return;
                    };
                    let this = self.clone();
                    tokio::spawn(async move {
                        this.follow(tenant, leased, *call).await;
                        drop(hand);
                        this.free.notify_one();
                    });
                    return;
                }
            }
        }
    }

    /// Makes the call and whatever comes after it.
    async fn follow(&self, tenant: TenantId, leased: Leased, call: Call) {
        let mut next = Next::Call(Box::new(call));
        loop {
            next = match next {
                Next::Nothing => return,
                Next::Command(todo) => self.command(tenant, &leased, todo).await,
                Next::Call(call) => {
                    let outcome = self.call(tenant, &call).await;
                    metrics::counter!("keepgate_attempts", "channel" => call.channel.as_str(), "outcome" => word(&outcome)).increment(1);
                    self.record(tenant, &call, outcome)
                        .await
                        .map_or(Next::Nothing, Next::from)
                }
            };
        }
    }

    async fn command(&self, tenant: TenantId, leased: &Leased, todo: Todo) -> Next {
        match todo {
            Todo::Start => self.start(tenant, leased).await,
            Todo::Advance => {
                let command = AdvanceDelivery {
                    message: leased.lease.message,
                    token: leased.lease.token,
                };
                let progress = self.told(
                    self.gate
                        .perform(&self.worker_in(tenant), &command)
                        .await
                        .map(|done| done.output),
                );
                progress.map_or(Next::Nothing, Next::from)
            }
        }
    }

    async fn start(&self, tenant: TenantId, leased: &Leased) -> Next {
        let command = StartAttempt {
            message: leased.lease.message,
            token: leased.lease.token,
            attempt: AttemptId::new(self.gate.clock().now()),
            carriers: self.carriers.clone(),
        };
        match self.told(
            self.gate
                .perform(&self.worker_in(tenant), &command)
                .await
                .map(|done| done.output),
        ) {
            None => Next::Nothing,
            Some(Begun::Call(call)) => Next::Call(call),
            Some(Begun::Streamed { streams, progress }) => {
                for (principal, _) in streams {
                    self.hub.ring(tenant, principal);
                }
                progress.into()
            }
            Some(Begun::Skipped { progress, .. } | Begun::Moved(progress)) => progress.into(),
        }
    }

    async fn call(&self, tenant: TenantId, call: &Call) -> SendOutcome {
        let until = call.lease.until - MARGIN;
        match self.open(tenant, call).await {
            Ok(parcel) if self.gate.clock().now() < until => self.outward.carry(parcel).await,
            // Too late to call: nothing was sent, and the next lease begins anew.
            Ok(_) => refused("lease-too-short"),
            // Trying again would not help: another webhook may have another secret, and the content has no other way either.
            Err(VaultError::Gone) => SendOutcome::Refused {
                class: keepgate_channels::machine::RefusalClass::Target,
                reason: Reason::new("key-destroyed"),
                retry_after_seconds: None,
            },
            Err(error) => {
                tracing::error!(attempt = %call.attempt, error = %error, "a message can't be opened");
                refused("content-unreadable")
            }
        }
    }

    async fn open(&self, tenant: TenantId, call: &Call) -> Result<Parcel, VaultError> {
        let place = |column| Place {
            tenant,
            purpose: Purpose::Payload,
            table: "channels.message",
            column,
            row: call.lease.message.uuid(),
        };
        let payload = self
            .gate
            .open(&place("payload"), call.content.payload.as_bytes())
            .await?;
        let text = match &call.content.text {
            Some(text) => {
                let bytes = self.gate.open(&place("text"), text.as_bytes()).await?;
                Some(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
            }
            None => None,
        };
        let signs = match &call.webhook {
            Some(webhook) => {
                let place = Place {
                    tenant,
                    purpose: Purpose::WebhookSecret,
                    table: "channels.webhook",
                    column: "secret",
                    row: webhook.id.uuid(),
                };
                let secret = self.gate.open(&place, webhook.secret.as_bytes()).await?;
                (Some(secret), self.gate.webhook_seeds(tenant).await?)
            }
            None => (None, Vec::new()),
        };
        Ok(Parcel::new(call, signs, payload, text, call.lease.until - MARGIN))
    }

    /// A result is known once: it is written down again and again until the lease is over.
    async fn record(&self, tenant: TenantId, call: &Call, outcome: SendOutcome) -> Option<Progress> {
        let command = RecordAttempt {
            message: call.lease.message,
            token: call.lease.token,
            attempt: call.attempt,
            outcome,
        };
        loop {
            match self.gate.perform(&self.worker_in(tenant), &command).await {
                Ok(done) => return Some(done.output),
                Err(failure)
                    if matches!(failure.kind(), ErrorKind::Failed(_) | ErrorKind::Conflict)
                        && self.gate.clock().now() < call.lease.until =>
                {
                    tokio::time::sleep(AGAIN).await;
                }
                other => return self.told(other.map(|done| done.output)),
            }
        }
    }

    /// A lost lease is no mistake: another worker has the delivery now.
    fn told<O, E: keepgate_policy::CommandError>(&self, result: Result<O, crate::Failure<E>>) -> Option<O> {
        match result {
            Ok(output) => Some(output),
            Err(failure) if failure.kind() == ErrorKind::Refused("lease-lost") => None,
            Err(failure) => {
                tracing::warn!(worker = self.worker.as_str(), error = %failure, "a delivery was left to its lease");
                None
            }
        }
    }
}

fn refused(reason: &str) -> SendOutcome {
    SendOutcome::Refused {
        class: keepgate_channels::machine::RefusalClass::Retry,
        reason: Reason::new(reason),
        retry_after_seconds: None,
    }
}

const fn word(outcome: &SendOutcome) -> &'static str {
    match outcome {
        SendOutcome::Accepted { .. } => "accepted",
        SendOutcome::Refused { .. } => "refused",
        SendOutcome::Unknown { .. } => "unknown",
    }
}
