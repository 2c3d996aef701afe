//! That a password was right, as a value.
use keepgate_kernel::PrincipalId;
use secrecy::SecretString;

use super::{HashError, Hasher, Phc, Verdict};

/// Proof that somebody knew the password of a principal. Only [`Hasher::check`] makes one.
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

impl Hasher {
    /// Compares `password` with the verifier of `principal`. `None`: it is another one.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn check(
        &self,
        principal: PrincipalId,
        verifier: &Phc,
        password: &SecretString,
    ) -> Result<Option<PasswordProof>, HashError> {
        let renewed = match self.verify(password, Some(verifier)).await? {
            Verdict::Wrong => return Ok(None),
            Verdict::Right { stale: false } => None,
            Verdict::Right { stale: true } => Some(self.hash(password).await?),
        };
        Ok(Some(PasswordProof {
            principal,
            verified: verifier.clone(),
            renewed,
        }))
    }

    /// Does the work of a comparison for a principal that does not exist.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn check_nobody(&self, password: &SecretString) -> Result<(), HashError> {
        self.verify(password, None).await.map(|_wrong| ())
    }

    /// The verifier of a new password.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash_password(&self, password: &super::Password) -> Result<Phc, HashError> {
        self.hash(password.secret()).await
    }
}
