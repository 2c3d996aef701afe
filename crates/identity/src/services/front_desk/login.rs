//! Logging in: who may try, and whose password it is.
use std::{net::IpAddr, time::Duration};

use keepgate_kernel::{PrincipalId, RequestId, SessionId, TenantId, Timestamp};
use keepgate_store::{StoreError, Transaction};
use secrecy::SecretString;

use super::{FrontDesk, FrontDeskError, Prepared, Visit};
use crate::{
    Admission, Attempt, Bucket, Device, DeviceCookie, Email, Enrolments, Guard, Homes, LoggedIn, Login, Miss,
    NoRandomness, Passwords, Phc, Throttle,
    password::{Seat, typed},
    throttle::numbers,
};

/// How many accounts of one address are tried when no tenant is named.
const ACCOUNTS: usize = 4;

/// What somebody typed, and the cookie that came with it.
#[derive(Debug, Clone, Copy)]
pub struct LoginForm<'a> {
    /// The address, as typed.
    pub email: &'a str,
    /// The password, as typed.
    pub password: &'a SecretString,
    /// For an address that has accounts in several tenants.
    pub tenant: Option<TenantId>,
    /// The value of the cookie that an earlier log-in has set.
    pub device: Option<&'a str>,
}

/// One account with a password: where, whose, the verifier.
type Account = (TenantId, PrincipalId, Phc);

/// One log-in under way.
struct Knock<'a> {
    form: LoginForm<'a>,
    /// The password as it is compared.
    password: SecretString,
    session: SessionId,
    seat: Seat,
    visit: Visit,
}

impl<Tx: Transaction + Enrolments + Homes + Passwords + Throttle + ?Sized + 'static> FrontDesk<Tx> {
    /// Prepares a log-in: counts the attempt, compares the password (with nobody's, if the address is unknown), and returns the
    /// command that opens the session or tells the audit log why not.
    ///
    /// An address may have accounts in several tenants. Without a tenant the password decides, the oldest account first.
    ///
    /// # Errors
    /// [`FrontDeskError`]; a wrong password is no error here, but of the command.
    pub async fn login(
        &self,
        form: &LoginForm<'_>,
        request: RequestId,
        source: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<Prepared<Login>, FrontDeskError> {
        let knock = Knock {
            form: *form,
            password: typed(form.password),
            session: SessionId::new(at),
            seat: self.hasher.seat()?,
            visit: Visit { request, source, at },
        };
        let device = form
            .device
            .and_then(|cookie| self.buckets.known_device(cookie, form.email, at))
            .filter(|device| form.tenant.is_none_or(|tenant| tenant == device.tenant()));
        if let Some(device) = device
            && let Some(prepared) = self.known_browser(&knock, &device).await?
        {
            return Ok(prepared);
        }
        self.stranger(&knock).await
    }

    /// The cookie for a browser that has just logged in as `email`.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn device_cookie(&self, session: &LoggedIn, email: &str, at: Timestamp) -> Result<DeviceCookie, NoRandomness> {
        let device = Device::new(session.tenant, session.principal)?;
        Ok(self.buckets.cookie(&device, email, at))
    }

    /// With a counter of its own. `None`: the cookie is worth nothing here, or the password may be that of another account.
    async fn known_browser(
        &self,
        knock: &Knock<'_>,
        device: &Device,
    ) -> Result<Option<Prepared<Login>>, FrontDeskError> {
        let accounts = self.accounts(knock).await?;
        let (mine, others): (Vec<Account>, Vec<Account>) = accounts
            .into_iter()
            .partition(|(home, principal, _)| (*home, *principal) == (device.tenant(), device.principal()));
        let Some((home, principal, verifier)) = mine.into_iter().next() else {
            return Ok(None);
        };
        let (visit, bucket) = (knock.visit, self.buckets.device(device));
        let attempt = Attempt {
            account: bucket,
            trusted: true,
            places: None,
            repeated: self.watch.repeats(bucket, &knock.password, visit.at),
            strict: false,
        };
        match self.admit(&attempt, visit).await? {
            Admission::Closed(_) => return Ok(None),
            Admission::Locked(wait, guard) => return Ok(Some(self.refused(knock, wait, guard))),
            Admission::Admitted => {}
        }
        if let Some(proof) = knock.seat.check(principal, &verifier, &knock.password).await? {
            return Ok(Some(self.prepared(
                home,
                visit,
                Login::proven(knock.session, proof, bucket),
            )));
        }
        self.watch.wrong(bucket, &knock.password, Some(home), visit.at);
        if !others.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.prepared(
            home,
            visit,
            Login::wrong(knock.session, Some(principal)),
        )))
    }

    /// With the counter that all strangers share. Known and unknown addresses take the same steps.
    async fn stranger(&self, knock: &Knock<'_>) -> Result<Prepared<Login>, FrontDeskError> {
        let (visit, bucket) = (knock.visit, self.buckets.login(knock.form.email));
        let places = visit.source.map(|source| self.buckets.places(source));
        if let Some((wait, guard)) = places.and_then(|places| self.watch.blocked(&places, visit.at)) {
            return Ok(self.refused(knock, wait, guard));
        }
        let attempt = Attempt {
            account: bucket,
            trusted: false,
            places,
            repeated: self.watch.repeats(bucket, &knock.password, visit.at),
            strict: self.watch.is_alarmed(knock.form.tenant, visit.at),
        };
        match self.admit(&attempt, visit).await? {
            Admission::Admitted => {}
            Admission::Locked(wait, guard) => return Ok(self.refused(knock, wait, guard)),
            Admission::Closed(guard) => return Ok(self.refused(knock, numbers::UNTRUSTED.longest, guard)),
        }
        let accounts = self.accounts(knock).await?;
        let first = accounts.first().map(|(home, principal, _)| (*home, *principal));
        if first.is_none() {
            knock.seat.verify(&knock.password, None).await?;
        }
        for (home, principal, verifier) in accounts {
            if let Some(proof) = knock.seat.check(principal, &verifier, &knock.password).await? {
                return Ok(self.prepared(home, visit, Login::proven(knock.session, proof, bucket)));
            }
        }
        self.was_wrong(knock, bucket, first.map(|(home, _)| home)).await?;
        let home = first.map_or(self.platform, |(home, _)| home);
        let principal = first.map(|(_, principal)| principal);
        Ok(self.prepared(home, visit, Login::wrong(knock.session, principal)))
    }

    /// Remembers a wrong password where it came from.
    async fn was_wrong(
        &self,
        knock: &Knock<'_>,
        account: Bucket,
        home: Option<TenantId>,
    ) -> Result<(), FrontDeskError> {
        let visit = knock.visit;
        if self.watch.wrong(account, &knock.password, home, visit.at) {
            metrics::counter!("keepgate_login_alarms").increment(1);
            tracing::warn!("failed log-ins are far above what is usual: nothing is free for strangers for an hour");
        }
        let Some(source) = visit.source else { return Ok(()) };
        let places = self.buckets.places(source);
        self.miss(&Miss { account, places }, visit).await
    }

    fn refused(&self, knock: &Knock<'_>, wait: Duration, guard: Guard) -> Prepared<Login> {
        metrics::counter!("keepgate_login_refusals", "guard" => guard.as_str()).increment(1);
        self.prepared(self.platform, knock.visit, Login::locked(knock.session, wait))
    }

    fn prepared(&self, tenant: TenantId, visit: Visit, command: Login) -> Prepared<Login> {
        Prepared {
            context: self.worker(tenant, visit),
            actor: command.actor(),
            command,
        }
    }

    /// Accounts with a password, in active tenants. An address without any costs the look into one tenant, as most others do.
    async fn accounts(&self, knock: &Knock<'_>) -> Result<Vec<Account>, FrontDeskError> {
        let parsed = knock.form.email.trim().parse::<Email>().ok();
        let known = parsed.is_some();
        let email = parsed.unwrap_or_else(Email::nobody);
        let homes = self
            .begin(self.platform, knock.visit)
            .await?
            .homes_of_email(&email)
            .await?;
        let mut homes: Vec<TenantId> = homes
            .into_iter()
            .filter(|home| known && knock.form.tenant.is_none_or(|tenant| tenant == *home))
            .collect();
        let counts = !homes.is_empty();
        if !counts {
            homes.push(self.platform);
        }
        let mut accounts = Vec::new();
        for home in homes {
            let mut tx = match self.store.begin(&self.worker(home, knock.visit)).await {
                Err(StoreError::Revoked) => continue,
                other => other?,
            };
            if let Some((principal, phc)) = tx.password_of_email(&email).await?.filter(|_| counts) {
                accounts.push((home, principal, phc));
            }
            if accounts.len() == ACCOUNTS {
                break;
            }
        }
        Ok(accounts)
    }
}
