//! Sends the mail about accounts: leases what is due, makes codes, hands it to the mailer, tries again later.
//!
//! A code is made when its mail is sent, and only its hash is committed, before the mail leaves: no code lies anywhere. A mail whose
//! sending was not recorded is sent again, with a new code that ends the one before.
use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use futures_util::StreamExt;
use keepgate_crypto_keys::{Place, Purpose};
use keepgate_identity::{
    DueMail, Email, IssueReset, MailError, MailKind, Mailer, NewReset, OfferReset, OutgoingMail, RESET_LIFE, ResetCode,
};
use keepgate_kernel::{MailId, PrincipalId, RequestId, ResetId, TenantId, Timestamp};
use keepgate_policy::{ErrorKind, OpContext};
use keepgate_store::StoreError;
use tokio::sync::watch;

use crate::{Service, Tx, VaultError};

/// Commits of other processes are not heard: look at least this often.
const LOOK: Duration = Duration::from_secs(2);
/// How long a mail in hand is nobody else's.
const LEASE: TimeDelta = TimeDelta::minutes(3);
/// How many mails of a tenant are leased together. They are sent one after another: of two codes the newer one arrives last.
const AT_ONCE: u16 = 4;
/// How many tenants are looked at in a round.
const TENANTS: u16 = 16;
/// How many of them have a mail in hand at the same time.
const IN_HAND: usize = 4;
/// The longest a mail may take. All that are leased together take less than [`LEASE`], so that no other worker sends them too.
const LONGEST: Duration = Duration::from_secs(40);
/// The pause after the first failure; each further one is twice as long, up to an hour.
const PAUSE: Duration = Duration::from_secs(15);

/// What somebody typed who forgot a password, as sealed.
#[derive(Debug)]
pub struct Recovery {
    /// The address.
    pub email: Email,
    /// The tenant, if one was named.
    pub tenant: Option<TenantId>,
}

impl Recovery {
    /// Where the request `id` is kept.
    #[must_use]
    pub const fn place(platform: TenantId, id: MailId) -> Place {
        Place {
            tenant: platform,
            purpose: Purpose::Mail,
            table: "identity.mail",
            column: "sealed",
            row: id.uuid(),
        }
    }

    /// Its plain form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let tenant = self.tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
        format!("{}\n{tenant}", self.email.as_str())
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let (email, tenant) = std::str::from_utf8(text).ok()?.split_once('\n')?;
        let tenant = match tenant {
            "" => None,
            tenant => Some(tenant.parse().ok()?),
        };
        let email = email.parse().ok()?;
        Some(Self { email, tenant })
    }
}

/// The mail worker of one process, over the store of the log-ins.
#[derive(Clone)]
pub struct Post {
    gate: Service,
    platform: TenantId,
    mailer: Option<Arc<dyn Mailer>>,
}

impl Post {
    /// A worker that sends through `mailer`; without one it drops what it finds.
    #[must_use]
    pub fn new(gate: Service, platform: TenantId, mailer: Option<Arc<dyn Mailer>>) -> Self {
        Self { gate, platform, mailer }
    }

    /// Works until `stop` turns true. A database that is away is waited for.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let bell = self.gate.committed();
        while !*stop.borrow() {
            tokio::select! {
                // Dropping a mail in hand is safe: its lease runs out, and it is sent again.
                round = self.round() => match round {
                    Ok(true) => continue, // there may be more
                    Ok(false) => {}
                    Err(error) => tracing::warn!(error = %error, "mail can't be looked for"),
                },
                _ = stop.changed() => break,
            }
            tokio::select! {
                () = bell.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Whether there was anything to do.
    async fn round(&self) -> Result<bool, StoreError> {
        let mut tx = self.begin(self.platform).await?;
        let tenants = tx.tenants_with_mail(TENANTS).await?;
        drop(tx);
        let rounds = futures_util::stream::iter(tenants).map(|tenant| self.of_tenant(tenant));
        let seen_to = rounds.buffer_unordered(IN_HAND);
        Ok(seen_to.fold(false, async |any, one| any || one).await)
    }

    /// What ails one tenant does not delay the others.
    async fn of_tenant(&self, tenant: TenantId) -> bool {
        let leased = match self.lease(tenant).await {
            Ok(leased) => leased,
            Err(error) => {
                tracing::warn!(error = %error, %tenant, "mail of a tenant can't be leased");
                return false;
            }
        };
        let any = !leased.is_empty();
        for mail in leased {
            self.see_to(tenant, mail).await;
        }
        any
    }

    async fn see_to(&self, tenant: TenantId, mail: DueMail) {
        let (id, attempts) = (mail.id, mail.attempts);
        let handled = tokio::time::timeout(LONGEST, self.handle(tenant, mail)).await;
        let retry = match handled {
            Ok(Ok(()) | Err(MailError::Never)) => None,
            Ok(Err(MailError::Later)) | Err(_) => Some(attempts),
        };
        if let Err(error) = self.settle(tenant, id, retry).await {
            tracing::warn!(error = %error, %tenant, "what became of a mail can't be recorded: it may be sent again");
        }
    }

    fn now(&self) -> Timestamp {
        self.gate.clock().now()
    }

    fn worker(&self, tenant: TenantId) -> OpContext {
        let now = self.now();
        OpContext::system(tenant, RequestId::new(now), now)
    }

    async fn begin(&self, tenant: TenantId) -> Result<Box<dyn Tx>, StoreError> {
        self.gate.store().begin(&self.worker(tenant)).await
    }

    async fn lease(&self, tenant: TenantId) -> Result<Vec<DueMail>, StoreError> {
        let mut tx = match self.begin(tenant).await {
            Err(StoreError::Revoked) => return Ok(Vec::new()), // suspended meanwhile
            other => other?,
        };
        let leased = tx.lease_mail(AT_ONCE, self.now() + LEASE).await?;
        commit(tx).await?;
        Ok(leased)
    }

    /// `retry`: how often it was tried; `None`: nothing of it stays.
    async fn settle(&self, tenant: TenantId, id: MailId, retry: Option<u32>) -> Result<(), StoreError> {
        let mut tx = self.begin(tenant).await?;
        match retry {
            None => tx.drop_mail(id).await?,
            Some(tried) => {
                let pause = PAUSE.saturating_mul(1 << tried.min(8)).min(Duration::from_hours(1));
                let at = self.now() + TimeDelta::from_std(pause).unwrap_or_default();
                tx.postpone_mail(id, at).await?;
            }
        }
        commit(tx).await
    }

    async fn handle(&self, tenant: TenantId, mail: DueMail) -> Result<(), MailError> {
        let Some(mailer) = &self.mailer else {
            return Err(MailError::Never);
        };
        let outgoing = match (mail.kind, mail.to) {
            (MailKind::Recovery(sealed), _) => return self.offer(mail.id, &sealed).await,
            (_, None) => return Err(MailError::Never),
            (MailKind::Notice(_, notice), Some(to)) => OutgoingMail::notice(mail.id, to, notice, mail.created_at),
            (MailKind::Reset(principal), Some(to)) => {
                let code = self.issue(tenant, principal).await?;
                OutgoingMail::reset(mail.id, to, tenant, &code, RESET_LIFE)
            }
        };
        let sent = mailer.send(&outgoing).await;
        let outcome = match sent {
            Ok(()) => "sent",
            Err(MailError::Later) => "postponed",
            Err(MailError::Never) => "refused",
        };
        metrics::counter!("keepgate_mails", "outcome" => outcome).increment(1);
        sent
    }

    /// Makes a code and puts its hash on record.
    async fn issue(&self, tenant: TenantId, principal: PrincipalId) -> Result<ResetCode, MailError> {
        let (now, code) = (self.now(), ResetCode::random().map_err(|_| MailError::Later)?);
        let reset = NewReset {
            id: ResetId::new(now),
            principal,
            hash: code.hash(),
            expires_at: now + TimeDelta::from_std(RESET_LIFE).unwrap_or_default(),
        };
        match self.gate.perform(&self.worker(tenant), &IssueReset { reset }).await {
            Ok(_) => Ok(code),
            Err(failure) => match failure.kind() {
                ErrorKind::Refused(_) | ErrorKind::Revoked => Err(MailError::Never),
                ErrorKind::Conflict | ErrorKind::Failed(_) => Err(MailError::Later),
            },
        }
    }

    /// Has codes sent to the accounts that what somebody typed is about, if any.
    async fn offer(&self, id: MailId, sealed: &[u8]) -> Result<(), MailError> {
        let place = Recovery::place(self.platform, id);
        let text = self.gate.open(&place, sealed).await.map_err(|error| {
            tracing::warn!(error = %error, "a request for a code can't be opened");
            match error {
                VaultError::Gone => MailError::Never,
                _ => MailError::Later,
            }
        })?;
        let recovery = Recovery::parse(&text).ok_or(MailError::Never)?;
        let later = |error: StoreError| {
            tracing::warn!(error = %error, "a request for a code can't be followed up");
            MailError::Later
        };
        let mut tx = self.begin(self.platform).await.map_err(later)?;
        let homes = tx.homes_of_email(&recovery.email).await.map_err(later)?;
        drop(tx);
        for home in homes
            .into_iter()
            .filter(|home| recovery.tenant.is_none_or(|tenant| tenant == *home))
        {
            let mut tx = match self.begin(home).await {
                Err(StoreError::Revoked) => continue,
                other => other.map_err(later)?,
            };
            let account = tx.password_of_email(&recovery.email).await.map_err(later)?;
            drop(tx);
            if let Some((principal, _)) = account {
                let offered = self.gate.perform(&self.worker(home), &OfferReset { principal }).await;
                offered.map_err(|_| MailError::Later)?;
            }
        }
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "bookkeeping: the operation that caused the mail has its entry"
)]
async fn commit(tx: Box<dyn Tx>) -> Result<(), StoreError> {
    tx.commit().await
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post")
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_outlasts_everything_that_is_leased_with_it() {
        assert!(LONGEST * u32::from(AT_ONCE) < LEASE.to_std().unwrap());
    }

    #[test]
    fn what_was_typed_reads_back() {
        let at = "2026-03-01T12:00:00Z".parse().unwrap();
        for tenant in [None, Some(TenantId::new(at))] {
            let email: Email = "ann@example.org".parse().unwrap();
            let recovery = Recovery { email, tenant };
            let read = Recovery::parse(recovery.to_text().as_bytes()).unwrap();
            assert_eq!((read.email, read.tenant), (recovery.email, tenant));
        }
        assert!(Recovery::parse(b"nonsense").is_none());
    }
}
