//! Proving again, with a password, that one is who the session says; and changing that password.
use std::time::Duration;

use keepgate_kernel::{PrincipalId, TenantId};
use keepgate_policy::{Credential, OpContext};
use keepgate_store::Transaction;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::{FrontDesk, FrontDeskError, Visit};
use crate::{
    Admission, Attempt, ChangePassword, Enrolments, Homes, PasswordProof, PasswordRule, Passwords, SecondFactors,
    Throttle, password::typed, throttle::numbers,
};

/// What came of a password somebody typed in a session.
#[derive(Debug)]
pub enum PasswordCheck {
    /// It is the caller's.
    Proven(PasswordProof),
    /// It is not, or the caller has none.
    Wrong,
    /// Too many were wrong in this session; nothing was compared.
    Locked(Duration),
}

/// Why a change was not even prepared.
#[derive(Debug, thiserror::Error)]
pub enum ChangeRefused {
    /// The new password may not be set; the present one was not looked at.
    #[error(transparent)]
    Password(#[from] PasswordRule),
    /// As for log-in.
    #[error(transparent)]
    Desk(#[from] FrontDeskError),
}

impl<Tx: Transaction + Enrolments + Homes + Passwords + SecondFactors + Throttle + ?Sized + 'static> FrontDesk<Tx> {
    /// Compares `password` with that of `caller`, who came with a session: it has a counter of its own, so that whoever stole a
    /// token can't guess on, and keeps nobody else out.
    ///
    /// # Errors
    /// [`FrontDeskError`].
    pub async fn confirm_password(
        &self,
        caller: &OpContext,
        password: &SecretString,
    ) -> Result<PasswordCheck, FrontDeskError> {
        let Credential::Session(session) = caller.credential() else {
            return Ok(PasswordCheck::Wrong);
        };
        let (principal, visit) = (caller.principal().id, Visit::of(caller));
        let (seat, password) = (self.hasher.seat()?, typed(password));
        let bucket = self.buckets.session(principal, session);
        let attempt = Attempt {
            account: bucket,
            trusted: true,
            places: None,
            repeated: false,
            strict: false,
        };
        match self.admit(&attempt, visit).await? {
            Admission::Admitted => {}
            Admission::Locked(wait, _) => return Ok(PasswordCheck::Locked(wait)),
            Admission::Closed(_) => return Ok(PasswordCheck::Locked(numbers::TRUSTED.longest)),
        }
        let Some(verifier) = self.begin(caller.tenant(), visit).await?.password(principal).await? else {
            seat.verify(&password, None).await?;
            return Ok(PasswordCheck::Wrong);
        };
        match seat.check(principal, &verifier, &password).await? {
            Some(proof) => {
                self.forgive(&bucket, visit).await?;
                Ok(PasswordCheck::Proven(proof))
            }
            None => Ok(PasswordCheck::Wrong),
        }
    }

    /// Prepares a change of the caller's own password. Beside a second factor a shorter one will do.
    ///
    /// # Errors
    /// [`ChangeRefused`]; a wrong present password is an error of the command.
    pub async fn change_password(
        &self,
        caller: &OpContext,
        present: &SecretString,
        new: SecretString,
    ) -> Result<ChangePassword, ChangeRefused> {
        // Whoever came with a key is refused by the policy; nothing is hashed for it.
        let Credential::Session(session) = caller.credential() else {
            return Ok(ChangePassword::wrong(caller.principal().id));
        };
        let principal = caller.principal().id;
        let visit = Visit::of(caller);
        let second_factor = self.has_factor(caller.tenant(), principal, visit).await?;
        let context = self
            .context_of(caller.tenant(), principal, second_factor, visit)
            .await?;
        let judged = self.hasher.judge(new, context).await;
        let new = judged.map_err(FrontDeskError::from)??;
        let proof = match self.confirm_password(caller, present).await? {
            PasswordCheck::Proven(proof) => proof,
            PasswordCheck::Wrong => return Ok(ChangePassword::wrong(principal)),
            PasswordCheck::Locked(wait) => return Ok(ChangePassword::locked(principal, wait)),
        };
        let (new_text, present_text) = (new.secret().expose_secret(), typed(present));
        if bool::from(new_text.as_bytes().ct_eq(present_text.expose_secret().as_bytes())) {
            return Ok(ChangePassword::unchanged(principal));
        }
        let phc = self.hasher.hash_password(&new).await.map_err(FrontDeskError::from)?;
        Ok(ChangePassword::proven(session, proof, phc))
    }

    /// Whether a second factor is on record. If it is gone by the time the password is set, a short one is refused there.
    async fn has_factor(&self, tenant: TenantId, principal: PrincipalId, visit: Visit) -> Result<bool, FrontDeskError> {
        let standing = self.begin(tenant, visit).await?.mfa_standing(principal).await?;
        Ok(standing.is_some_and(|standing| !standing.factors.is_empty()))
    }
}
