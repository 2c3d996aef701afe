//! Letting a locked-out owner in again.
use keepgate_audit::{NewEntry, TenantLogs};
use keepgate_identity::{EnrolmentCode, Enrolments, NewEnrolment, NoRandomness};
use keepgate_kernel::{AuditId, EnrolmentId, Entity, Outcome, PrincipalId, TenantId, Timestamp};
use keepgate_policy::{ApprovalDenied, Authorized, Command, CommandError, ErrorKind, Matter, Permission, permissions};
use keepgate_rbac::{Approvals, Roles};
use keepgate_store::{StoreError, Transaction};

use super::{consent::consent, create_user::ENROLMENT_LIFE};

/// Makes a fresh enrolment code for an owner of a customer tenant, because two global admins want it. Using the code replaces the
/// password and closes what was open before. The tenant's own log tells it too.
#[derive(Debug, Clone)]
pub struct BreakGlass {
    /// The tenant.
    pub tenant: TenantId,
    /// The owner; `None`: the only one.
    pub owner: Option<PrincipalId>,
    /// The id of the enrolment.
    pub enrolment: EnrolmentId,
    /// The code, made before the transaction.
    pub code: EnrolmentCode,
}

/// The owner, and the code to be shown this once.
#[derive(Debug, Clone)]
pub struct GlassBroken {
    /// The owner.
    pub owner: PrincipalId,
    /// The code.
    pub code: EnrolmentCode,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum BreakGlassError {
    /// There is no such tenant, or no such owner in it.
    #[error("no such owner")]
    NotFound,
    /// The tenant has several owners, and none was named.
    #[error("the tenant has several owners")]
    SeveralOwners,
    /// Two people have not agreed on it.
    #[error(transparent)]
    Unapproved(#[from] ApprovalDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for BreakGlassError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("owner-not-found"),
            Self::SeveralOwners => ErrorKind::Refused("several-owners"),
            Self::Unapproved(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl BreakGlass {
    /// For an owner of `tenant`, with a fresh id and code.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(tenant: TenantId, owner: Option<PrincipalId>, at: Timestamp) -> Result<Self, NoRandomness> {
        Ok(Self {
            tenant,
            owner,
            enrolment: EnrolmentId::new(at),
            code: EnrolmentCode::random()?,
        })
    }
}

impl<Tx> Command<Tx> for BreakGlass
where
    Tx: Transaction + Approvals + Enrolments + Roles + TenantLogs + ?Sized,
{
    type Permission = permissions::BreakGlass;
    type Output = GlassBroken;
    type Error = BreakGlassError;

    fn entity(&self) -> Entity {
        self.tenant.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<GlassBroken, BreakGlassError> {
        let owners = tx.owners_of(self.tenant).await?;
        let owner = match (self.owner, owners.as_slice()) {
            (Some(owner), owners) if owners.contains(&owner) => owner,
            (None, [owner]) => *owner,
            (None, [_, _, ..]) => return Err(BreakGlassError::SeveralOwners),
            _ => return Err(BreakGlassError::NotFound),
        };
        let matter = Matter::BreakGlass {
            tenant: self.tenant,
            owner,
        };
        let agreed = consent(proof, tx, &matter).await??;
        let expires_at = tx.context().at() + ENROLMENT_LIFE;
        let enrolment = NewEnrolment {
            id: self.enrolment,
            tenant: self.tenant,
            principal: owner,
            hash: self.code.hash(),
            expires_at,
        };
        tx.add_approved_enrolment(&enrolment, agreed.approval()).await?;
        let entry = NewEntry {
            id: AuditId::new(tx.context().at()),
            action: permissions::BreakGlass::ACTION,
            entity: owner.into(),
            outcome: Outcome::Done,
            reason: None,
            actor: Some(proof.by()),
        };
        tx.tell_tenant(self.tenant, &entry).await?;
        Ok(GlassBroken {
            owner,
            code: self.code.clone(),
            expires_at,
        })
    }
}
