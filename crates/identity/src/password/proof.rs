//! That a password was right, as a value.
use keepgate_kernel::PrincipalId;
use secrecy::SecretString;

use super::{HashError, Hasher, PasswordContext, PasswordRule, Phc, Seat, Verdict};

/// Proof that somebody knew the password of a principal. Only a comparison makes one.
#[derive(Debug)]
pub struct PasswordProof {
    principal: PrincipalId,
    verified: Phc,
    renewed: Option<Phc>,
}

impl PasswordProof {
    /// Whose password it was.
    #[must_use]
    pub const fn principal(&self) -> PrincipalId {
        self.principal
    }

    /// The verifier it was compared with; if another one is on record by now, the proof is void.
    #[must_use]
    pub const fn verified(&self) -> &Phc {
        &self.verified
    }

    /// A verifier with the present parameters, if the old one had others.
    #[must_use]
    pub const fn renewed(&self) -> Option<&Phc> {
        self.renewed.as_ref()
    }
}

impl Seat {
    /// Compares `password`, normalised, with the verifier of `principal`. `None`: it is another one.
    pub(crate) async fn check(
        &self,
        principal: PrincipalId,
        verifier: &Phc,
        password: &SecretString,
    ) -> Result<Option<PasswordProof>, HashError> {
        let renewed = match self.verify(password, Some(verifier)).await? {
            Verdict::Wrong => return Ok(None),
            Verdict::Right { stale: false } => None,
            Verdict::Right { stale: true } => Some(self.renew(password).await?.of_short(verifier.is_short())),
        };
        Ok(Some(PasswordProof {
            principal,
            verified: verifier.clone(),
            renewed,
        }))
    }
}

impl Hasher {
    /// The verifier of a new password.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash_password(&self, password: &super::Password) -> Result<Phc, HashError> {
        let phc = self.hash(password.secret()).await?;
        Ok(phc.of_short(password.is_short()))
    }

    /// Holds `text` against the rule, off the async workers: that may take milliseconds.
    ///
    /// # Errors
    /// [`HashError`]; the rule's own answer is inside.
    pub async fn judge(
        &self,
        text: SecretString,
        context: PasswordContext,
    ) -> Result<Result<super::Password, PasswordRule>, HashError> {
        self.heavy(move || super::Password::fitting(text, &context)).await
    }
}
