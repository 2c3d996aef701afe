//! Reading a leaf strictly.
use keepgate_kernel::{AuditId, Outcome, PrincipalId, PrincipalKind, RequestId, TenantId, Timestamp, Uuid};

use super::{Leaf, TimeQuality};
use crate::append::is_reason;

/// Why bytes are not a leaf of this log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Not JSON with exactly the fields of a leaf.
    #[error("the leaf is not JSON with exactly the fields of a leaf")]
    Form,
    /// A version this program does not know.
    #[error("the leaf has a version this program does not know")]
    Version,
    /// A field holds what it can't hold.
    #[error("the field `{0}` of the leaf holds an impossible value")]
    Field(&'static str),
    /// The same content, but not spelled as RFC 8785 demands.
    #[error("the leaf is not in canonical form")]
    NotCanonical,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Actor {
    id: Uuid,
    #[serde(rename = "type")]
    kind: PrincipalKind,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    action: String,
    actor: Actor,
    entity: String,
    id: Uuid,
    outcome: Outcome,
    reason: Option<String>,
    recorded_at: Timestamp,
    request_id: Uuid,
    source_c: Option<String>,
    tenant: Uuid,
    time_quality: TimeQuality,
    v: u64,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Leaf, LeafError> {
    let fields: Fields = serde_json::from_slice(bytes).map_err(|_| LeafError::Form)?;
    if fields.v != 1 {
        return Err(LeafError::Version);
    }
    let leaf = leaf(fields)?;
    // Order of keys, blanks, escapes, spellings of ids and times: writing it again finds them all.
    if leaf.to_bytes() == bytes { Ok(leaf) } else { Err(LeafError::NotCanonical) }
}

fn leaf(fields: Fields) -> Result<Leaf, LeafError> {
    if !is_action(&fields.action) {
        return Err(LeafError::Field("action"));
    }
    if !(1..=200).contains(&fields.entity.chars().count()) {
        return Err(LeafError::Field("entity"));
    }
    if !fields.reason.as_deref().map_or(fields.outcome == Outcome::Done, is_reason) {
        return Err(LeafError::Field("reason"));
    }
    let source_c = fields.source_c.map(|hex| commitment(&hex).ok_or(LeafError::Field("source_c"))).transpose()?;
    Ok(Leaf {
        action: fields.action,
        actor: PrincipalId::from_parts(fields.actor.kind, fields.actor.id),
        entity: fields.entity,
        id: AuditId::from_uuid(fields.id),
        outcome: fields.outcome,
        reason: fields.reason,
        recorded_at: fields.recorded_at,
        request: RequestId::from_uuid(fields.request_id),
        source_c,
        tenant: TenantId::from_uuid(fields.tenant),
        time_quality: fields.time_quality,
    })
}

/// `word.word`, as the table demands; an action that a later version retires still reads.
fn is_action(text: &str) -> bool {
    let lower = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let lower_or_line = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    text.split_once('.').is_some_and(|(area, verb)| lower(area) && lower_or_line(verb))
}

fn commitment(hex: &str) -> Option<[u8; 32]> {
    data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()
}
