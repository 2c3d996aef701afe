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
    if leaf.to_bytes() == bytes {
        Ok(leaf)
    } else {
        Err(LeafError::NotCanonical)
    }
}

fn leaf(fields: Fields) -> Result<Leaf, LeafError> {
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
    let source_c = fields
        .source_c
        .map(|hex| commitment(&hex).ok_or(LeafError::Field("source_c")))
        .transpose()?;
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
        );
        (words, numbers, 0..4_usize, 0..3_usize).prop_map(
            move |((action, entity, reason), (ids, at, source_c), kind, end)| Leaf {
                action,
                actor: PrincipalId::from_parts(kinds[kind], Uuid::from_u128(ids[0])),
                entity,
                id: AuditId::from_uuid(Uuid::from_u128(ids[1])),
                outcome: outcomes[end],
                reason: (end > 0).then_some(reason),
                recorded_at: Timestamp::from_timestamp_micros(at).unwrap(),
                request: RequestId::from_uuid(Uuid::from_u128(ids[2])),
                source_c,
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
        fn a_leaf_with_one_byte_changed_is_refused_or_another_leaf(place in 0..1000_usize, to in any::<u8>()) {
            let (good, mut bytes) = (sample().into_bytes(), sample().into_bytes());
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
}
