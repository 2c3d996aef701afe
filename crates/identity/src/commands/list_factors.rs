//! One's second factors.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{FactorRecord, MfaStanding, SecondFactors};

/// Lists one's own second factors, pending ones too.
#[derive(Debug, Clone, Copy)]
pub struct ListFactors;

/// What somebody can prove a second time with.
#[derive(Debug, Clone)]
pub struct OwnFactors {
    /// The factors in the order they were begun.
    pub factors: Vec<FactorRecord>,
    /// Whether one is required, and how many recovery codes are left.
    pub standing: MfaStanding,
}

/// Why they were not listed.
#[derive(Debug, thiserror::Error)]
pub enum ListFactorsError {
    /// The caller is no user.
    #[error("only users have second factors")]
    NotUser,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ListFactorsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotUser => ErrorKind::Refused("not-a-user"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: SecondFactors + ?Sized> Command<Tx> for ListFactors {
    type Permission = permissions::MfaList;
    type Output = OwnFactors;
    type Error = ListFactorsError;

    fn entity(&self) -> Entity {
        Entity::collection("factors")
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<OwnFactors, ListFactorsError> {
        let standing = tx.mfa_standing(proof.by()).await?.ok_or(ListFactorsError::NotUser)?;
        let factors = tx.factors(proof.by()).await?;
        Ok(OwnFactors { factors, standing })
    }
}
