//! Operation: prove that an entry is in the log, or that the log only grew.
use keepgate_kernel::Entity;
use keepgate_merkle::{hash::Hash, tlog_proof::TlogProof};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions::AuditRead};
use keepgate_store::StoreError;

use crate::{AuditReader, proof};

/// Builds a proof that anybody can check with the log's public key.
#[derive(Debug, Clone, Copy)]
pub enum GetProof {
    /// That an entry is under the latest checkpoint.
    Inclusion {
        /// Its place in the log.
        index: u64,
    },
    /// That the larger log grew out of the smaller one.
    Consistency {
        /// The older size, at least 1.
        first: u64,
        /// The newer size, not above the latest checkpoint's.
        second: u64,
    },
}

/// The proof asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Its text form is a proof file (`c2sp.org/tlog-proof@v1`).
    Inclusion(TlogProof),
    /// The hashes of RFC 6962 section 2.1.2.
    Consistency(Vec<Hash>),
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum GetProofError {
    /// The log does not reach that far, or the sizes are in the wrong order.
    #[error("the log has no such entry or sizes")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetProofError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("no-such-proof"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: AuditReader + ?Sized> Command<Tx> for GetProof {
    type Permission = AuditRead;
    type Output = Proof;
    type Error = GetProofError;

    fn entity(&self) -> Entity {
        match self {
            Self::Inclusion { index } => Entity::named("audit", &index.to_string()),
            Self::Consistency { first, second } => Entity::named("audit", &format!("{first}-{second}")),
        }
    }

    async fn run(&self, _proof: &Authorized<AuditRead>, tx: &mut Tx) -> Result<Proof, GetProofError> {
        let proof = match *self {
            Self::Inclusion { index } => proof::inclusion(tx, index).await?.map(Proof::Inclusion),
            Self::Consistency { first, second } => proof::consistency(tx, first, second).await?.map(Proof::Consistency),
        };
        proof.ok_or(GetProofError::NotFound)
    }
}
