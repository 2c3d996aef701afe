//! A table.
use data_encoding::HEXLOWER;
use keepgate_kernel::{csv, format_time};

use crate::Entry;

/// The first line.
pub(super) const HEADER: &str = "index,id,recorded_at,time_quality,actor_type,actor,action,entity,outcome,reason,source_ip,request_id,leaf_hash\r\n";

pub(super) fn line(entry: &Entry) -> String {
    let leaf = &entry.leaf;
    csv::line([
        &entry.index.to_string(),
        &leaf.id.to_string(),
        &format_time(leaf.recorded_at),
        leaf.time_quality.as_str(),
        leaf.actor.kind().as_str(),
        &leaf.actor.to_string(),
        &leaf.action,
        &leaf.entity,
        leaf.outcome.as_str(),
        leaf.reason.as_deref().unwrap_or_default(),
        entry.source.as_ref().map_or("", |source| source.value.as_str()),
        &leaf.request.to_string(),
        &HEXLOWER.encode(&entry.leaf_hash),
    ])
}
