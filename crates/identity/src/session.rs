//! Sessions on record.
use chrono::TimeDelta;
use keepgate_kernel::{Hat, Level, PrincipalId, SessionId, TenantId, Timestamp, UnitId};
use keepgate_policy::Factors;

/// How long a session lives at most: eight hours.
pub const SESSION_LIFE: TimeDelta = TimeDelta::hours(8);

/// A session to be opened.
#[derive(Debug, Clone, Copy)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub principal: PrincipalId,
    /// How surely the principal has just proved who it is.
    pub factors: Factors,
    /// When it ends; the store cuts it to [`SESSION_LIFE`] from its own present.
    pub expires_at: Timestamp,
}

/// A session that was opened: everything a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedIn {
    /// The session.
    pub session: SessionId,
    /// Whose.
    pub principal: PrincipalId,
    /// In which tenant.
    pub tenant: TenantId,
    /// The live level at this moment.
    pub level: Level,
    /// The live unit, for levels 1 to 3.
    pub unit: Option<UnitId>,
    /// The hat it wears.
    pub hat: Option<Hat>,
    /// How surely the principal proved who it is.
    pub factors: Factors,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The newest revocation when it was opened: only later ones can kill it.
    pub rev: u64,
}

/// A live session in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub principal: PrincipalId,
    /// The level it was opened with, a ceiling.
    pub level: Level,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}
