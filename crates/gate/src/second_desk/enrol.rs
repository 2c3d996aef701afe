//! An authenticator app on its way in.
use keepgate_identity::{ConfirmTotp, PendingTotp, RecoveryCode, SecondProof, TotpSeed};
use keepgate_kernel::{FactorId, PrincipalId};
use keepgate_policy::OpContext;
use secrecy::SecretString;

use super::{SecondDesk, SecondDeskError, place};

impl SecondDesk {
    /// A seed for the caller, sealed.
    ///
    /// # Errors
    /// [`SecondDeskError`].
    pub async fn begin_totp(&self, caller: &OpContext) -> Result<PendingTotp, SecondDeskError> {
        self.new_app(&caller.as_system(caller.tenant()), caller.principal().id)
            .await
    }

    /// Looks at the first code of the caller's pending app.
    ///
    /// # Errors
    /// [`SecondDeskError`].
    pub async fn confirm_totp(&self, caller: &OpContext, code: &SecretString) -> Result<ConfirmTotp, SecondDeskError> {
        let (worker, principal) = (caller.as_system(caller.tenant()), caller.principal().id);
        let pending = self.begin(&worker).await?.pending_totp(principal).await?;
        let proof = match &pending {
            Some(app) => self.compare(&worker, app, code).await?,
            None => None,
        };
        let proven = match proof {
            Some(SecondProof::Totp { factor, step }) => Some((factor, step)),
            _ => None,
        };
        Ok(ConfirmTotp {
            proven,
            pending: pending.is_some(),
            codes: RecoveryCode::set()?,
        })
    }

    pub(super) async fn new_app(
        &self,
        worker: &OpContext,
        principal: PrincipalId,
    ) -> Result<PendingTotp, SecondDeskError> {
        let standing = self.begin(worker).await?.mfa_standing(principal).await?;
        let account = standing
            .and_then(|standing| standing.email)
            .map_or_else(|| principal.to_string(), |email| email.as_str().to_owned());
        let (factor, seed) = (FactorId::new(worker.at()), TotpSeed::random()?);
        let sealed = self.gate.seal(&place(worker.tenant(), factor), seed.expose()).await?;
        Ok(PendingTotp {
            factor,
            sealed,
            secret: seed.text(),
            uri: seed.uri(&account),
        })
    }
}
