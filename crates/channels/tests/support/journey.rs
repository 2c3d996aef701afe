//! A message's journey step by step: accept, start, record, advance, look.
use std::sync::Arc;

use keepgate_channels::{commands::*, machine::*, *};
use keepgate_kernel::{AttemptId, Level, MessageId, Timestamp};
use keepgate_store::testing::World;

use super::{Tx, lease_one, perform, worker_at};

pub fn carriers(idempotent: bool) -> Arc<Carriers> {
    let twilio = |channel| Carrier {
        name: "tw".into(),
        channel,
        idempotent,
    };
    Arc::new(Carriers::new(vec![twilio(Channel::Sms), twilio(Channel::Voice)]).with_webhooks())
}

pub async fn accept(world: &World<dyn Tx>, contacts: Vec<Contact>, require_ack: Option<bool>) -> MessageId {
    let command = AcceptMessage {
        id: MessageId::new(world.now),
        to: Destination::Contacts(contacts),
        route: None,
        payload: Sealed::new(vec![7; 60]),
        text: None,
        content_type: None,
        priority: Priority::Normal,
        deadline: None,
        require_ack,
    };
    perform(world, &world.caller(Level::Operator), &command)
        .await
        .unwrap()
        .id
}

pub async fn start(
    world: &World<dyn Tx>,
    lease: Lease,
    at: Timestamp,
    carriers: &Arc<Carriers>,
) -> Result<Begun, StartError> {
    let command = StartAttempt {
        message: lease.message,
        token: lease.token,
        attempt: AttemptId::new(at),
        carriers: carriers.clone(),
    };
    perform(world, &worker_at(world, at), &command).await
}

/// Starts what is due at `at`, which must come to a call.
pub async fn call(world: &World<dyn Tx>, at: Timestamp, carriers: &Arc<Carriers>) -> Box<Call> {
    let lease = lease_one(world, at, 30).await;
    assert_eq!(lease.todo, Todo::Start);
    match start(world, lease.lease, at, carriers).await.unwrap() {
        Begun::Call(call) => call,
        other => panic!("a call was due, not {other:?}"),
    }
}

pub async fn record(
    world: &World<dyn Tx>,
    call: &Call,
    at: Timestamp,
    outcome: SendOutcome,
) -> Result<Progress, RecordError> {
    let command = RecordAttempt {
        message: call.lease.message,
        token: call.lease.token,
        attempt: call.attempt,
        outcome,
    };
    perform(world, &worker_at(world, at), &command).await
}

pub async fn advance(world: &World<dyn Tx>, at: Timestamp) -> Progress {
    let leased = lease_one(world, at, 30).await;
    assert_eq!(leased.todo, Todo::Advance);
    let command = AdvanceDelivery {
        message: leased.lease.message,
        token: leased.lease.token,
    };
    perform(world, &worker_at(world, at), &command).await.unwrap()
}

pub fn unknown() -> SendOutcome {
    SendOutcome::Unknown {
        reason: Reason::new("timeout"),
    }
}

pub async fn view(world: &World<dyn Tx>, message: MessageId) -> MessageView {
    perform(world, &world.caller(Level::Supervisor), &GetMessage { id: message })
        .await
        .unwrap()
}

pub async fn states(world: &World<dyn Tx>, message: MessageId) -> Vec<(u8, AttemptState, Option<String>)> {
    let attempts = view(world, message).await.attempts;
    attempts
        .into_iter()
        .map(|one| (one.step, one.state, one.reason.map(|reason| reason.to_string())))
        .collect()
}
