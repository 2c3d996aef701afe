//! What is on record about authority. Two sibling crates read these rows, one writes them.
use keepgate_kernel::{Hat, Level, TenantId, Timestamp, UnitId, Uuid};

/// The two worlds that never mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    /// Keepgate's own tenant: levels 6 and 7.
    Platform,
    /// A customer's tenant: levels 1 to 5.
    Customer,
}

impl Plane {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Customer => "customer",
        }
    }

    /// The plane that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Platform, Self::Customer]
            .into_iter()
            .find(|plane| plane.as_str() == word)
    }
}

/// Whether a tenant's principals may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantStatus {
    /// They may.
    Active,
    /// None may, until it is active again.
    Suspended,
}

impl TenantStatus {
    /// The word in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// The status that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Suspended]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// A tenant on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What people call it, 1 to 200 characters.
    pub name: String,
    /// Which levels exist in it.
    pub plane: Plane,
    /// Whether its principals may act.
    pub status: TenantStatus,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A unit on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its id.
    pub id: UnitId,
    /// Its name, unique within the tenant, 1 to 200 characters.
    pub name: String,
}

/// A level on record: one for each principal of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The level.
    pub level: Level,
    /// The unit, for levels 1 to 3 and only for them.
    pub unit: Option<UnitId>,
    /// The hat worn on it.
    pub hat: Option<Hat>,
    /// Who gave it; `None` for the first principals.
    pub by: Option<Uuid>,
    /// A revoked level counts for nothing.
    pub revoked: bool,
}
