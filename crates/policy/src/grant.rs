//! Who may give whom a level: strict domination, and the proofs of it.
mod enlist;
mod mapped;
mod record;

use keepgate_kernel::{ApprovalId, Level, PrincipalId, TenantId};

use crate::{Authorized, Candidate, Consent, Matter, Permission, permissions};

pub use enlist::{EnlistProof, Enlisting, enlist, tend};
pub use mapped::{MappedLevel, MappedProof, Mapping, map};
pub use record::{Grant, Plane, Tenant, TenantStatus, Unit};

/// A permission under which a level may be given.
pub trait Granting: Permission {}
impl Granting for permissions::UserCreate {}
impl Granting for permissions::UserUpdate {}
impl Granting for permissions::ApiKeyIssue {}
impl Granting for permissions::ServiceCreate {}
impl Granting for permissions::ServiceUpdate {}

/// A permission under which somebody else's principal or credential may be changed.
pub trait Reaching: Permission {}
impl Reaching for permissions::UserUpdate {}
impl Reaching for permissions::UserDelete {}
impl Reaching for permissions::ApiKeyIssue {}
impl Reaching for permissions::ApiKeyRotate {}
impl Reaching for permissions::UserCreate {}
impl Reaching for permissions::ServiceUpdate {}
impl Reaching for permissions::ServiceDelete {}
impl Reaching for permissions::MfaReset {}
impl Reaching for permissions::PasswordReset {}
impl Reaching for permissions::SessionRevoke {}

/// Whose level is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The principal.
    pub principal: PrincipalId,
    /// Where it lives.
    pub tenant: TenantId,
    /// The live level it holds there now.
    pub present: Option<Level>,
}

/// Why a level can't be given, or a principal not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantDenied {
    /// Nobody below a tenant admin has authority over others.
    #[error("this level has no authority over others")]
    Level,
    /// Nobody acts on themselves.
    #[error("nobody may do that to themselves")]
    Oneself,
    /// The level is the granter's own, or above.
    #[error("only levels below one's own can be given")]
    NotBelowOwn,
    /// The target holds the granter's level, or a higher one.
    #[error("a peer or superior is out of reach")]
    Superior,
    /// The target lives in another tenant.
    #[error("another tenant is out of reach")]
    OtherTenant,
    /// Levels 1 to 5 belong to customers, 6 and 7 to the platform.
    #[error("that level does not exist in this tenant")]
    OtherPlane,
    /// A supervisor's authority ends with its unit.
    #[error("another unit is out of reach")]
    OtherUnit,
    /// Only devices are enlisted.
    #[error("only a device may be given that")]
    NoDevice,
    /// Level 7 is given by two of its kind, and they have not both agreed on this.
    #[error("that needs the approval of two global admins")]
    Unapproved,
}

impl GrantDenied {
    /// The stable word for audit entries and problem types.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Level => "level-too-low",
            Self::Oneself => "not-oneself",
            Self::NotBelowOwn => "grant-not-below-own",
            Self::Superior => "out-of-reach",
            Self::OtherTenant => "other-tenant",
            Self::OtherPlane => "other-plane",
            Self::OtherUnit => "other-unit",
            Self::NoDevice => "not-a-device",
            Self::Unapproved => "approval-required",
        }
    }
}

/// Proof that one principal may give another exactly this level. Consumed by the port that writes it.
#[must_use]
#[derive(Debug)]
pub struct GrantProof {
    by: PrincipalId,
    from: TenantId,
    target: Target,
    level: Level,
    approval: Option<ApprovalId>,
}

impl GrantProof {
    /// Who gives.
    #[must_use]
    pub const fn by(&self) -> PrincipalId {
        self.by
    }

    /// The tenant the giver acts in.
    #[must_use]
    pub const fn from(&self) -> TenantId {
        self.from
    }

    /// Who receives, and where.
    #[must_use]
    pub const fn target(&self) -> Target {
        self.target
    }

    /// What is given.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The approval that is used up by it: always there for level 7, and only there.
    #[must_use]
    pub const fn approval(&self) -> Option<ApprovalId> {
        self.approval
    }
}

/// Proof that one principal may change another, of a strictly lower level, in its own tenant.
#[must_use]
#[derive(Debug)]
pub struct ReachProof {
    by: PrincipalId,
    target: Target,
}

impl ReachProof {
    /// Who reaches.
    #[must_use]
    pub const fn by(&self) -> PrincipalId {
        self.by
    }

    /// Who is reached, and where.
    #[must_use]
    pub const fn target(&self) -> Target {
        self.target
    }
}

/// Mints the proof that `proof`'s principal may give `target` the level `level`. The database decides again on live rows.
///
/// Level 7 is never given here: it needs two of its kind.
///
/// # Errors
/// [`GrantDenied`] says which part of the rule failed.
pub fn grant<P: Granting>(proof: &Authorized<P>, target: Target, level: Level) -> Result<GrantProof, GrantDenied> {
    let own = over(proof, target)?;
    if level >= own {
        return Err(GrantDenied::NotBelowOwn);
    }
    if target.tenant == proof.tenant() {
        if level.is_platform() != own.is_platform() {
            return Err(GrantDenied::OtherPlane);
        }
    } else if (own, level) != (Level::GlobalAdmin, Level::TenantOwner) {
        return Err(GrantDenied::OtherTenant);
    }
    Ok(GrantProof {
        by: proof.by(),
        from: proof.tenant(),
        target,
        level,
        approval: None,
    })
}

/// Mints the proof that `proof`'s principal may make `target` a global admin, because another one has agreed. The database
/// decides again on live rows, and uses the approval up.
///
/// # Errors
/// [`GrantDenied`] says which part of the rule failed.
pub fn appoint<P: Granting>(
    proof: &Authorized<P>,
    target: Target,
    consent: Consent,
) -> Result<GrantProof, GrantDenied> {
    if proof.level() != Some(Level::GlobalAdmin) {
        return Err(GrantDenied::Level);
    }
    if target.principal.uuid() == proof.by().uuid() {
        return Err(GrantDenied::Oneself);
    }
    if target.tenant != proof.tenant() {
        return Err(GrantDenied::OtherTenant);
    }
    if target.present == Some(Level::GlobalAdmin) {
        return Err(GrantDenied::Superior);
    }
    let meant = match consent.matter() {
        Matter::GrantGlobal(Candidate::User(user)) => *user == target.principal,
        Matter::GrantGlobal(Candidate::Address(_)) => target.present.is_none(),
        Matter::BreakGlass { .. }
        | Matter::DestroyKey { .. }
        | Matter::EraseSubject { .. }
        | Matter::ReleaseHold { .. } => false,
    };
    if !meant || consent.by() != proof.by() {
        return Err(GrantDenied::Unapproved);
    }
    Ok(GrantProof {
        by: proof.by(),
        from: proof.tenant(),
        target,
        level: Level::GlobalAdmin,
        approval: Some(consent.approval()),
    })
}

/// Mints the proof that `proof`'s principal may change `target`.
///
/// # Errors
/// [`GrantDenied`] says which part of the rule failed.
pub fn reach<P: Reaching>(proof: &Authorized<P>, target: Target) -> Result<ReachProof, GrantDenied> {
    over(proof, target)?;
    if target.tenant != proof.tenant() {
        return Err(GrantDenied::OtherTenant);
    }
    Ok(ReachProof { by: proof.by(), target })
}

/// What both rules share: authority at all, not over oneself, only over lower levels. Returns the own level.
fn over<P: Permission>(proof: &Authorized<P>, target: Target) -> Result<Level, GrantDenied> {
    let own = proof
        .level()
        .filter(|own| *own >= Level::TenantAdmin)
        .ok_or(GrantDenied::Level)?;
    if target.principal.uuid() == proof.by().uuid() {
        return Err(GrantDenied::Oneself);
    }
    if target.present.is_some_and(|present| present >= own) {
        return Err(GrantDenied::Superior);
    }
    Ok(own)
}
