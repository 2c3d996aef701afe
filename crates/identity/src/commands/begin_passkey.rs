//! A passkey on its way in.
use keepgate_kernel::{Entity, PrincipalId, SessionId, TenantId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{Email, FactorKind, MfaChallenge, NewChallenge, Purpose, SecondFactors};

/// How many passkeys somebody may have.
pub const PASSKEYS: usize = 20;

/// Puts a challenge on record that a new passkey of the caller's will answer, in the session that asked.
#[derive(Debug)]
pub struct BeginPasskey {
    /// The challenge.
    pub challenge: MfaChallenge,
    /// The session that asks.
    pub session: SessionId,
    /// What its owner calls it.
    pub name: String,
}

/// What the browser is to be asked.
#[derive(Debug, Clone)]
pub struct PasskeyWanted {
    /// The caller's tenant.
    pub tenant: TenantId,
    /// The caller.
    pub principal: PrincipalId,
    /// The caller's address.
    pub email: Option<Email>,
    /// To be answered.
    pub challenge: MfaChallenge,
    /// The credential ids there are: another authenticator is wanted.
    pub known: Vec<Vec<u8>>,
}

/// Why nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginPasskeyError {
    /// There are [`PASSKEYS`] already.
    #[error("there are 20 passkeys already; remove one first")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for BeginPasskeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooMany => ErrorKind::Refused("too-many-passkeys"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: SecondFactors + ?Sized> Command<Tx> for BeginPasskey {
    type Permission = permissions::MfaEnrol;
    type Output = PasskeyWanted;
    type Error = BeginPasskeyError;

    fn entity(&self) -> Entity {
        Entity::collection("factors")
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<PasskeyWanted, BeginPasskeyError> {
        let principal = proof.by();
        let standing = tx.mfa_standing(principal).await?.ok_or(StoreError::Revoked)?;
        let known = tx.factors_on_file(principal, FactorKind::Passkey).await?;
        if known.len() >= PASSKEYS {
            return Err(BeginPasskeyError::TooMany);
        }
        let new = NewChallenge {
            hash: self.challenge.hash(),
            principal,
            session: self.session,
            bucket: None,
            purpose: Purpose::PasskeyEnrol,
            state: Some(self.name.clone().into_bytes()),
        };
        tx.add_challenge(&new).await?;
        Ok(PasskeyWanted {
            tenant: proof.tenant(),
            principal,
            email: standing.email,
            challenge: self.challenge.clone(),
            known: known.into_iter().filter_map(|one| one.credential).collect(),
        })
    }
}
