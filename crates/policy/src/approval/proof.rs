//! The proofs; only the rules beside them can mint one.
use keepgate_kernel::{ApprovalId, PrincipalId, TenantId};

use super::Matter;

/// Proof that somebody may ask for this.
#[must_use]
#[derive(Debug)]
pub struct AskProof {
    pub(super) by: PrincipalId,
    pub(super) tenant: TenantId,
    pub(super) matter: Matter,
}

impl AskProof {
    /// Who asks.
    #[must_use]
    pub const fn by(&self) -> PrincipalId {
        self.by
    }

    /// In which tenant.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// For what.
    #[must_use]
    pub const fn matter(&self) -> &Matter {
        &self.matter
    }
}

/// Proof that somebody may agree to what another asked for.
#[must_use]
#[derive(Debug)]
pub struct SecondProof {
    pub(super) by: PrincipalId,
    pub(super) approval: ApprovalId,
}

impl SecondProof {
    /// Who agrees.
    #[must_use]
    pub const fn by(&self) -> PrincipalId {
        self.by
    }

    /// To what.
    #[must_use]
    pub const fn approval(&self) -> ApprovalId {
        self.approval
    }
}

/// Proof that two people want this, and that one of them is doing it. Used up by whoever takes it.
#[must_use]
#[derive(Debug)]
pub struct Consent {
    pub(super) by: PrincipalId,
    pub(super) approval: ApprovalId,
    pub(super) matter: Matter,
}

impl Consent {
    /// Who does it.
    #[must_use]
    pub const fn by(&self) -> PrincipalId {
        self.by
    }

    /// The approval that is used up.
    #[must_use]
    pub const fn approval(&self) -> ApprovalId {
        self.approval
    }

    /// What they want.
    #[must_use]
    pub const fn matter(&self) -> &Matter {
        &self.matter
    }
}
