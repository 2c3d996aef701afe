//! What the suites share: the transaction they ask for, and things to put into it.
#![expect(dead_code, reason = "each suite uses its part")]
use chrono::Duration;
use keepgate_channels::{machine::*, ports::*, *};
use keepgate_kernel::{
    AttemptId, Level, MessageId, PrincipalId, RecipientId, RequestId, RouteId, Timestamp, WebhookId,
};
use keepgate_policy::{Command, OpContext, authorize};
use keepgate_store::testing::{TestTx, World};

pub mod journey;

pub trait Tx: TestTx + Recipients + Routes + Messages + Outbox + Attempts + StreamEvents + Webhooks + DueWork {}
impl<T: TestTx + Recipients + Routes + Messages + Outbox + Attempts + StreamEvents + Webhooks + DueWork> Tx for T {}

/// Commits, with an audit entry as the gate would write one.
#[expect(clippy::disallowed_methods, reason = "the suites play the gate")]
pub async fn done(mut tx: Box<dyn Tx>) {
    tx.mark().await.unwrap();
    tx.commit().await.unwrap();
}

/// Commits without one.
#[expect(clippy::disallowed_methods, reason = "the suites play the gate")]
pub async fn unmarked(tx: Box<dyn Tx>) -> Result<(), keepgate_store::StoreError> {
    tx.commit().await
}

/// Runs a command as the gate does: authorised, in one transaction, audited.
pub async fn perform<C: Command<dyn Tx>>(
    world: &World<dyn Tx>,
    context: &OpContext,
    command: &C,
) -> Result<C::Output, C::Error> {
    let proof = authorize(context).expect("the policy agrees");
    let mut tx = world.begin(context).await;
    let result = command.run(&proof, &mut *tx).await;
    if result.is_ok() {
        done(tx).await;
    }
    result
}

pub fn worker_at(world: &World<dyn Tx>, at: Timestamp) -> OpContext {
    OpContext::system(world.ids.tenant, RequestId::new(at), at)
}

pub fn later(world: &World<dyn Tx>, seconds: i64) -> Timestamp {
    world.now + Duration::seconds(seconds)
}

pub fn me(context: &OpContext) -> PrincipalId {
    context.principal().id
}

pub fn sms(number: &str) -> Contact {
    Contact::new(Channel::Sms, number, true).unwrap()
}

pub fn stream(principal: PrincipalId) -> Contact {
    Contact::new(Channel::Internet, &principal.to_string(), true).unwrap()
}

pub fn recipient(world: &World<dyn Tx>, name: &str) -> Recipient {
    Recipient {
        id: RecipientId::new(world.now),
        name: name.into(),
        contacts: vec![sms("+15005550006")],
        quiet_hours: Some(QuietHours::new("22:00", "07:00", "Europe/Vienna").unwrap()),
        locale: Some("de-AT".into()),
        created_at: world.now,
    }
}

pub fn route(name: &str, wait_seconds: u32, at: Timestamp) -> RouteVersion {
    let step = Step {
        channel: Channel::Sms,
        wait_seconds,
        attempts: 2,
        provider: None,
    };
    RouteVersion {
        id: RouteId::new(at),
        route: Route::new(name, vec![step], true, 600).unwrap(),
        updated_at: Some(at),
    }
}

pub fn webhook(world: &World<dyn Tx>, url: &str) -> Webhook {
    Webhook {
        id: WebhookId::new(world.now),
        url: WebhookUrl::parse(url).unwrap(),
        events: vec![WebhookEvent::MessageFailed],
        secret: Sealed::new(vec![1; 40]),
        created_at: world.now,
    }
}

/// A message of `sender` to `contacts` on the standard route.
pub fn message(sender: &OpContext, at: Timestamp, contacts: Vec<Contact>) -> Message {
    let principal = sender.principal();
    Message {
        id: MessageId::new(at),
        accepted_at: at,
        sender: principal.id,
        unit: principal.unit,
        recipient: None,
        contacts,
        route: RouteSnapshot::from(&RouteVersion::standard()),
        payload: Sealed::new(vec![7; 60]),
        text: Some(Sealed::new(vec![8; 40])),
        content_type: DEFAULT_CONTENT_TYPE.into(),
        priority: Priority::Normal,
        require_ack: true,
        deadline: at + Duration::hours(1),
        locale: None,
        replay_of: None,
    }
}

/// Stores a message of the operator to a telephone, accepted at `at`.
pub async fn stored(world: &World<dyn Tx>, at: Timestamp) -> MessageId {
    let operator = world.caller(Level::Operator);
    let message = message(&operator, at, vec![sms("+15005550006")]);
    let mut tx = world.begin(&operator).await;
    tx.add_message(&message).await.unwrap();
    done(tx).await;
    message.id
}

/// Leases what is due at `now` for `seconds`.
pub async fn lease(world: &World<dyn Tx>, now: Timestamp, seconds: i64) -> Vec<Leased> {
    let mut tx = world.begin(&worker_at(world, now)).await;
    let leased = tx
        .lease_due(&WorkerId::new("w"), 100, now, now + Duration::seconds(seconds))
        .await
        .unwrap();
    unmarked(tx).await.unwrap();
    leased
}

/// The only delivery that is due at `now`.
pub async fn lease_one(world: &World<dyn Tx>, now: Timestamp, seconds: i64) -> Leased {
    let leased = lease(world, now, seconds).await;
    assert_eq!(leased.len(), 1, "exactly one delivery is due");
    leased[0]
}

/// An intent for a leased delivery.
pub fn intent(lease: Lease, at: Timestamp) -> Attempt {
    Attempt {
        id: AttemptId::new(at),
        message: lease.message,
        step: 1,
        target: 0,
        number: 1,
        channel: Channel::Sms,
        provider: Some("tw".into()),
        idempotent: false,
        state: AttemptState::Intent,
        live: true,
        reason: None,
        provider_ref: None,
        sends: 1,
        token: lease.token,
        at,
        ends: at + Duration::seconds(60),
        settled_at: None,
    }
}
