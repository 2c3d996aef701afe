//! The first answer of a passkey.
use keepgate_kernel::{Entity, FactorId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use super::begin_passkey::PASSKEYS;
use crate::{ChallengeHash, FactorKind, NewFactor, RecoveryCode, SecondFactors, passkey::PasskeyError};

/// Puts a passkey on record whose answer was checked. From now on every log-in asks for a second factor. Recovery codes are made where
/// none are left. Refused answers are commands too, so that the audit log tells them.
#[derive(Debug)]
pub struct ConfirmPasskey {
    /// What came of the check.
    pub checked: PasskeyChecked,
}

/// What came of looking at a new passkey.
#[derive(Debug)]
pub enum PasskeyChecked {
    /// Everything holds.
    Proven {
        /// The challenge it answers.
        hash: ChallengeHash,
        /// The factor.
        factor: Box<NewFactor>,
        /// Codes, made before the transaction.
        codes: Vec<RecoveryCode>,
    },
    /// It answers no challenge of the caller's session.
    Dead,
    /// A check failed.
    Wrong(PasskeyError),
}

/// A passkey is on record.
#[derive(Debug, Clone)]
pub struct PasskeyAdded {
    /// Its id.
    pub factor: FactorId,
    /// Recovery codes, to be shown this once, if there were none.
    pub recovery_codes: Vec<RecoveryCode>,
}

/// Why it was not added.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmPasskeyError {
    /// Unknown, answered, past its end, tried too often, or another session's.
    #[error("the challenge is not valid; begin again")]
    InvalidChallenge,
    /// A check failed.
    #[error(transparent)]
    Invalid(PasskeyError),
    /// The credential is on record, here or with somebody else.
    #[error("that passkey is on record already")]
    Known,
    /// There are too many.
    #[error("there are 20 passkeys already; remove one first")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ConfirmPasskeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidChallenge => ErrorKind::Refused("invalid-challenge"),
            Self::Invalid(_) => ErrorKind::Refused("invalid-passkey"),
            Self::Known => ErrorKind::Refused("passkey-known"),
            Self::TooMany => ErrorKind::Refused("too-many-passkeys"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: SecondFactors + ?Sized> Command<Tx> for ConfirmPasskey {
    type Permission = permissions::MfaEnrol;
    type Output = PasskeyAdded;
    type Error = ConfirmPasskeyError;

    fn entity(&self) -> Entity {
        match &self.checked {
            PasskeyChecked::Proven { factor, .. } => factor.id.into(),
            PasskeyChecked::Dead | PasskeyChecked::Wrong(_) => Entity::collection("factors"),
        }
    }

    async fn run(
        &self,
        proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<PasskeyAdded, ConfirmPasskeyError> {
        let (hash, factor, codes) = match &self.checked {
            PasskeyChecked::Proven { hash, factor, codes } => (hash, factor, codes),
            PasskeyChecked::Dead => return Err(ConfirmPasskeyError::InvalidChallenge),
            PasskeyChecked::Wrong(error) => return Err(ConfirmPasskeyError::Invalid(*error)),
        };
        let principal = proof.by();
        if factor.principal != principal || !tx.use_challenge(hash).await? {
            return Err(ConfirmPasskeyError::InvalidChallenge);
        }
        if tx.factors_on_file(principal, FactorKind::Passkey).await?.len() >= PASSKEYS {
            return Err(ConfirmPasskeyError::TooMany);
        }
        let standing = tx.mfa_standing(principal).await?.ok_or(StoreError::Revoked)?;
        if !tx.put_factor(factor).await? {
            return Err(ConfirmPasskeyError::Known);
        }
        let mut recovery_codes = Vec::new();
        if standing.recovery_codes == 0 {
            let hashes: Vec<_> = codes.iter().map(|code| code.hash(principal)).collect();
            tx.put_recovery_codes(principal, &hashes).await?;
            recovery_codes.clone_from(codes);
        }
        Ok(PasskeyAdded {
            factor: factor.id,
            recovery_codes,
        })
    }
}
