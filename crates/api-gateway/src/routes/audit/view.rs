//! An entry as shown.
use data_encoding::HEXLOWER;
use keepgate_audit::Entry;
use keepgate_kernel::format_time;
use serde::Serialize;
use utoipa::ToSchema;

/// Who acted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActorView {
    /// `usr_…`, `dev_…`, `svc_…`, or `sys_…` for Keepgate itself.
    #[schema(example = "usr_01jd0000000000000000000000")]
    id: String,
    /// `user`, `device`, `service` or `system`.
    #[serde(rename = "type")]
    #[schema(example = "user")]
    kind: &'static str,
}

/// Where from.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SourceView {
    /// The caller's address, unless it has been erased or there was none.
    #[schema(example = "192.0.2.7")]
    ip: Option<String>,
    /// When it was erased together with the person it was of.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<String>,
    /// The index of the entry that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_by_index: Option<u64>,
}

/// One operation. `leaf_hash` covers everything here but `index` and `source`, which the leaf commits to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryView {
    /// Its place in the log, from 0, without gaps.
    index: u64,
    /// Its id.
    #[schema(example = "aud_01jd0000000000000000000000")]
    id: String,
    /// When, by the database's clock.
    #[schema(example = "2026-01-02T03:04:05.000000Z")]
    recorded_at: String,
    /// How good that clock is: `synced`, `holdover`, `unsynchronised` or `unattested`.
    time_quality: &'static str,
    /// Who.
    actor: ActorView,
    /// What.
    #[schema(example = "message.accept")]
    action: String,
    /// About what.
    #[schema(example = "msg_01jd0000000000000000000000")]
    entity: String,
    /// `done`, `refused` or `failed`.
    outcome: &'static str,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When it happened by the caller's own clock, where it said so with `Occurred-At`: a claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<String>,
    /// Where from.
    source: SourceView,
    /// The request it belongs to.
    request_id: String,
    /// SHA-256 of the leaf (RFC 6962), hexadecimal.
    leaf_hash: String,
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        let leaf = &entry.leaf;
        Self {
            index: entry.index,
            id: leaf.id.to_string(),
            recorded_at: format_time(leaf.recorded_at),
            time_quality: leaf.time_quality.as_str(),
            actor: ActorView {
                id: leaf.actor.to_string(),
                kind: leaf.actor.kind().as_str(),
            },
            action: leaf.action.clone(),
            entity: leaf.entity.clone(),
            outcome: leaf.outcome.as_str(),
            reason: leaf.reason.clone(),
            occurred_at: leaf.occurred_at.map(format_time),
            source: SourceView {
                ip: entry.source.as_ref().map(|opening| opening.value.clone()),
                erased_at: entry.erased.map(|erased| format_time(erased.at)),
                erased_by_index: entry.erased.and_then(|erased| erased.index),
            },
            request_id: leaf.request.to_string(),
            leaf_hash: HEXLOWER.encode(&entry.leaf_hash),
        }
    }
}
