//! Rows that more than one port reads.
use keepgate_kernel::{AttemptId, MessageId, PrincipalId, PrincipalKind, RecipientId, Timestamp, UnitId, Uuid};
use keepgate_store::StoreError;
use serde_json::Value;

use super::parsed;
use crate::{
    machine::AttemptState,
    types::{Ack, AckBy, Attempt, Channel, MessageSummary, Priority, Reason, Sealed, Status},
};

const MESSAGE: &str = "channels.message";
const DELIVERY: &str = "channels.delivery";
const ATTEMPT: &str = "channels.attempt";

/// A message with where it stands, without what is sealed.
pub(super) struct SummaryRow {
    pub id: Uuid,
    pub accepted_at: Timestamp,
    pub sender_kind: String,
    pub sender_id: Uuid,
    pub unit_id: Option<Uuid>,
    pub recipient_id: Option<Uuid>,
    pub contacts: Value,
    pub route: Value,
    pub content_type: String,
    pub priority: String,
    pub require_ack: bool,
    pub deadline: Timestamp,
    pub locale: Option<String>,
    pub replay_of: Option<Uuid>,
    pub status: String,
    pub acked_at: Option<Timestamp>,
    pub acked_kind: Option<String>,
    pub acked_by: Option<Uuid>,
    pub ack_note: Option<Vec<u8>>,
    pub ended_at: Option<Timestamp>,
}

impl TryFrom<SummaryRow> for MessageSummary {
    type Error = StoreError;
    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        let kind = PrincipalKind::parse(&row.sender_kind).ok_or_else(|| StoreError::corrupt(MESSAGE, "sender_kind"))?;
        Ok(Self {
            id: MessageId::from_uuid(row.id),
            status: Status::parse(&row.status).ok_or_else(|| StoreError::corrupt(DELIVERY, "status"))?,
            accepted_at: row.accepted_at,
            sender: PrincipalId::from_parts(kind, row.sender_id),
            unit: row.unit_id.map(UnitId::from_uuid),
            recipient: row.recipient_id.map(RecipientId::from_uuid),
            contacts: parsed(row.contacts, MESSAGE, "contacts")?,
            route: parsed(row.route, MESSAGE, "route")?,
            content_type: row.content_type,
            priority: Priority::parse(&row.priority).ok_or_else(|| StoreError::corrupt(MESSAGE, "priority"))?,
            require_ack: row.require_ack,
            deadline: row.deadline,
            ack: ack(row.acked_at, row.acked_kind.as_deref(), row.acked_by, row.ack_note)?,
            ended_at: row.ended_at,
            locale: row.locale,
            replay_of: row.replay_of.map(MessageId::from_uuid),
        })
    }
}

pub(super) fn ack(
    at: Option<Timestamp>,
    kind: Option<&str>,
    by: Option<Uuid>,
    note: Option<Vec<u8>>,
) -> Result<Option<Ack>, StoreError> {
    let (Some(at), Some(kind), Some(by)) = (at, kind, by) else {
        return Ok(None);
    };
    let by = match PrincipalKind::parse(kind) {
        Some(kind) => AckBy::Principal(PrincipalId::from_parts(kind, by)),
        None if kind == "attempt" => AckBy::Attempt(AttemptId::from_uuid(by)),
        None => return Err(StoreError::corrupt(DELIVERY, "acked_kind")),
    };
    Ok(Some(Ack {
        at,
        by,
        note: note.map(Sealed::new),
    }))
}

pub(super) struct AttemptRow {
    pub id: Uuid,
    pub message_id: Uuid,
    pub step: i16,
    pub target: i16,
    pub r#try: i16,
    pub channel: String,
    pub provider: Option<String>,
    pub idempotent: bool,
    pub state: String,
    pub live: bool,
    pub reason: Option<String>,
    pub provider_ref: Option<String>,
    pub sends: i16,
    pub lease_token: i64,
    pub at: Timestamp,
    pub ends_at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = StoreError;
    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: AttemptId::from_uuid(row.id),
            message: MessageId::from_uuid(row.message_id),
            step: small(row.step, ATTEMPT, "step")?,
            target: small(row.target, ATTEMPT, "target")?,
            number: small(row.r#try, ATTEMPT, "try")?,
            channel: Channel::parse(&row.channel).ok_or_else(|| StoreError::corrupt(ATTEMPT, "channel"))?,
            provider: row.provider,
            idempotent: row.idempotent,
            state: AttemptState::parse(&row.state).ok_or_else(|| StoreError::corrupt(ATTEMPT, "state"))?,
            live: row.live,
            reason: row.reason.as_deref().map(Reason::new),
            provider_ref: row.provider_ref,
            sends: u16::try_from(row.sends).map_err(|_| StoreError::corrupt(ATTEMPT, "sends"))?,
            token: row.lease_token,
            at: row.at,
            ends: row.ends_at,
            settled_at: row.settled_at,
        })
    }
}

pub(super) fn small(n: i16, table: &'static str, column: &'static str) -> Result<u8, StoreError> {
    u8::try_from(n).map_err(|_| StoreError::corrupt(table, column))
}
