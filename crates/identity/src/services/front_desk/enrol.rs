//! Entering for the first time.
use std::net::IpAddr;

use keepgate_kernel::{PrincipalId, RequestId, SessionId, TenantId, Timestamp};
use keepgate_store::{StoreError, Transaction};
use secrecy::SecretString;

use super::{FrontDesk, FrontDeskError, Prepared, Visit};
use crate::{CodeHash, Enrol, EnrolmentCode, Enrolments, Homes, PasswordContext, PasswordRule, Passwords, Throttle};

/// Why an enrolment was not even prepared.
#[derive(Debug, thiserror::Error)]
pub enum EnrolRefused {
    /// The password may not be set; the code is still good.
    #[error(transparent)]
    Password(#[from] PasswordRule),
    /// As for log-in.
    #[error(transparent)]
    Desk(#[from] FrontDeskError),
}

impl<Tx: Transaction + Enrolments + Homes + Passwords + Throttle + ?Sized + 'static> FrontDesk<Tx> {
    /// Prepares an enrolment. A code that can't be used costs no hash.
    ///
    /// # Errors
    /// [`EnrolRefused::Password`] whether or not the code is good; a bad code is an error of the command.
    pub async fn enrol(
        &self,
        code: &str,
        password: SecretString,
        request: RequestId,
        source: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<Prepared<Enrol>, EnrolRefused> {
        let visit = Visit { request, source, at };
        let session = SessionId::new(at);
        let code = EnrolmentCode::parse(code.trim()).map(|code| code.hash()).ok();
        let ticket = match code {
            Some(code) => self
                .holder(&code, visit)
                .await?
                .map(|(home, holder)| (code, home, holder)),
            None => None,
        };
        let context = match ticket {
            Some((_, home, holder)) => self.context_of(home, holder, false, visit).await?,
            None => PasswordContext::default(),
        };
        let judged = self.hasher.judge(password, context).await;
        let password = judged.map_err(FrontDeskError::from)??;
        let Some((code, home, holder)) = ticket else {
            return Ok(Prepared {
                context: self.worker(self.platform, visit),
                actor: None,
                command: Enrol::unknown(session),
            });
        };
        let phc = self
            .hasher
            .hash_password(&password)
            .await
            .map_err(FrontDeskError::from)?;
        let command = Enrol::new(session, holder, code, phc);
        Ok(Prepared {
            context: self.worker(home, visit),
            actor: command.actor(),
            command,
        })
    }

    /// Where a usable code lives, and whose it is.
    async fn holder(&self, code: &CodeHash, visit: Visit) -> Result<Option<(TenantId, PrincipalId)>, FrontDeskError> {
        let Some(home) = self.begin(self.platform, visit).await?.home_of_enrolment(code).await? else {
            return Ok(None);
        };
        let mut tx = match self.store.begin(&self.worker(home, visit)).await {
            Err(StoreError::Revoked) => return Ok(None),
            other => other?,
        };
        Ok(tx.enrolment_holder(code).await?.map(|holder| (home, holder)))
    }
}
