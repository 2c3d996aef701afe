//! What two people have to want: one asks, another agrees, and one of them does it, once, within four hours.
//!
//! NIST SP 800-53 AC-3(2), dual authorization. The database decides all of it again on live rows.
mod proof;
mod record;

use keepgate_kernel::{PrincipalId, Timestamp};

use crate::{Authorized, Permission, permissions};

pub use proof::{AskProof, Consent, SecondProof};
pub use record::{Approval, ApprovalState, Candidate, Matter, TwoPersonAction};

/// Why two people are not two, or not those who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalDenied {
    /// Another level asks for that, or agrees to it.
    #[error("this level has no say in that")]
    Level,
    /// Nobody decides about themselves.
    #[error("nobody may do that to themselves")]
    Oneself,
    /// Who asked does not agree to it as well.
    #[error("who asked for it can't approve it")]
    SamePerson,
    /// It was agreed to or used before.
    #[error("the approval is not pending")]
    NotPending,
    /// It is past its end.
    #[error("the approval has expired")]
    Expired,
    /// No approval of two people, one of them the caller, covers exactly this.
    #[error("that needs an approval by two people")]
    Missing,
}

impl ApprovalDenied {
    /// The stable word for audit entries and problem types.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Level => "approval-level",
            Self::Oneself => "not-oneself",
            Self::SamePerson => "same-person",
            Self::NotPending => "approval-not-pending",
            Self::Expired => "approval-expired",
            Self::Missing => "approval-required",
        }
    }
}

/// A permission that an approval may go with.
pub trait TwoPerson: Permission {
    /// What it does with one.
    const KIND: TwoPersonAction;
}
impl TwoPerson for permissions::UserCreate {
    const KIND: TwoPersonAction = TwoPersonAction::GrantGlobal;
}
impl TwoPerson for permissions::UserUpdate {
    const KIND: TwoPersonAction = TwoPersonAction::GrantGlobal;
}
impl TwoPerson for permissions::BreakGlass {
    const KIND: TwoPersonAction = TwoPersonAction::BreakGlass;
}
impl TwoPerson for permissions::KeyDestroy {
    const KIND: TwoPersonAction = TwoPersonAction::DestroyKey;
}
impl TwoPerson for permissions::ErasureCreate {
    const KIND: TwoPersonAction = TwoPersonAction::EraseSubject;
}
impl TwoPerson for permissions::HoldRelease {
    const KIND: TwoPersonAction = TwoPersonAction::ReleaseHold;
}

/// Mints the proof that `proof`'s principal may ask for `matter`.
///
/// # Errors
/// [`ApprovalDenied`] says which part of the rule failed.
pub fn ask(proof: &Authorized<permissions::ApprovalRequest>, matter: Matter) -> Result<AskProof, ApprovalDenied> {
    let own = proof.level().ok_or(ApprovalDenied::Level)?;
    if !matter.action().is_asked_by(own) {
        return Err(ApprovalDenied::Level);
    }
    if is_about(&matter, proof.by()) {
        return Err(ApprovalDenied::Oneself);
    }
    Ok(AskProof {
        by: proof.by(),
        tenant: proof.tenant(),
        matter,
    })
}

/// Mints the proof that `proof`'s principal may agree to `approval` `at` this instant.
///
/// # Errors
/// [`ApprovalDenied`] says which part of the rule failed.
pub fn second(
    proof: &Authorized<permissions::ApprovalApprove>,
    approval: &Approval,
    at: Timestamp,
) -> Result<SecondProof, ApprovalDenied> {
    let own = proof.level().ok_or(ApprovalDenied::Level)?;
    if !approval.matter.action().is_seconded_by(own) || approval.tenant != proof.tenant() {
        return Err(ApprovalDenied::Level);
    }
    if approval.requested_by.uuid() == proof.by().uuid() {
        return Err(ApprovalDenied::SamePerson);
    }
    if is_about(&approval.matter, proof.by()) {
        return Err(ApprovalDenied::Oneself);
    }
    match approval.state(at) {
        ApprovalState::Pending => Ok(SecondProof {
            by: proof.by(),
            approval: approval.id,
        }),
        ApprovalState::Expired => Err(ApprovalDenied::Expired),
        ApprovalState::Approved | ApprovalState::Consumed => Err(ApprovalDenied::NotPending),
    }
}

/// Mints the consent to `matter` out of `approval`, for one of the two people.
///
/// # Errors
/// [`ApprovalDenied::Missing`] whenever the two did not agree on exactly this, or the caller is neither of them.
pub fn spend<P: TwoPerson>(
    proof: &Authorized<P>,
    approval: &Approval,
    matter: &Matter,
    at: Timestamp,
) -> Result<Consent, ApprovalDenied> {
    let own = proof.level().ok_or(ApprovalDenied::Level)?;
    let Some((seconder, _)) = approval.approved else {
        return Err(ApprovalDenied::Missing);
    };
    let who = proof.by().uuid();
    let party = who == approval.requested_by.uuid() || who == seconder.uuid();
    let two = approval.requested_by.uuid() != seconder.uuid();
    let lawful = party
        && two
        && P::KIND == matter.action()
        && approval.matter == *matter
        && approval.tenant == proof.tenant()
        && approval.matter.action().is_asked_by(own)
        && !is_about(matter, approval.requested_by)
        && !is_about(matter, seconder)
        && approval.state(at) == ApprovalState::Approved;
    if !lawful {
        return Err(ApprovalDenied::Missing);
    }
    Ok(Consent {
        by: proof.by(),
        approval: approval.id,
        matter: matter.clone(),
    })
}

fn is_about(matter: &Matter, who: PrincipalId) -> bool {
    matter.subject().is_some_and(|subject| subject.uuid() == who.uuid())
}
