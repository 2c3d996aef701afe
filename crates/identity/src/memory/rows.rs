//! The rows.
use keepgate_kernel::{
    ApprovalId, EnrolmentId, FactorId, KeyId, Level, MailId, PrincipalId, ResetId, SessionId, TenantId, Timestamp,
    UnitId, Uuid,
};
use keepgate_policy::{Approval, Grant, Tenant, Unit};
use rpds::RedBlackTreeMapSync;

use crate::{
    ApiKeyRecord, Bucket, ChallengeHash, ChallengeRecord, CodeHash, Counter, Email, FactorRecord, Handle, Lookup,
    MailKind, MfaLevel, OldSecret, Phc, PrincipalStatus, RecoveryHash, SigningKey, Verifier,
};

/// Tenants by id.
pub type TenantRows = RedBlackTreeMapSync<TenantId, Tenant>;
/// Units by tenant and id.
pub type UnitRows = RedBlackTreeMapSync<(TenantId, UnitId), Unit>;
/// Two-person approvals by tenant and id.
pub type ApprovalRows = RedBlackTreeMapSync<(TenantId, ApprovalId), Approval>;
/// Levels by tenant and principal.
pub type GrantRows = RedBlackTreeMapSync<(TenantId, Uuid), Grant>;
/// Principals by tenant and id.
pub type PrincipalRows = RedBlackTreeMapSync<(TenantId, Uuid), PrincipalRow>;
/// Password verifiers by tenant and principal.
pub type PasswordRows = RedBlackTreeMapSync<(TenantId, Uuid), Phc>;
/// Enrolment codes by tenant and id.
pub type EnrolmentRows = RedBlackTreeMapSync<(TenantId, EnrolmentId), EnrolmentRow>;
/// Sessions by tenant and id.
pub type SessionRows = RedBlackTreeMapSync<(TenantId, SessionId), SessionRow>;
/// Mail by tenant and id.
pub(super) type MailRows = RedBlackTreeMapSync<(TenantId, MailId), MailRow>;
/// Reset codes by tenant and id.
pub(super) type ResetRows = RedBlackTreeMapSync<(TenantId, ResetId), ResetRow>;
/// API keys by tenant and id.
pub type KeyRows = RedBlackTreeMapSync<(TenantId, KeyId), KeyRow>;
/// Signing keys by name.
pub(super) type SigningKeyRows = RedBlackTreeMapSync<String, SigningKey>;
/// Failed log-ins.
pub(super) type ThrottleRows = RedBlackTreeMapSync<Bucket, Counter>;

/// Second factors by tenant and id.
pub(super) type FactorRows = RedBlackTreeMapSync<(TenantId, FactorId), FactorRow>;
/// Recovery codes by tenant and principal; `true`: used.
pub(super) type RecoveryRows = RedBlackTreeMapSync<(TenantId, Uuid, RecoveryHash), bool>;
/// Challenges by tenant and hash.
pub(super) type ChallengeRows = RedBlackTreeMapSync<(TenantId, ChallengeHash), ChallengeRow>;
/// From which level a tenant requires a second factor.
pub(super) type MfaLevelRows = RedBlackTreeMapSync<TenantId, MfaLevel>;

/// A principal.
#[derive(Debug, Clone)]
pub struct PrincipalRow {
    /// Its id.
    pub id: PrincipalId,
    /// The address of a user who is not deleted.
    pub email: Option<Email>,
    /// What people call it.
    pub display_name: Option<String>,
    /// Whether it may act.
    pub status: PrincipalStatus,
    /// One more, and every session of the principal is dead.
    pub epoch: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An enrolment code.
#[derive(Debug, Clone)]
pub struct EnrolmentRow {
    /// Whose.
    pub principal: PrincipalId,
    /// Its hash.
    pub hash: CodeHash,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used, or a newer one took its place.
    pub used_at: Option<Timestamp>,
    /// Whether it rests on an approval of two people.
    pub approved: bool,
}

/// A session.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// Whose.
    pub principal: PrincipalId,
    /// The level at log-in, a ceiling.
    pub level: Level,
    /// The principal's epoch at log-in.
    pub epoch: u32,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// An API key.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// What its admins see; level and owner's state are read live.
    pub record: ApiKeyRecord,
    /// The verifier of its secret.
    pub phc: Phc,
    /// The secret before the last rotation.
    pub old: Option<OldSecret>,
    /// When that one was last used since.
    pub old_used_at: Option<Timestamp>,
    /// When it was last rotated.
    pub rotated_at: Option<Timestamp>,
    /// Its short name; `None` for keys of the first form that were not rotated since.
    pub handle: Option<Handle>,
    /// The text that came from another system.
    pub imported: Option<ImportedRow>,
}

/// A text that came from another system.
#[derive(Debug, Clone)]
pub struct ImportedRow {
    /// What finds it.
    pub lookup: Lookup,
    /// What it is compared with.
    pub verifier: Verifier,
    /// When it ends; `None`: with its key.
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) struct FactorRow {
    pub(super) principal: PrincipalId,
    pub(super) record: FactorRecord,
    pub(super) material: Vec<u8>,
    pub(super) counter: i64,
    pub(super) credential: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
pub(super) struct ChallengeRow {
    pub(super) record: ChallengeRecord,
    pub(super) epoch: u32,
    pub(super) tries: i16,
    pub(super) expires_at: Timestamp,
    pub(super) used: bool,
}

#[derive(Debug, Clone)]
pub(super) struct MailRow {
    pub(super) kind: MailKind,
    pub(super) attempts: u32,
    pub(super) next_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) created_at: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) struct ResetRow {
    pub(super) principal: PrincipalId,
    pub(super) hash: CodeHash,
    pub(super) expires_at: Timestamp,
    pub(super) used: bool,
}
