//! Typed, prefixed ids: TypeID 0.3 (`prefix_` and 26 characters of base32) around a UUIDv7.
use typeid_suffix::prelude::TypeIdSuffix;
use uuid::Uuid;

use crate::Timestamp;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The part before `_` names another kind of thing.
    #[error("expected an id that starts with `{expected}_`")]
    Prefix {
        /// The prefix that was wanted.
        expected: &'static str,
    },
    /// The part after `_` is not 26 characters of TypeID base32.
    #[error("the part after `{prefix}_` is not a TypeID suffix")]
    Suffix {
        /// The prefix of the malformed id.
        prefix: &'static str,
    },
}

/// A fresh UUIDv7 for the instant `at` (millisecond precision, the rest random).
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes UUIDs; the time is a parameter"
)]
pub(crate) fn fresh(at: Timestamp) -> Uuid {
    let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::NoContext,
        seconds,
        at.timestamp_subsec_nanos(),
    ))
}

pub(crate) fn encode(prefix: &str, id: Uuid) -> String {
    format!("{prefix}_{}", TypeIdSuffix::from(id))
}

/// Strict: lower case, exact length, canonical base32 of a 128-bit number.
pub(crate) fn decode(prefix: &'static str, text: &str) -> Result<Uuid, IdError> {
    let suffix = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .ok_or(IdError::Prefix { expected: prefix })?;
    let id = suffix
        .parse::<TypeIdSuffix>()
        .map_err(|_| IdError::Suffix { prefix })?
        .to_uuid();
    // Round trip: refuses upper case and over-long spellings of the same number.
    if encode(prefix, id) == text {
        Ok(id)
    } else {
        Err(IdError::Suffix { prefix })
    }
}

macro_rules! ids { ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => { $(
    $(#[$doc])*
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct $name(Uuid);

    impl $name {
        /// What the text form starts with, without the underscore.
        pub const PREFIX: &'static str = $prefix;

        /// A new id whose time part is `at`.
        #[must_use]
        pub fn new(at: Timestamp) -> Self { Self(fresh(at)) }

        /// The id as stored in the database.
        #[must_use]
        pub const fn uuid(self) -> Uuid { self.0 }

        /// An id read back from the database.
        #[must_use]
        pub const fn from_uuid(id: Uuid) -> Self { Self(id) }
    }

    impl std::fmt::Display for $name {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&encode($prefix, self.0)) }
    }
    impl std::fmt::Debug for $name {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{self}") }
    }
    impl std::str::FromStr for $name {
        type Err = IdError;
        fn from_str(text: &str) -> Result<Self, IdError> { decode($prefix, text).map(Self) }
    }
    impl serde::Serialize for $name {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> { to.collect_str(self) }
    }
    impl<'de> serde::Deserialize<'de> for $name {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
            text.parse().map_err(serde::de::Error::custom)
        }
    }
)* } }

ids! {
    /// A two-person approval.
    ApprovalId "apr";
    /// The erasure of one person.
    ErasureId "era";
    /// What must not be erased or removed yet.
    HoldId "hld";
    /// One try on one channel through one provider.
    AttemptId "att";
    /// One audit entry.
    AuditId "aud";
    /// A one-time enrolment of a principal.
    EnrolmentId "enr";
    /// A second factor of a user.
    FactorId "fac";
    /// An API key.
    KeyId "key";
    /// A mail about an account.
    MailId "mai";
    /// A message.
    MessageId "msg";
    /// A recipient: a name with contacts.
    RecipientId "rcp";
    /// One request, as in the header `X-Request-Id`.
    RequestId "req";
    /// A one-time code for a forgotten password.
    ResetId "rst";
    /// A version of a route.
    RouteId "rte";
    /// A session, the `sid` of a token.
    SessionId "ses";
    /// A customer organisation, or the platform itself.
    TenantId "ten";
    /// A system that the log is sent on to.
    SinkId "snk";
    /// A part of a tenant: site, region, team.
    UnitId "unt";
    /// A registered webhook.
    WebhookId "whk";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = MessageId::new("2026-01-02T03:04:05Z".parse().unwrap());
        let text = id.to_string();
        assert_eq!(text.len(), 4 + 26);
        assert_eq!(text.parse(), Ok(id));
    }

    #[test]
    fn the_nil_id_is_the_spec_s_zero() {
        let id = TenantId::from_uuid(Uuid::nil());
        assert_eq!(id.to_string(), "ten_00000000000000000000000000");
    }

    #[test]
    fn another_kind_of_id_is_refused() {
        let id = MessageId::new("2026-01-02T03:04:05Z".parse().unwrap()).to_string();
        assert_eq!(id.parse::<TenantId>(), Err(IdError::Prefix { expected: "ten" }));
    }

    #[test]
    fn a_malformed_suffix_is_refused() {
        let good = MessageId::new("2026-01-02T03:04:05Z".parse().unwrap()).to_string();
        for bad in [
            "msg_",
            "msg_nonsense",
            "msg_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            &good.to_uppercase().replace("MSG", "msg"),
        ] {
            assert_eq!(
                bad.parse::<MessageId>(),
                Err(IdError::Suffix { prefix: "msg" }),
                "{bad}"
            );
        }
    }

    #[test]
    fn ids_of_later_instants_sort_later() {
        let early = MessageId::new("2026-01-02T03:04:05Z".parse().unwrap());
        let late = MessageId::new("2026-01-02T03:04:06Z".parse().unwrap());
        assert!(early < late);
    }
}
