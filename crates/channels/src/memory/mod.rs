//! The ports in memory: the same sentences, the same walls.
mod attempts;
mod due_work;
mod messages;
mod outbox;
mod recipients;
mod routes;
mod stream_events;
mod webhooks;

use std::sync::Arc;

use keepgate_kernel::{AttemptId, MessageId, PrincipalId, RecipientId, TenantId, Timestamp, UnitId, WebhookId};
use keepgate_policy::OpContext;
use keepgate_store::{MemTx, Transaction};
use rpds::RedBlackTreeMapSync as Map;

use crate::{
    machine::{AttemptState, Position},
    types::{
        Ack, Attempt, Callback, Held, Message, MessageSummary, Recipient, RouteVersion, Status, Webhook, addressees,
    },
};

/// Every row of this crate, by tenant first.
#[derive(Debug, Clone, Default)]
struct Rows {
    recipients: Map<(TenantId, RecipientId), Recipient>,
    routes: Map<(TenantId, String), RouteVersion>,
    webhooks: Map<(TenantId, WebhookId), Webhook>,
    messages: Map<(TenantId, MessageId), Arc<Message>>,
    deliveries: Map<(TenantId, MessageId), Row>,
    attempts: Map<(TenantId, AttemptId), Attempt>,
    callbacks: Map<(TenantId, AttemptId, String), Callback>,
    events: Map<(TenantId, PrincipalId, i64), Event>,
}

/// The row of a delivery.
#[derive(Debug, Clone)]
struct Row {
    status: Status,
    at: Position,
    due: Timestamp,
    wake: Option<Timestamp>,
    token: i64,
    until: Option<Timestamp>,
    ack: Option<Ack>,
    ended_at: Option<Timestamp>,
}

/// The row of a stream event.
#[derive(Debug, Clone, Copy)]
struct Event {
    message: MessageId,
    attempt: AttemptId,
    at: Timestamp,
    handed: bool,
}

/// Who asks, as row-level security knows it. Level 0 is Keepgate's own worker.
#[derive(Debug, Clone, Copy)]
struct Caller {
    tenant: TenantId,
    subject: PrincipalId,
    level: u8,
    unit: Option<UnitId>,
}

impl Caller {
    fn of(context: &OpContext) -> Self {
        let principal = context.principal();
        let level = principal.level().map_or(0, |level| level.number());
        Self {
            tenant: context.tenant(),
            subject: principal.id,
            level,
            unit: principal.unit,
        }
    }

    fn within(self, low: u8, high: u8) -> bool {
        (low..=high).contains(&self.level)
    }

    fn sees(self, message: &Message) -> bool {
        self.level == 0
            || self.within(4, 5)
            || (self.within(1, 3)
                && (message.sender == self.subject || addressees(&message.contacts).contains(&self.subject)))
            || (self.within(2, 3) && message.unit.is_some() && message.unit == self.unit)
    }
}

fn caller(tx: &MemTx) -> Caller {
    Caller::of(tx.context())
}

fn rows(tx: &MemTx) -> Rows {
    tx.read::<Rows>().cloned().unwrap_or_default()
}

impl Rows {
    fn visible(&self, caller: Caller, id: MessageId) -> Option<&Arc<Message>> {
        self.messages
            .get(&(caller.tenant, id))
            .filter(|message| caller.sees(message))
    }

    fn attempts_of(&self, tenant: TenantId, id: MessageId) -> Vec<Attempt> {
        let mut found: Vec<Attempt> = self
            .attempts
            .range((tenant, AttemptId::from_uuid(keepgate_kernel::Uuid::nil()))..)
            .take_while(|((of, _), _)| *of == tenant)
            .map(|(_, attempt)| attempt)
            .filter(|attempt| attempt.message == id)
            .cloned()
            .collect();
        found.sort_by_key(|attempt| (attempt.step, attempt.number));
        found
    }

    fn open(&self, tenant: TenantId, id: MessageId, ended: bool) -> Option<Attempt> {
        let calling = |attempt: &Attempt| attempt.state == AttemptState::Intent;
        self.attempts_of(tenant, id)
            .into_iter()
            .find(|attempt| calling(attempt) || (attempt.live && !ended))
    }
}

/// What a list shows of a message.
fn summary(message: &Message, row: &Row) -> MessageSummary {
    MessageSummary {
        id: message.id,
        status: row.status,
        accepted_at: message.accepted_at,
        sender: message.sender,
        unit: message.unit,
        recipient: message.recipient,
        contacts: message.contacts.clone(),
        route: message.route.clone(),
        content_type: message.content_type.clone(),
        priority: message.priority,
        require_ack: message.require_ack,
        deadline: message.deadline,
        ack: row.ack.clone(),
        ended_at: row.ended_at,
        locale: message.locale.clone(),
        replay_of: message.replay_of,
    }
}

/// A locked delivery, put together from its rows. There is one writer at a time, so the lock is the transaction itself.
fn held(rows: &Rows, tenant: TenantId, message: &Message, row: &Row) -> Held {
    let open = rows.open(tenant, message.id, row.status.terminal().is_some());
    Held {
        message: message.id,
        accepted_at: message.accepted_at,
        contacts: message.contacts.clone(),
        route: message.route.clone(),
        content_type: message.content_type.clone(),
        priority: message.priority,
        require_ack: message.require_ack,
        deadline: message.deadline,
        locale: message.locale.clone(),
        delivery: Held::state(row.status, row.at, row.due, open.as_ref()),
        begun: row.status != Status::Accepted,
        lease: row.until.map(|until| crate::types::Lease {
            message: message.id,
            token: row.token,
            until,
        }),
        ack: row.ack.clone(),
        open,
    }
}
