//! Who can act.
use uuid::Uuid;

use crate::{IdError, TenantId, Timestamp, id};

/// What kind of actor a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// A human being.
    User,
    /// A device in the field.
    Device,
    /// A program, acting through API keys.
    Service,
    /// Keepgate itself, working for one tenant.
    System,
}

impl PrincipalKind {
    const ALL: [Self; 4] = [Self::User, Self::Device, Self::Service, Self::System];

    /// The word in the API, the database and the leaf.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Device => "device",
            Self::Service => "service",
            Self::System => "system",
        }
    }

    /// The kind that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::User => "usr",
            Self::Device => "dev",
            Self::Service => "svc",
            Self::System => "sys",
        }
    }
}

/// The id of a principal: `usr_…`, `dev_…`, `svc_…`, or `sys_…` for Keepgate itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalId {
    kind: PrincipalKind,
    id: Uuid,
}

impl PrincipalId {
    /// A new principal of `kind`.
    #[must_use]
    pub fn new(kind: PrincipalKind, at: Timestamp) -> Self {
        Self {
            kind,
            id: id::fresh(at),
        }
    }

    /// A principal read back from the database.
    #[must_use]
    pub const fn from_parts(kind: PrincipalKind, id: Uuid) -> Self {
        Self { kind, id }
    }

    /// Keepgate's own principal in `tenant`: it shares the tenant's number.
    #[must_use]
    pub const fn system(tenant: TenantId) -> Self {
        Self {
            kind: PrincipalKind::System,
            id: tenant.uuid(),
        }
    }

    /// What kind of actor this is.
    #[must_use]
    pub const fn kind(self) -> PrincipalKind {
        self.kind
    }

    /// The id as stored in the database.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.id
    }
}

impl std::fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&id::encode(self.kind.prefix(), self.id))
    }
}

impl std::fmt::Debug for PrincipalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for PrincipalId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let kind = PrincipalKind::ALL
            .into_iter()
            .find(|kind| text.split_once('_').is_some_and(|(prefix, _)| prefix == kind.prefix()))
            .ok_or(IdError::Prefix { expected: "usr" })?;
        Ok(Self {
            kind,
            id: id::decode(kind.prefix(), text)?,
        })
    }
}

impl serde::Serialize for PrincipalId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PrincipalId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_tells_the_kind() {
        for kind in PrincipalKind::ALL {
            let id = PrincipalId::new(kind, "2026-01-02T03:04:05Z".parse().unwrap());
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.to_string().parse::<PrincipalId>().map(PrincipalId::kind), Ok(kind));
        }
        assert!("msg_00000000000000000000000000".parse::<PrincipalId>().is_err());
    }
}
