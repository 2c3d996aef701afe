//! Proving oneself again.
use std::time::Duration;

use keepgate_kernel::{Entity, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, Factors, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{
    Bucket, ChallengeHash, Demand, LoggedIn, NewSession, PasswordProof, Passwords, SESSION_LIFE, SecondFactors,
    SecondProof, Sessions, Throttle, mfa::Proved,
};

/// Opens a new session in place of the caller's, for who has proved the password, a second factor, or both. Where a factor is on
/// record it is demanded; a password alone is enough where there is none. Runs behind the caller's context, as a worker: verifiers
/// and sessions are out of every caller's reach.
#[derive(Debug)]
pub struct StepUp {
    present: SessionId,
    new: SessionId,
    attempt: Attempt,
}

/// What was proved, and the counters to be forgiven for it.
#[derive(Debug, Default)]
pub struct Steps {
    /// The password.
    pub password: Option<PasswordProof>,
    /// A second factor.
    pub second: Option<SecondProof>,
    /// The challenge that the second factor answers, for a passkey.
    pub challenge: Option<ChallengeHash>,
    /// What counted the attempt.
    pub buckets: Vec<Bucket>,
}

#[derive(Debug)]
enum Attempt {
    Proven(Box<Steps>),
    Wrong,
    Copied,
    Locked(Duration),
}

/// Why the session stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum StepUpError {
    /// A password, code or signature is wrong, or was used before.
    #[error("the password or the second factor is wrong")]
    Wrong,
    /// A factor is on record and was not proved, or nothing was proved at all.
    #[error("send the password, or the second factor if there is one")]
    Missing,
    /// A passkey's count of signatures did not grow: there may be two of it.
    #[error("the passkey's count of signatures went back; there may be a copy of it")]
    CountWentBack,
    /// Too many failures; nothing was looked at.
    #[error("too many failed attempts")]
    LockedOut {
        /// When to try again.
        retry_after: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for StepUpError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Wrong => ErrorKind::Refused("invalid-credentials"),
            Self::Missing => ErrorKind::Refused("second-factor-missing"),
            Self::CountWentBack => ErrorKind::Refused("passkey-count-went-back"),
            Self::LockedOut { .. } => ErrorKind::Refused("locked-out"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl StepUp {
    /// Everything sent was right.
    #[must_use]
    pub fn proven(present: SessionId, new: SessionId, steps: Steps) -> Self {
        let attempt = Attempt::Proven(Box::new(steps));
        Self { present, new, attempt }
    }

    /// Something sent was wrong.
    #[must_use]
    pub const fn wrong(present: SessionId, new: SessionId) -> Self {
        Self {
            present,
            new,
            attempt: Attempt::Wrong,
        }
    }

    /// A right signature of a passkey whose count did not grow.
    #[must_use]
    pub const fn copied(present: SessionId, new: SessionId) -> Self {
        Self {
            present,
            new,
            attempt: Attempt::Copied,
        }
    }

    /// Nothing was looked at.
    #[must_use]
    pub const fn locked(present: SessionId, new: SessionId, retry_after: Duration) -> Self {
        Self {
            present,
            new,
            attempt: Attempt::Locked(retry_after),
        }
    }
}

impl<Tx> Command<Tx> for StepUp
where
    Tx: Transaction + Passwords + SecondFactors + Sessions + Throttle + ?Sized,
{
    type Permission = permissions::AuthStepUp;
    type Output = LoggedIn;
    type Error = StepUpError;

    fn entity(&self) -> Entity {
        match self.attempt {
            Attempt::Proven(_) => self.new.into(),
            Attempt::Wrong | Attempt::Copied | Attempt::Locked(_) => self.present.into(),
        }
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<LoggedIn, StepUpError> {
        let steps = match &self.attempt {
            Attempt::Proven(steps) => steps,
            Attempt::Wrong => return Err(StepUpError::Wrong),
            Attempt::Copied => return Err(StepUpError::CountWentBack),
            Attempt::Locked(retry_after) => {
                return Err(StepUpError::LockedOut {
                    retry_after: *retry_after,
                });
            }
        };
        let principal = proof.by();
        let standing = tx.mfa_standing(principal).await?.ok_or(StoreError::Revoked)?;
        if let Some(password) = &steps.password
            && (password.principal() != principal
                || tx.password(principal).await?.as_ref() != Some(password.verified()))
        {
            return Err(StepUpError::Wrong);
        }
        if let Some(challenge) = &steps.challenge
            && !tx.use_challenge(challenge).await?
        {
            return Err(StepUpError::Wrong);
        }
        if let Some(second) = &steps.second
            && second.spend(tx, principal).await? == Proved::NoLonger
        {
            return Err(StepUpError::Wrong);
        }
        let factors = match (standing.demand(tx.context().at()), &steps.second, &steps.password) {
            (Demand::Factor, Some(_), _) => Factors::Two,
            (Demand::Nothing, None, Some(_)) => Factors::One,
            (Demand::Owing | Demand::FactorFirst, None, Some(_)) => Factors::Owing,
            _ => return Err(StepUpError::Missing),
        };
        if !tx.revoke_session(self.present).await? {
            return Err(StoreError::Revoked.into());
        }
        for bucket in &steps.buckets {
            tx.forgive(bucket).await?;
        }
        let new = NewSession {
            id: self.new,
            principal,
            factors,
            expires_at: tx.context().at() + SESSION_LIFE,
        };
        Ok(tx.open_session(&new).await?)
    }
}
