//! Erasing a person.
use keepgate_audit::{AuditLog, Erased, Erasure, Erasures, Holds, NewEntry, NewErasure};
use keepgate_identity::{PrincipalStatus, Principals};
use keepgate_kernel::{Action, AuditId, Entity, ErasureId, Outcome, PrincipalId, PrincipalKind};
use keepgate_policy::{ApprovalDenied, Authorized, Command, CommandError, ErrorKind, Matter, permissions};
use keepgate_rbac::Approvals;
use keepgate_store::{StoreError, Transaction};

use super::{consent::consent, request_approval::is_reason};

/// Erases a deleted user for good, because an owner and a second person want it: the keys that the addresses in the log were
/// sealed under are destroyed, the openings deleted, and whatever else is left of the person. The number stays as a
/// pseudonym; the log is not touched, and every proof still verifies.
#[derive(Debug, Clone)]
pub struct EraseSubject {
    /// Its id.
    pub id: ErasureId,
    /// Who.
    pub subject: PrincipalId,
    /// Why: 10 to 500 characters, none of them a control character. Kept beside the log, never in it.
    pub reason: String,
}

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseSubjectError {
    /// The reason is too short, too long, or holds control characters.
    #[error("a reason has 10 to 500 characters and no control characters")]
    InvalidReason,
    /// There is no such user.
    #[error("no such user")]
    NotFound,
    /// The user has to be deleted first.
    #[error("the user has not been deleted")]
    Living,
    /// A hold keeps it.
    #[error("a hold keeps this person's data")]
    Held,
    /// Two people have not agreed on it.
    #[error(transparent)]
    Unapproved(#[from] ApprovalDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for EraseSubjectError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidReason => ErrorKind::Refused("invalid-reason"),
            Self::NotFound => ErrorKind::Refused("user-not-found"),
            Self::Living => ErrorKind::Refused("user-not-deleted"),
            Self::Held => ErrorKind::Refused("held"),
            Self::Unapproved(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx> Command<Tx> for EraseSubject
where
    Tx: Transaction + Approvals + AuditLog + Erasures + Holds + Principals + ?Sized,
{
    type Permission = permissions::ErasureCreate;
    type Output = Erasure;
    type Error = EraseSubjectError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Erasure, EraseSubjectError> {
        if !is_reason(&self.reason) {
            return Err(EraseSubjectError::InvalidReason);
        }
        deleted(tx, self.subject).await?;
        if tx.is_held(self.subject).await? {
            return Err(EraseSubjectError::Held);
        }
        let matter = Matter::EraseSubject { subject: self.subject };
        let agreed = consent(proof, tx, &matter).await??;
        let new = NewErasure {
            id: self.id,
            subject: self.subject,
            reason: self.reason.clone(),
            entry: AuditId::new(tx.context().at()),
        };
        match tx.erase(&agreed, &new).await? {
            Erased::Done => {}
            Erased::Unknown => return Err(EraseSubjectError::NotFound),
            Erased::Living => return Err(EraseSubjectError::Living),
            Erased::Held => return Err(EraseSubjectError::Held),
        }
        tx.append(&told(&new)).await?;
        let made = tx.erasure(self.id).await?;
        Ok(made.ok_or_else(|| StoreError::corrupt("audit.erasure", "id"))?)
    }
}

/// The entry that says who was erased.
pub(super) fn told(new: &NewErasure) -> NewEntry {
    NewEntry {
        id: new.entry,
        action: Action::AuditErased,
        entity: new.subject.into(),
        outcome: Outcome::Done,
        reason: None,
        actor: None,
    }
}

async fn deleted<Tx: Principals + ?Sized>(tx: &mut Tx, subject: PrincipalId) -> Result<(), EraseSubjectError> {
    if subject.kind() != PrincipalKind::User {
        return Err(EraseSubjectError::NotFound);
    }
    let user = tx.principal(subject).await?.ok_or(EraseSubjectError::NotFound)?;
    if user.status == PrincipalStatus::Deleted {
        Ok(())
    } else {
        Err(EraseSubjectError::Living)
    }
}
