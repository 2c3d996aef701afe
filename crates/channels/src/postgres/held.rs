//! A locked delivery, put together from its rows.
use keepgate_kernel::{MessageId, Timestamp, Uuid};
use keepgate_store::{PgTx, StoreError};
use serde_json::Value;

use super::{
    parsed,
    rows::{AttemptRow, ack, small},
    tenant,
};
use crate::{
    machine::{AttemptState, Position},
    types::{Attempt, Held, Lease, Priority, Status},
};

const DELIVERY: &str = "channels.delivery";
const MESSAGE: &str = "channels.message";

struct DeliveryRow {
    status: String,
    step: i16,
    target: i16,
    tries: i16,
    due_at: Timestamp,
    lease_token: i64,
    lease_until: Option<Timestamp>,
    acked_at: Option<Timestamp>,
    acked_kind: Option<String>,
    acked_by: Option<Uuid>,
    ack_note: Option<Vec<u8>>,
}

struct MessageRow {
    accepted_at: Timestamp,
    contacts: Value,
    route: Value,
    content_type: String,
    priority: String,
    require_ack: bool,
    deadline: Timestamp,
    locale: Option<String>,
}

/// Locks and reads. The lock is a statement of its own: what is read after it is what the last holder left.
pub(super) async fn lock(tx: &mut PgTx, id: MessageId, token: Option<i64>) -> Result<Option<Held>, StoreError> {
    let row = sqlx::query_as!(
        DeliveryRow,
        "select status, step, target, tries, due_at, lease_token, lease_until, acked_at, acked_kind, acked_by, ack_note
         from channels.delivery where tenant_id = $1 and message_id = $2 and ($3::bigint is null or lease_token = $3) for update",
        tenant(tx),
        id.uuid(),
        token,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(delivery) = row else { return Ok(None) };
    let message = sqlx::query_as!(
        MessageRow,
        "select accepted_at, contacts, route, content_type, priority, require_ack, deadline, locale
         from channels.message where tenant_id = $1 and id = $2",
        tenant(tx),
        id.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    let open = sqlx::query_as!(
        AttemptRow,
        "select id, message_id, step, target, try, channel, provider, idempotent, state, live, reason, provider_ref, sends,
           lease_token, at, ends_at, settled_at
         from channels.attempt where tenant_id = $1 and message_id = $2 and (live or state = 'intent') limit 1",
        tenant(tx),
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    held(id, delivery, message, open.map(Attempt::try_from).transpose()?).map(Some)
}

fn held(id: MessageId, delivery: DeliveryRow, message: MessageRow, open: Option<Attempt>) -> Result<Held, StoreError> {
    let status = Status::parse(&delivery.status).ok_or_else(|| StoreError::corrupt(DELIVERY, "status"))?;
    let at = Position {
        step: small(delivery.step, DELIVERY, "step")?,
        target: small(delivery.target, DELIVERY, "target")?,
        tries: small(delivery.tries, DELIVERY, "tries")?,
    };
    let open = open.filter(|attempt| status.terminal().is_none() || attempt.state == AttemptState::Intent);
    Ok(Held {
        message: id,
        accepted_at: message.accepted_at,
        contacts: parsed(message.contacts, MESSAGE, "contacts")?,
        route: parsed(message.route, MESSAGE, "route")?,
        content_type: message.content_type,
        priority: Priority::parse(&message.priority).ok_or_else(|| StoreError::corrupt(MESSAGE, "priority"))?,
        require_ack: message.require_ack,
        deadline: message.deadline,
        locale: message.locale,
        delivery: Held::state(status, at, delivery.due_at, open.as_ref()),
        begun: status != Status::Accepted,
        lease: delivery.lease_until.map(|until| Lease {
            message: id,
            token: delivery.lease_token,
            until,
        }),
        ack: ack(
            delivery.acked_at,
            delivery.acked_kind.as_deref(),
            delivery.acked_by,
            delivery.ack_note,
        )?,
        open,
    })
}
