//! Browsers that have logged in before (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use keepgate_kernel::{PrincipalId, PrincipalKind, TenantId, Timestamp, Uuid};
use secrecy::SecretString;

use super::{Bucket, BucketKey, numbers::DEVICE_LIFE};
use crate::{NoRandomness, random};

const VERSION: u8 = 1;
const BODY: usize = 1 + 16 + 16 + 16 + 8;
const MAC: usize = 32;

/// A browser that has logged in to one account. It gives no access: only a counter of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    tenant: TenantId,
    principal: PrincipalId,
    id: [u8; 16],
}

/// The value of the cookie, to be set after a log-in.
#[derive(Debug, Clone)]
pub struct DeviceCookie(pub SecretString);

impl Device {
    /// A browser that has just logged in.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(tenant: TenantId, principal: PrincipalId) -> Result<Self, NoRandomness> {
        let id = random::bytes()?;
        Ok(Self { tenant, principal, id })
    }

    /// Where the account lives.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Whose it is.
    #[must_use]
    pub const fn principal(&self) -> PrincipalId {
        self.principal
    }

    pub(super) const fn id(&self) -> &[u8; 16] {
        &self.id
    }
}

impl BucketKey {
    /// The cookie of `device`, good for `identifier` alone, from `at` on.
    #[must_use]
    pub fn cookie(&self, device: &Device, identifier: &str, at: Timestamp) -> DeviceCookie {
        let mut bytes = Vec::with_capacity(BODY + MAC);
        bytes.push(VERSION);
        bytes.extend_from_slice(device.tenant.uuid().as_bytes());
        bytes.extend_from_slice(device.principal.uuid().as_bytes());
        bytes.extend_from_slice(&device.id);
        bytes.extend_from_slice(&at.timestamp().to_be_bytes());
        let mac = hmac::sign(self.key(), &signed(&bytes, &self.login(identifier)));
        bytes.extend_from_slice(mac.as_ref());
        DeviceCookie(BASE64URL_NOPAD.encode(&bytes).into())
    }

    /// The browser that `cookie` speaks for; `None` for any cookie but one of ours, for this identifier, made within
    /// [`DEVICE_LIFE`].
    #[must_use]
    pub fn known_device(&self, cookie: &str, identifier: &str, at: Timestamp) -> Option<Device> {
        let bytes = BASE64URL_NOPAD.decode(cookie.as_bytes()).ok()?;
        let (body, mac) = bytes.split_at_checked(BODY).filter(|(_, mac)| mac.len() == MAC)?;
        hmac::verify(self.key(), &signed(body, &self.login(identifier)), mac).ok()?;
        let (version, rest) = body.split_first()?;
        let id = |part: &[u8]| Uuid::from_slice(part).ok();
        let (tenant, rest) = rest.split_at_checked(16)?;
        let (principal, rest) = rest.split_at_checked(16)?;
        let (device, made) = rest.split_at_checked(16)?;
        let made = i64::from_be_bytes(made.try_into().ok()?);
        let age = at
            .timestamp()
            .checked_sub(made)
            .and_then(|age| u64::try_from(age).ok())?;
        (*version == VERSION && age <= DEVICE_LIFE.as_secs()).then_some(())?;
        Some(Device {
            tenant: TenantId::from_uuid(id(tenant)?),
            principal: PrincipalId::from_parts(PrincipalKind::User, id(principal)?),
            id: device.try_into().ok()?,
        })
    }
}

fn signed(body: &[u8], identifier: &Bucket) -> Vec<u8> {
    [b"device-cookie\0", body, identifier.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use secrecy::ExposeSecret;

    use super::*;

    fn start() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn device() -> Device {
        let at = start();
        Device::new(TenantId::new(at), PrincipalId::new(PrincipalKind::User, at)).unwrap()
    }

    #[test]
    fn a_cookie_speaks_for_its_account_its_identifier_and_its_time_alone() {
        let (key, device) = (BucketKey::new(&[1; 32]), device());
        let cookie = key.cookie(&device, "ann@example.org", start());
        let text = cookie.0.expose_secret();
        let day = TimeDelta::days(1);
        assert_eq!(key.known_device(text, "Ann@example.org", start() + day), Some(device));
        assert_eq!(key.known_device(text, "bob@example.org", start()), None);
        assert_eq!(key.known_device(text, "ann@example.org", start() + day * 91), None);
        assert_eq!(key.known_device(text, "ann@example.org", start() - day), None);
        assert_eq!(
            BucketKey::new(&[2; 32]).known_device(text, "ann@example.org", start()),
            None
        );
        assert!(!format!("{cookie:?}").contains(text));
    }

    #[test]
    fn no_changed_byte_is_believed() {
        let (key, device) = (BucketKey::new(&[1; 32]), device());
        let cookie = key.cookie(&device, "ann@example.org", start());
        let bytes = BASE64URL_NOPAD.decode(cookie.0.expose_secret().as_bytes()).unwrap();
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            let text = BASE64URL_NOPAD.encode(&forged);
            assert_eq!(key.known_device(&text, "ann@example.org", start()), None, "byte {at}");
        }
        for bad in ["", "x", "====", &"A".repeat(200)] {
            assert_eq!(key.known_device(bad, "ann@example.org", start()), None, "{bad}");
        }
    }
}
