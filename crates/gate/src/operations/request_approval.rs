//! The first of two people.
use keepgate_audit::Holds;
use keepgate_crypto_keys::KeyStates;
use keepgate_identity::{PrincipalStatus, Principals};
use keepgate_kernel::{ApprovalId, Entity, HoldId, Level, PrincipalId, PrincipalKind, TenantId};
use keepgate_policy::{
    Approval, ApprovalDenied, Authorized, Candidate, Command, CommandError, ErrorKind, Matter, ask, permissions,
};
use keepgate_rbac::{Approvals, Roles};
use keepgate_store::StoreError;

/// What somebody asks two people's consent for.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// A new global admin.
    Global(Candidate),
    /// A locked-out owner of this tenant; `None`: its only one.
    Owner(TenantId, Option<PrincipalId>),
    /// The end of the data key of this number.
    Key(i32),
    /// The erasure of this deleted user.
    Erasure(PrincipalId),
    /// The end of this hold.
    Release(HoldId),
}

/// Asks for an approval; another person has four hours to agree, and one of the two to act on it.
#[derive(Debug, Clone)]
pub struct RequestApproval {
    /// Its id.
    pub id: ApprovalId,
    /// What for.
    pub wanted: Wanted,
    /// Why: 10 to 500 characters, none of them a control character.
    pub reason: String,
}

/// Why nothing was asked.
#[derive(Debug, thiserror::Error)]
pub enum RequestApprovalError {
    /// The reason is too short, too long, or holds control characters.
    #[error("a reason has 10 to 500 characters and no control characters")]
    InvalidReason,
    /// There is no such user, owner or key.
    #[error("no such target")]
    TargetNotFound,
    /// The tenant has several owners, and none was named.
    #[error("the tenant has several owners")]
    SeveralOwners,
    /// The caller may not ask for that.
    #[error(transparent)]
    Denied(#[from] ApprovalDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RequestApprovalError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidReason => ErrorKind::Refused("invalid-reason"),
            Self::TargetNotFound => ErrorKind::Refused("target-not-found"),
            Self::SeveralOwners => ErrorKind::Refused("several-owners"),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx> Command<Tx> for RequestApproval
where
    Tx: Approvals + Holds + Principals + Roles + KeyStates + ?Sized,
{
    type Permission = permissions::ApprovalRequest;
    type Output = Approval;
    type Error = RequestApprovalError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Approval, RequestApprovalError> {
        if !is_reason(&self.reason) {
            return Err(RequestApprovalError::InvalidReason);
        }
        let asked = match &self.wanted {
            Wanted::Global(candidate) => ask(proof, Matter::GrantGlobal(candidate.clone())),
            Wanted::Key(version) => ask(proof, Matter::DestroyKey { version: *version }),
            Wanted::Erasure(subject) => ask(proof, Matter::EraseSubject { subject: *subject }),
            Wanted::Release(hold) => ask(proof, Matter::ReleaseHold { hold: *hold }),
            // Who may ask for that at all is told before the tenant's owners are.
            Wanted::Owner(..) if proof.level() != Some(Level::GlobalAdmin) => Err(ApprovalDenied::Level),
            Wanted::Owner(tenant, owner) => ask(
                proof,
                Matter::BreakGlass {
                    tenant: *tenant,
                    owner: the_owner(tx, *tenant, *owner).await?,
                },
            ),
        }?;
        if !exists(tx, asked.matter()).await? {
            return Err(RequestApprovalError::TargetNotFound);
        }
        tx.add_approval(&asked, self.id, &self.reason).await?;
        Ok(tx
            .approval(self.id)
            .await?
            .ok_or_else(|| StoreError::corrupt("rbac.approval", "id"))?)
    }
}

async fn the_owner<Tx: Roles + ?Sized>(
    tx: &mut Tx,
    tenant: TenantId,
    named: Option<PrincipalId>,
) -> Result<PrincipalId, RequestApprovalError> {
    let owners = tx.owners_of(tenant).await?;
    match (named, owners.as_slice()) {
        (Some(owner), owners) if owners.contains(&owner) => Ok(owner),
        (None, [owner]) => Ok(*owner),
        (None, [_, _, ..]) => Err(RequestApprovalError::SeveralOwners),
        _ => Err(RequestApprovalError::TargetNotFound),
    }
}

/// What people write when they ask: 10 to 500 characters, none of them a control character.
pub(super) fn is_reason(text: &str) -> bool {
    (10..=500).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

async fn exists<Tx: Holds + Principals + KeyStates + ?Sized>(tx: &mut Tx, matter: &Matter) -> Result<bool, StoreError> {
    match matter {
        Matter::GrantGlobal(Candidate::User(user)) if user.kind() == PrincipalKind::User => Ok(tx
            .principal(*user)
            .await?
            .is_some_and(|user| user.status == PrincipalStatus::Active && user.level < Some(Level::GlobalAdmin))),
        Matter::GrantGlobal(Candidate::User(_)) => Ok(false),
        Matter::GrantGlobal(Candidate::Address(_)) | Matter::BreakGlass { .. } => Ok(true),
        Matter::EraseSubject { subject } if subject.kind() == PrincipalKind::User => Ok(tx
            .principal(*subject)
            .await?
            .is_some_and(|user| user.status == PrincipalStatus::Deleted)),
        Matter::EraseSubject { .. } => Ok(false),
        Matter::ReleaseHold { hold } => Ok(tx.hold(*hold).await?.is_some_and(|hold| hold.released.is_none())),
        Matter::DestroyKey { version } => {
            let keys = tx.key_states().await?;
            Ok(keys
                .iter()
                .any(|key| key.version == *version && key.destroy_after.is_none()))
        }
    }
}
