//! JSON lines: the leaf verbatim, so that its hash can be recomputed from the line.
use data_encoding::HEXLOWER;
use serde_json::json;

use crate::Entry;

/// `{"index":…,"leaf":<the canonical bytes>,"leaf_hash":…,"origin":…,"source":{"ip":…,"salt":…}|null}`
pub(super) fn line(origin: &str, entry: &Entry) -> String {
    let source = entry
        .source
        .as_ref()
        .map(|source| json!({ "ip": source.value, "salt": HEXLOWER.encode(&source.salt) }));
    format!(
        "{{\"index\":{},\"leaf\":{},\"leaf_hash\":\"{}\",\"origin\":{},\"source\":{}}}\n",
        entry.index,
        String::from_utf8_lossy(&entry.bytes),
        HEXLOWER.encode(&entry.leaf_hash),
        json!(origin),
        json!(source),
    )
}
