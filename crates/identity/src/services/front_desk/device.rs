//! Devices at the door: a code with a key, a challenge, a signature.
use std::net::IpAddr;

use keepgate_kernel::{PrincipalId, RequestId, SessionId, TenantId, Timestamp};
use keepgate_store::{StoreError, Transaction};

use super::{FrontDesk, FrontDeskError, Prepared, Visit};
use crate::{
    Answered, AskChallenge, Challenge, DEVICE_CHALLENGE_LIFE, DeviceKey, DeviceKeys, DeviceLogin, EnrolmentCode,
    Enrolments, Homes, JoinDevice, Miss, Passwords, Places, Throttle, join_message, login_message,
};

/// What a device sends to log in.
#[derive(Debug, Clone, Copy)]
pub struct DeviceForm<'a> {
    /// Who it says it is.
    pub device: PrincipalId,
    /// The challenge, as sent.
    pub challenge: &'a str,
    /// Over [`login_message`].
    pub signature: &'a [u8],
}

/// Why a device's key was not even tried.
#[derive(Debug, thiserror::Error)]
pub enum JoinRefused {
    /// The signature is not by the key that came with it; the code is still good.
    #[error("the signature is not by that key")]
    Signature,
    /// As for log-in.
    #[error(transparent)]
    Desk(#[from] FrontDeskError),
}

impl<Tx: Transaction + DeviceKeys + Enrolments + Homes + Passwords + Throttle + ?Sized + 'static> FrontDesk<Tx> {
    /// Prepares a challenge for `device`, whether or not there is one.
    ///
    /// # Errors
    /// [`FrontDeskError`].
    pub async fn device_challenge(
        &self,
        device: PrincipalId,
        request: RequestId,
        source: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<Prepared<AskChallenge>, FrontDeskError> {
        let visit = Visit { request, source, at };
        let home = self.homes(device, visit).await?.into_iter().next();
        let challenge = Challenge::new(&self.buckets, device, SessionId::new(at), at + DEVICE_CHALLENGE_LIFE);
        Ok(Prepared {
            context: self.worker(home.unwrap_or(self.platform), visit),
            actor: None,
            command: AskChallenge::new(home.map(|_| device), challenge),
        })
    }

    /// Prepares a device's log-in: asks whether its address is blocked, verifies challenge and signature, and returns the command that
    /// opens the session or tells the audit log why not. A signature can't be guessed, so nothing is counted on the device.
    ///
    /// # Errors
    /// [`FrontDeskError`]; a wrong signature is no error here, but of the command.
    pub async fn device_login(
        &self,
        form: &DeviceForm<'_>,
        request: RequestId,
        source: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<Prepared<DeviceLogin>, FrontDeskError> {
        let visit = Visit { request, source, at };
        let places = source.map(|source| self.buckets.device_places(form.device, source));
        if let Some(places) = &places
            && let Some(locked) = self.barred(places, visit).await?
        {
            return Ok(self.of_device(self.platform, visit, locked));
        }
        let homes = self.homes(form.device, visit).await?;
        let answered = Challenge::read(&self.buckets, form.device, form.challenge, at);
        if let Answered::Opens(session) = answered {
            for home in &homes {
                if let Some(key) = self.signed_by(form, *home, visit).await? {
                    return Ok(self.of_device(*home, visit, DeviceLogin::proven(session, form.device, key)));
                }
            }
        }
        // A slow device is no guesser.
        if let (Some(places), true) = (places, answered != Answered::Late) {
            let account = self.buckets.device_account(form.device);
            self.miss(&Miss { account, places }, visit).await?;
        }
        let home = homes.first().copied();
        let wrong = DeviceLogin::wrong(home.map(|_| form.device));
        Ok(self.of_device(home.unwrap_or(self.platform), visit, wrong))
    }

    /// Prepares a device's enrolment. With a `signature` over [`join_message`] the key shows that it has a holder before the code is
    /// used up; without one, the first log-in does.
    ///
    /// # Errors
    /// [`JoinRefused::Signature`] whether or not the code is good; a bad code is an error of the command.
    pub async fn join_device(
        &self,
        code: &str,
        key: DeviceKey,
        signature: Option<&[u8]>,
        request: RequestId,
        source: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<Prepared<JoinDevice>, JoinRefused> {
        let visit = Visit { request, source, at };
        let unknown = Prepared {
            context: self.worker(self.platform, visit),
            actor: None,
            command: JoinDevice::unknown(),
        };
        let Ok(code) = EnrolmentCode::parse(code.trim()) else {
            return Ok(unknown);
        };
        if signature.is_some_and(|signature| !key.has_signed(&join_message(&code, &key), signature)) {
            return Err(JoinRefused::Signature);
        }
        let hash = code.hash();
        let home = self.begin(self.platform, visit).await?.home_of_device_code(&hash).await;
        let Some(home) = home.map_err(FrontDeskError::from)? else {
            return Ok(unknown);
        };
        let Some(mut tx) = self.open(home, visit).await? else {
            return Ok(unknown);
        };
        let holder = tx.device_code_holder(&hash).await.map_err(FrontDeskError::from)?;
        Ok(holder.map_or(unknown, |device| Prepared {
            context: self.worker(home, visit),
            actor: Some(device),
            command: JoinDevice::new(device, hash, key),
        }))
    }

    fn of_device(&self, home: TenantId, visit: Visit, command: DeviceLogin) -> Prepared<DeviceLogin> {
        Prepared {
            context: self.worker(home, visit),
            actor: command.actor(),
            command,
        }
    }

    /// The refusal of a blocked place: what this process remembers counts as well as the table.
    async fn barred(&self, places: &Places, visit: Visit) -> Result<Option<DeviceLogin>, FrontDeskError> {
        let known = self.watch.blocked(places, visit.at);
        let block = match known {
            Some(block) => Some(block),
            None => self.begin(self.platform, visit).await?.blocked(places).await?,
        };
        Ok(block.map(|(wait, guard)| {
            metrics::counter!("keepgate_login_refusals", "guard" => guard.as_str()).increment(1);
            DeviceLogin::locked(wait)
        }))
    }

    /// The active tenants with a device of that number. Looking one up that does not exist costs as much.
    async fn homes(&self, device: PrincipalId, visit: Visit) -> Result<Vec<TenantId>, FrontDeskError> {
        let homes = self.begin(self.platform, visit).await?.homes_of_device(device).await?;
        let mut active = Vec::with_capacity(homes.len());
        for home in &homes {
            if self.open(*home, visit).await?.is_some() {
                active.push(*home);
            }
        }
        if homes.is_empty() {
            self.open(self.platform, visit).await?;
        }
        Ok(active)
    }

    /// The key in `home` that has signed.
    async fn signed_by(
        &self,
        form: &DeviceForm<'_>,
        home: TenantId,
        visit: Visit,
    ) -> Result<Option<DeviceKey>, FrontDeskError> {
        let Some(mut tx) = self.open(home, visit).await? else {
            return Ok(None);
        };
        let key = tx.device_key(form.device).await?;
        let message = login_message(form.device, form.challenge);
        Ok(key.filter(|key| key.has_signed(&message, form.signature)))
    }

    /// A transaction there, unless the tenant is suspended.
    async fn open(&self, home: TenantId, visit: Visit) -> Result<Option<Box<Tx>>, FrontDeskError> {
        match self.store.begin(&self.worker(home, visit)).await {
            Ok(tx) => Ok(Some(tx)),
            Err(StoreError::Revoked) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
