//! Principals on record.
use keepgate_kernel::{Hat, Level, PrincipalId, SessionId, TenantId, Timestamp, UnitId};

use crate::Email;

/// Whether a principal may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalStatus {
    /// It may.
    Active,
    /// It may not, until it is active again; its sessions are dead for good.
    Disabled,
    /// It never will again; its address is free.
    Deleted,
}

impl PrincipalStatus {
    /// The word in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }

    /// The status that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Disabled, Self::Deleted]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// A principal to be made: active, without a level.
#[derive(Debug, Clone)]
pub struct NewPrincipal {
    /// Its id, which tells its kind.
    pub id: PrincipalId,
    /// Where it will live.
    pub tenant: TenantId,
    /// The address of a user; `None` for every other kind, and only for them.
    pub email: Option<Email>,
    /// What people call it, 1 to 200 characters.
    pub display_name: Option<String>,
}

/// A principal as its tenant's supervisors and admins see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalRecord {
    /// Its id.
    pub id: PrincipalId,
    /// The address of a user who is not deleted.
    pub email: Option<Email>,
    /// What people call it.
    pub display_name: Option<String>,
    /// Whether it may act.
    pub status: PrincipalStatus,
    /// Its live level.
    pub level: Option<Level>,
    /// Its unit, for levels 1 to 3.
    pub unit: Option<UnitId>,
    /// The hat it wears.
    pub hat: Option<Hat>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How a user stands: all that a log-in through somebody else asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserStanding {
    /// Whether it may act.
    pub status: PrincipalStatus,
    /// Its live level.
    pub level: Option<Level>,
    /// Its unit, for levels 1 to 3.
    pub unit: Option<UnitId>,
}

/// The caller, as the store sees it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The principal.
    pub principal: PrincipalId,
    /// What people call it.
    pub display_name: Option<String>,
    /// Its tenant.
    pub tenant: TenantId,
    /// The tenant's name.
    pub tenant_name: String,
    /// The level it acts with through this credential: never above its own, and for a key below its owner's.
    pub level: Level,
    /// The hat it wears: what is left of the level's permissions.
    pub hat: Option<Hat>,
    /// The session, unless the caller came with a key.
    pub session: Option<SessionId>,
    /// When the session or key ends; `None` for a key without an end.
    pub expires_at: Option<Timestamp>,
}
