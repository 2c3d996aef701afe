//! The second half of a log-in.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, Factors, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{
    ChallengeHash, ChallengeRecord, Email, LoggedIn, NewSession, Purpose, RecoveryCode, SESSION_LIFE, SecondFactors,
    SecondProof, Sessions, Throttle, mfa::Proved,
};

/// Answers a challenge: uses it and the proof up, and opens the session. The answer has been counted before it was looked at;
/// failed ones are commands too, so that the audit log tells them.
#[derive(Debug)]
pub struct CompleteLogin {
    attempt: Attempt,
}

#[derive(Debug)]
enum Attempt {
    Proven(Box<Proven>),
    Wrong(PrincipalId),
    Copied(PrincipalId),
    Dead,
}

#[derive(Debug)]
struct Proven {
    hash: ChallengeHash,
    challenge: ChallengeRecord,
    proof: SecondProof,
    codes: Vec<RecoveryCode>,
}

/// Somebody is in.
#[derive(Debug, Clone)]
pub struct LoginCompleted {
    /// The session.
    pub session: LoggedIn,
    /// Its address, for the cookie of the browser.
    pub email: Option<Email>,
    /// Recovery codes, to be shown this once, when the answer confirmed the first factor.
    pub recovery_codes: Vec<RecoveryCode>,
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum CompleteLoginError {
    /// Unknown, answered, past its end or tried too often: nobody learns which.
    #[error("the challenge is not valid; log in again")]
    InvalidChallenge,
    /// The answer is wrong, or was used before.
    #[error("the second factor is wrong")]
    InvalidFactor,
    /// A passkey's count of signatures did not grow: there may be two of it.
    #[error("the passkey's count of signatures went back; there may be a copy of it")]
    CountWentBack,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for CompleteLoginError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidChallenge => ErrorKind::Refused("invalid-challenge"),
            Self::InvalidFactor => ErrorKind::Refused("invalid-second-factor"),
            Self::CountWentBack => ErrorKind::Refused("passkey-count-went-back"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl CompleteLogin {
    /// A right answer to `challenge`. `codes` are put on record when it confirms the first factor.
    #[must_use]
    pub fn proven(
        hash: ChallengeHash,
        challenge: ChallengeRecord,
        proof: SecondProof,
        codes: Vec<RecoveryCode>,
    ) -> Self {
        Self {
            attempt: Attempt::Proven(Box::new(Proven {
                hash,
                challenge,
                proof,
                codes,
            })),
        }
    }

    /// A wrong answer.
    #[must_use]
    pub const fn wrong(principal: PrincipalId) -> Self {
        Self {
            attempt: Attempt::Wrong(principal),
        }
    }

    /// A right signature of a passkey whose count did not grow.
    #[must_use]
    pub const fn copied(principal: PrincipalId) -> Self {
        Self {
            attempt: Attempt::Copied(principal),
        }
    }

    /// A challenge that can't be answered.
    #[must_use]
    pub const fn dead() -> Self {
        Self { attempt: Attempt::Dead }
    }

    /// Whose account it is about, as far as known: the actor of the audit entry.
    #[must_use]
    pub fn actor(&self) -> Option<PrincipalId> {
        match &self.attempt {
            Attempt::Proven(proven) => Some(proven.challenge.principal),
            Attempt::Wrong(principal) | Attempt::Copied(principal) => Some(*principal),
            Attempt::Dead => None,
        }
    }
}

impl<Tx: Transaction + SecondFactors + Sessions + Throttle + ?Sized> Command<Tx> for CompleteLogin {
    type Permission = permissions::AuthMfa;
    type Output = LoginCompleted;
    type Error = CompleteLoginError;

    fn entity(&self) -> Entity {
        match &self.attempt {
            Attempt::Proven(proven) => proven.challenge.session.into(),
            Attempt::Wrong(principal) | Attempt::Copied(principal) => (*principal).into(),
            Attempt::Dead => Entity::collection("logins"),
        }
    }

    async fn run(
        &self,
        _proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<LoginCompleted, CompleteLoginError> {
        let Proven {
            hash,
            challenge,
            proof,
            codes,
        } = match &self.attempt {
            Attempt::Proven(proven) => &**proven,
            Attempt::Wrong(_) => return Err(CompleteLoginError::InvalidFactor),
            Attempt::Copied(_) => return Err(CompleteLoginError::CountWentBack),
            Attempt::Dead => return Err(CompleteLoginError::InvalidChallenge),
        };
        if !tx.use_challenge(hash).await? {
            return Err(CompleteLoginError::InvalidChallenge);
        }
        let recovery_codes = match (challenge.purpose, proof) {
            (Purpose::Login, proof) => match proof.spend(tx, challenge.principal).await? {
                Proved::Now => Vec::new(),
                Proved::NoLonger => return Err(CompleteLoginError::InvalidFactor),
            },
            (Purpose::TotpEnrol, SecondProof::Totp { factor, step }) => {
                if !tx.confirm_totp(challenge.principal, *factor, *step).await? {
                    return Err(CompleteLoginError::InvalidFactor);
                }
                let hashes: Vec<_> = codes.iter().map(|code| code.hash(challenge.principal)).collect();
                tx.put_recovery_codes(challenge.principal, &hashes).await?;
                codes.clone()
            }
            _ => return Err(CompleteLoginError::InvalidChallenge),
        };
        let standing = tx.mfa_standing(challenge.principal).await?;
        let email = standing.ok_or(CompleteLoginError::InvalidChallenge)?.email;
        if let Some(bucket) = &challenge.bucket {
            tx.forgive(bucket).await?;
        }
        let new = NewSession {
            factors: Factors::Two,
            id: challenge.session,
            principal: challenge.principal,
            expires_at: tx.context().at() + SESSION_LIFE,
        };
        match tx.open_session(&new).await {
            Err(StoreError::Forbidden) => Err(CompleteLoginError::InvalidChallenge),
            other => Ok(LoginCompleted {
                session: other?,
                email,
                recovery_codes,
            }),
        }
    }
}
