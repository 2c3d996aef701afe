//! What an operation is about.
use crate::{
    ApprovalId, AttemptId, AuditId, EnrolmentId, ErasureId, FactorId, HoldId, KeyId, MessageId, PrincipalId,
    RecipientId, RouteId, SessionId, SinkId, TenantId, UnitId, WebhookId,
};

/// The thing an operation is about, as text: an id (`msg_…`), or `kind:name` for things known by name.
/// Holds no personal data: it goes into the audit leaf for ever.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entity(String);

impl Entity {
    /// A thing known by its name, such as `route:standard`. `kind` is our word, `name` has passed validation.
    #[must_use]
    pub fn named(kind: &'static str, name: &str) -> Self {
        Self(format!("{kind}:{name}"))
    }

    /// A collection, such as `messages`.
    #[must_use]
    pub fn collection(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// An entity read back from the database.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text stored and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! from_ids { ($($id:ident)*) => { $(
    impl From<$id> for Entity {
        fn from(id: $id) -> Self { Self(id.to_string()) }
    }
)* } }
from_ids! {
    ApprovalId AttemptId AuditId EnrolmentId ErasureId FactorId HoldId KeyId MessageId PrincipalId RecipientId RouteId SessionId SinkId TenantId
    UnitId WebhookId
}
