//! From a right password or code to a session, or to what is asked next.
use keepgate_kernel::{FactorId, PrincipalId, SessionId, Timestamp};
use keepgate_policy::Factors;
use keepgate_store::{StoreError, Transaction};
use secrecy::SecretString;

use super::{CHALLENGE_LIFE, Demand, FactorKind, MfaChallenge, MfaStanding, NewChallenge, NewFactor, Purpose};
use crate::{Bucket, LoggedIn, NewSession, SESSION_LIFE, SecondFactors, Sessions, Throttle};

/// What a log-in or enrolment led to.
#[derive(Debug, Clone)]
pub enum Entered {
    /// A session.
    Session(LoggedIn),
    /// A question.
    Challenged(Box<Challenged>),
}

impl Entered {
    /// The session, if there is one already.
    #[must_use]
    pub const fn session(&self) -> Option<&LoggedIn> {
        match self {
            Self::Session(session) => Some(session),
            Self::Challenged(_) => None,
        }
    }
}

/// A question for a second factor.
#[derive(Debug, Clone)]
pub struct Challenged {
    /// To be sent back with the answer.
    pub challenge: MfaChallenge,
    /// Until when.
    pub expires_at: Timestamp,
    /// The kinds on record; empty: [`Challenged::pending`] has to be added first.
    pub factors: Vec<FactorKind>,
    /// Whether a recovery code would do.
    pub recovery: bool,
    /// An app to be set up, whose first code is the answer.
    pub pending: Option<PendingTotp>,
    /// The credential ids of passkeys that would do.
    pub passkeys: Vec<Vec<u8>>,
}

/// An app that waits for its first code.
#[derive(Debug, Clone)]
pub struct PendingTotp {
    /// Its id.
    pub factor: FactorId,
    /// The seed, sealed, for the database.
    pub sealed: Vec<u8>,
    /// The seed in base32, for the one answer that shows it.
    pub secret: SecretString,
    /// The same as `otpauth://…`.
    pub uri: SecretString,
}

/// What can be asked, prepared before the transaction. A principal's standing is read again inside.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// The challenge. Without one nobody with a factor on record gets in.
    pub challenge: Option<MfaChallenge>,
    /// An app to be set up, for a principal that gets no session without one.
    pub pending: Option<PendingTotp>,
}

/// Somebody who has proved the first factor.
#[derive(Debug)]
pub(crate) struct Entrance<'a> {
    pub(crate) principal: PrincipalId,
    pub(crate) session: SessionId,
    pub(crate) bucket: Option<&'a Bucket>,
    pub(crate) offer: &'a Offer,
}

/// Opens the session, or asks. `Forbidden` for a principal that may not act.
pub(crate) async fn admit<Tx>(tx: &mut Tx, entrance: &Entrance<'_>) -> Result<Entered, StoreError>
where
    Tx: Transaction + SecondFactors + Sessions + Throttle + ?Sized,
{
    let standing = tx
        .mfa_standing(entrance.principal)
        .await?
        .ok_or(StoreError::Forbidden)?;
    let factors = match standing.demand(tx.context().at()) {
        Demand::Factor => match &entrance.offer.challenge {
            Some(challenge) => return ask(tx, entrance, challenge, standing, Purpose::Login).await,
            None => return Err(StoreError::Forbidden),
        },
        // Without an app to offer, what is left is a session that can only add one.
        Demand::FactorFirst => match (&entrance.offer.challenge, &entrance.offer.pending) {
            (Some(challenge), Some(_)) => return ask(tx, entrance, challenge, standing, Purpose::TotpEnrol).await,
            _ => Factors::Owing,
        },
        Demand::Owing => Factors::Owing,
        Demand::Nothing => Factors::One,
    };
    if let Some(bucket) = entrance.bucket {
        tx.forgive(bucket).await?;
    }
    let expires_at = tx.context().at() + SESSION_LIFE;
    let new = NewSession {
        factors,
        id: entrance.session,
        principal: entrance.principal,
        expires_at,
    };
    Ok(Entered::Session(tx.open_session(&new).await?))
}

async fn ask<Tx>(
    tx: &mut Tx,
    entrance: &Entrance<'_>,
    challenge: &MfaChallenge,
    standing: MfaStanding,
    purpose: Purpose,
) -> Result<Entered, StoreError>
where
    Tx: Transaction + SecondFactors + ?Sized,
{
    let pending = entrance.offer.pending.clone().filter(|_| purpose == Purpose::TotpEnrol);
    if let Some(pending) = &pending {
        tx.put_factor(&pending.as_new(entrance.principal)).await?;
    }
    let passkeys = tx.factors_on_file(entrance.principal, FactorKind::Passkey).await?;
    let new = NewChallenge {
        hash: challenge.hash(),
        principal: entrance.principal,
        session: entrance.session,
        bucket: entrance.bucket.copied(),
        purpose,
        state: None,
    };
    tx.add_challenge(&new).await?;
    Ok(Entered::Challenged(Box::new(Challenged {
        challenge: challenge.clone(),
        expires_at: tx.context().at() + CHALLENGE_LIFE,
        factors: standing.factors,
        recovery: standing.recovery_codes > 0,
        pending,
        passkeys: passkeys.into_iter().filter_map(|one| one.credential).collect(),
    })))
}

impl PendingTotp {
    /// The row it becomes.
    #[must_use]
    pub fn as_new(&self, principal: PrincipalId) -> NewFactor {
        NewFactor {
            id: self.factor,
            principal,
            kind: FactorKind::Totp,
            name: "authenticator app".to_owned(),
            material: self.sealed.clone(),
            counter: 0,
            credential: None,
            confirmed: false,
        }
    }
}
