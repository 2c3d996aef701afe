//! Forgotten passwords.
use std::net::IpAddr;

use keepgate_kernel::{PrincipalId, RequestId, TenantId, Timestamp};
use keepgate_store::{StoreError, Transaction};
use secrecy::SecretString;

use super::{EnrolRefused, FrontDesk, FrontDeskError, Prepared, Visit, settled};
use crate::{
    CodeHash, ConfirmReset, Device, DeviceCookie, Email, Enrolments, Homes, Miss, NoRandomness, PasswordContext,
    PasswordSet, Passwords, ResetCode, Resets, Throttle, commands::ResetTicket,
};

impl<Tx: Transaction + Enrolments + Homes + Passwords + Resets + Throttle + ?Sized + 'static> FrontDesk<Tx> {
    /// Whether a request for a code is acted on. Counted by address and by where it comes from, known or not.
    ///
    /// # Errors
    /// [`FrontDeskError`].
    pub async fn may_recover(
        &self,
        email: &str,
        request: RequestId,
        source: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<bool, FrontDeskError> {
        let (visit, bucket) = (Visit { request, source, at }, self.buckets.recovery(email));
        if let Some(places) = source.map(|source| self.buckets.places(source)) {
            if self.watch.blocked(&places, at).is_some() {
                return Ok(false);
            }
            self.miss(
                &Miss {
                    account: bucket,
                    places,
                },
                visit,
            )
            .await?;
        }
        loop {
            let mut tx = self.begin(self.platform, visit).await?;
            let admitted = tx.admit_recovery(&bucket).await;
            if let Some(admitted) = settled(tx, admitted).await? {
                return Ok(admitted);
            }
        }
    }

    /// Prepares the setting of a new password with a code. A code that can't be used costs no hash.
    ///
    /// # Errors
    /// As for enrolment.
    pub async fn confirm_reset(
        &self,
        code: &str,
        password: SecretString,
        request: RequestId,
        source: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<Prepared<ConfirmReset>, EnrolRefused> {
        let visit = Visit { request, source, at };
        let code = ResetCode::parse(code.trim()).map(|code| code.hash()).ok();
        let found = match code {
            Some(code) => self
                .reset_holder(&code, visit)
                .await?
                .map(|(home, holder)| (code, home, holder)),
            None => None,
        };
        let context = match found {
            Some((_, home, holder)) => self.context_of(home, holder, false, visit).await?,
            None => PasswordContext::default(),
        };
        let email = context.words.first().and_then(|word| word.parse::<Email>().ok());
        let judged = self.hasher.judge(password, context).await;
        let password = judged.map_err(FrontDeskError::from)??;
        let (Some((code, home, holder)), Some(email)) = (found, email) else {
            return Ok(Prepared {
                context: self.worker(self.platform, visit),
                actor: None,
                command: ConfirmReset { ticket: None },
            });
        };
        let password = self
            .hasher
            .hash_password(&password)
            .await
            .map_err(FrontDeskError::from)?;
        let bucket = self.buckets.login(email.as_str());
        let ticket = ResetTicket {
            holder,
            email,
            code,
            password,
            bucket,
        };
        Ok(Prepared {
            context: self.worker(home, visit),
            actor: Some(holder),
            command: ConfirmReset { ticket: Some(ticket) },
        })
    }

    /// The cookie of the browser that has used a code: it is let in although strangers may be locked out.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn recovered_cookie(&self, set: &PasswordSet, at: Timestamp) -> Result<DeviceCookie, NoRandomness> {
        let device = Device::new(set.tenant, set.principal)?;
        Ok(self.buckets.cookie(&device, set.email.as_str(), at))
    }

    async fn reset_holder(
        &self,
        code: &CodeHash,
        visit: Visit,
    ) -> Result<Option<(TenantId, PrincipalId)>, FrontDeskError> {
        let Some(home) = self.begin(self.platform, visit).await?.home_of_reset(code).await? else {
            return Ok(None);
        };
        let mut tx = match self.store.begin(&self.worker(home, visit)).await {
            Err(StoreError::Revoked) => return Ok(None),
            other => other?,
        };
        Ok(tx.reset_holder(code).await?.map(|holder| (home, holder)))
    }
}
