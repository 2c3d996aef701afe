//! Reading a leaf strictly.
use std::collections::BTreeMap;

use keepgate_kernel::{AuditId, Outcome, PrincipalId, PrincipalKind, RequestId, TenantId, Timestamp, Uuid};

use super::{Leaf, LeafVersion, TimeQuality};
use crate::{
    append::{is_reason, is_tellable},
    commitment::SOURCE,
};

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
    c: Option<BTreeMap<String, String>>,
    entity: String,
    id: Uuid,
    occurred_at: Option<Timestamp>,
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
    let version = match fields.v {
        1 => LeafVersion::V1,
        2 => LeafVersion::V2,
        _ => return Err(LeafError::Version),
    };
    let leaf = leaf(version, fields)?;
    // Order of keys, blanks, escapes, spellings of ids and times: writing it again finds them all.
    if leaf.to_bytes() == bytes {
        Ok(leaf)
    } else {
        Err(LeafError::NotCanonical)
    }
}

/// The most commitments a leaf can hold.
const MAX_COMMITMENTS: usize = 16;

fn leaf(version: LeafVersion, fields: Fields) -> Result<Leaf, LeafError> {
    if !is_action(&fields.action) {
        return Err(LeafError::Field("action"));
    }
    if !(1..=200).contains(&fields.entity.chars().count()) {
        return Err(LeafError::Field("entity"));
    }
    if !fields
        .reason
        .as_deref()
        .map_or(fields.outcome == Outcome::Done, is_reason)
    {
        return Err(LeafError::Field("reason"));
    }
    let commitments = match version {
        LeafVersion::V1 if fields.c.is_some() || fields.occurred_at.is_some() => return Err(LeafError::Form),
        LeafVersion::V2 if fields.source_c.is_some() => return Err(LeafError::Form),
        LeafVersion::V1 => only_source(fields.source_c)?,
        LeafVersion::V2 => map(fields.c.unwrap_or_default())?,
    };
    if fields.occurred_at.is_some_and(|at| !is_tellable(at)) {
        return Err(LeafError::Field("occurred_at"));
    }
    Ok(Leaf {
        version,
        action: fields.action,
        actor: PrincipalId::from_parts(fields.actor.kind, fields.actor.id),
        commitments,
        entity: fields.entity,
        id: AuditId::from_uuid(fields.id),
        occurred_at: fields.occurred_at,
        outcome: fields.outcome,
        reason: fields.reason,
        recorded_at: fields.recorded_at,
        request: RequestId::from_uuid(fields.request_id),
        tenant: TenantId::from_uuid(fields.tenant),
        time_quality: fields.time_quality,
    })
}

fn only_source(hex: Option<String>) -> Result<BTreeMap<String, [u8; 32]>, LeafError> {
    hex.map(|hex| {
        let c = commitment(&hex).ok_or(LeafError::Field("source_c"))?;
        Ok((SOURCE.to_owned(), c))
    })
    .into_iter()
    .collect()
}

fn map(fields: BTreeMap<String, String>) -> Result<BTreeMap<String, [u8; 32]>, LeafError> {
    let name = |name: &str| {
        (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    if fields.len() > MAX_COMMITMENTS || !fields.keys().all(|field| name(field)) {
        return Err(LeafError::Field("c"));
    }
    fields
        .into_iter()
        .map(|(field, hex)| Ok((field, commitment(&hex).ok_or(LeafError::Field("c"))?)))
        .collect()
}

/// `word.word`, as the table demands; an action that a later version retires still reads.
pub(crate) fn is_action(text: &str) -> bool {
    let word = |part: &str, more: &[u8]| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || more.contains(&byte))
    };
    text.split_once('.')
        .is_some_and(|(area, verb)| word(area, b"-") && word(verb, b"_-"))
}

fn commitment(hex: &str) -> Option<[u8; 32]> {
    data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_leaf() -> impl Strategy<Value = Leaf> {
        let kinds = [
            PrincipalKind::User,
            PrincipalKind::Device,
            PrincipalKind::Service,
            PrincipalKind::System,
        ];
        let outcomes = [Outcome::Done, Outcome::Refused, Outcome::Failed];
        let words = (
            "[a-z-]{1,9}\\.[a-z_-]{1,9}",
            "\\PC{1,50}|[\\x01-\\x7f]{1,50}",
            "[a-z0-9-]{1,80}",
        );
        let numbers = (
            any::<[u128; 4]>(),
            0_i64..4_000_000_000_000_000,
            any::<Option<[u8; 32]>>(),
            proptest::collection::btree_map("[a-z_]{1,32}", any::<[u8; 32]>(), 0..4),
            proptest::option::of(946_684_800_000_000_i64..4_102_444_800_000_000),
        );
        let micros = |at| Timestamp::from_timestamp_micros(at).unwrap();
        (words, numbers, 0..4_usize, 0..3_usize, any::<bool>()).prop_map(
            move |((action, entity, reason), (ids, at, source, map, occurred), kind, end, old)| Leaf {
                version: if old { LeafVersion::V1 } else { LeafVersion::V2 },
                commitments: if old {
                    source.map(|c| (SOURCE.to_owned(), c)).into_iter().collect()
                } else {
                    map
                },
                occurred_at: occurred.filter(|_| !old).map(micros),
                action,
                actor: PrincipalId::from_parts(kinds[kind], Uuid::from_u128(ids[0])),
                entity,
                id: AuditId::from_uuid(Uuid::from_u128(ids[1])),
                outcome: outcomes[end],
                reason: (end > 0).then_some(reason),
                recorded_at: micros(at),
                request: RequestId::from_uuid(Uuid::from_u128(ids[2])),
                tenant: TenantId::from_uuid(Uuid::from_u128(ids[3])),
                time_quality: TimeQuality::Unattested,
            },
        )
    }

    fn sample() -> String {
        let id = "0190a000-0000-7000-8000-000000000001";
        format!(
            "{{\"action\":\"message.accept\",\"actor\":{{\"id\":\"{id}\",\"type\":\"user\"}},\"entity\":\"msg_1\",\"id\":\"{id}\",\
             \"outcome\":\"refused\",\"reason\":\"level-too-low\",\"recorded_at\":\"2026-01-02T03:04:05.000006Z\",\"request_id\":\"{id}\",\
             \"source_c\":\"{}\",\"tenant\":\"{id}\",\"time_quality\":\"synced\",\"v\":1}}",
            "0f".repeat(32)
        )
    }

    fn newer() -> String {
        let old = format!("\"source_c\":\"{}\",", "0f".repeat(32));
        sample()
            .replace(&old, "")
            .replace(
                "\"entity\"",
                &format!("\"c\":{{\"source\":\"{}\"}},\"entity\"", "0f".repeat(32)),
            )
            .replace(
                "\"outcome\"",
                "\"occurred_at\":\"2026-01-02T03:04:04.000000Z\",\"outcome\"",
            )
            .replace("\"v\":1", "\"v\":2")
    }

    proptest! {
        #[test]
        fn a_leaf_reads_back_as_it_was_written(leaf in any_leaf()) {
            prop_assert_eq!(Leaf::parse(&leaf.to_bytes()), Ok(leaf));
        }

        #[test]
        fn no_bytes_make_the_parser_panic_or_read_two_ways(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(leaf) = Leaf::parse(&bytes) {
                prop_assert_eq!(leaf.to_bytes(), bytes);
            }
        }

        #[test]
        fn a_leaf_with_one_byte_changed_is_refused_or_another_leaf(place in 0..1000_usize, to in any::<u8>(), old in any::<bool>()) {
            let good = if old { sample() } else { newer() }.into_bytes();
            let mut bytes = good.clone();
            let place = place % bytes.len();
            bytes[place] = to;
            if let Ok(leaf) = Leaf::parse(&bytes) {
                prop_assert_eq!(leaf == Leaf::parse(&good).unwrap(), bytes == good);
                prop_assert_eq!(leaf.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn other_spellings_of_the_same_leaf_are_refused() {
        assert!(Leaf::parse(sample().as_bytes()).is_ok());
        for (from, to) in [
            ("{\"action\"", "{ \"action\""),
            ("\"v\":1}", "\"v\":1}\n"),
            ("\"v\":1}", "\"v\":1.0}"),
            ("msg_1", "msg\\u005f1"),
            (
                "0190a000-0000-7000-8000-000000000001\",\"type",
                "0190A000-0000-7000-8000-000000000001\",\"type",
            ),
            (
                "0190a000-0000-7000-8000-000000000001\",\"type",
                "0190a0000000700080000000000000 01\",\"type",
            ),
            (".000006Z", ".000006+00:00"),
            (".000006Z", ".0000060Z"),
            ("T03", "t03"),
            ("0f0f", "0F0F"),
            ("\"reason\":\"level-too-low\",", ""),
            ("\"reason\":\"level-too-low\"", "\"reason\":null"),
            ("\"v\":1", "\"v\":2"),
            ("\"v\":1", "\"v\":1,\"w\":1"),
            ("\"v\":1", "\"v\":1,\"v\":1"),
            ("\"outcome\":\"refused\",", ""),
            ("message.accept", "message"),
            ("message.accept", "Message.accept"),
            ("\"msg_1\"", "\"\""),
        ] {
            let other = sample().replacen(from, to, 1);
            assert_ne!(other, sample(), "{from}");
            assert!(Leaf::parse(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn no_field_of_one_version_is_read_in_the_other() {
        let new = Leaf::parse(newer().as_bytes()).unwrap();
        assert_eq!(new.source_c(), Some([0x0f; 32]));
        assert!(new.occurred_at.is_some());
        for (from, to) in [
            ("\"v\":2", "\"v\":1"),
            ("\"v\":2", "\"v\":3"),
            ("\"source\":", "\"Source\":"),
            ("\"source\":", "\"\":"),
            ("{\"source\":", "{\"a\":\"0f\",\"source\":"),
            ("2026-01-02T03:04:04.000000Z", "1999-12-31T23:59:59.999999Z"),
            ("2026-01-02T03:04:04.000000Z", "2100-01-01T00:00:00.000000Z"),
            ("2026-01-02T03:04:04.000000Z", "2026-01-02T03:04:04Z"),
            ("\"tenant\"", "\"source_c\":\"0f\",\"tenant\""),
        ] {
            let other = newer().replacen(from, to, 1);
            assert_ne!(other, newer(), "{from}");
            assert!(Leaf::parse(other.as_bytes()).is_err(), "{other}");
        }
        let empty = newer().replace(&format!("{{\"source\":\"{}\"}}", "0f".repeat(32)), "{}");
        assert_eq!(
            Leaf::parse(empty.as_bytes()),
            Err(LeafError::NotCanonical),
            "absent, not empty"
        );
    }
}
