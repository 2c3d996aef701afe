//! What is counted, without saying of whom.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_lc_rs::hmac;
use keepgate_kernel::{PrincipalId, SessionId};

use super::{Places, device::Device};

/// The HMAC of what is counted, so that the table holds no names and no addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket([u8; 32]);

impl Bucket {
    /// The bytes, as stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A bucket read back.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// The key that turns identifiers into buckets; the same on every instance, or each counts for itself.
pub struct BucketKey(hmac::Key);

impl BucketKey {
    /// A key from 32 secret bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The bucket of a log-in identifier, in any case. Unknown identifiers have buckets like known ones.
    #[must_use]
    pub fn login(&self, identifier: &str) -> Bucket {
        self.bucket("login", &[identifier.trim().to_lowercase().as_bytes()])
    }

    /// The bucket of requests for a reset code.
    #[must_use]
    pub fn recovery(&self, identifier: &str) -> Bucket {
        self.bucket("recovery", &[identifier.trim().to_lowercase().as_bytes()])
    }

    /// The bucket of one browser that has logged in to one account.
    #[must_use]
    pub fn device(&self, device: &Device) -> Bucket {
        self.bucket(
            "device",
            &[
                device.tenant().uuid().as_bytes(),
                device.principal().uuid().as_bytes(),
                device.id(),
            ],
        )
    }

    /// The bucket of one session that proves its password again.
    #[must_use]
    pub fn session(&self, principal: PrincipalId, session: SessionId) -> Bucket {
        self.bucket("session", &[principal.uuid().as_bytes(), session.uuid().as_bytes()])
    }

    /// The bucket of a principal's second factor at a step-up, whatever the session: the right password forgives no wrong code.
    #[must_use]
    pub fn step_up(&self, principal: PrincipalId) -> Bucket {
        self.bucket("step-up", &[principal.uuid().as_bytes()])
    }

    /// The buckets of where a request comes from.
    #[must_use]
    pub fn places(&self, source: IpAddr) -> Places {
        let (address, network) = prefixes(source);
        let of = |label, part: &[u8]| self.bucket(label, &[part]);
        Places {
            address: of("address", &address),
            network: of("network", &network),
            spray_address: of("spray-address", &address),
            spray_network: of("spray-network", &network),
        }
    }

    /// The buckets of where a device's log-in comes from. A place that fails on one device is kept from that one; only failing on
    /// many keeps it from all, so that a removed device does not shut out its neighbours, nor people.
    #[must_use]
    pub fn device_places(&self, device: PrincipalId, source: IpAddr) -> Places {
        let (address, network) = prefixes(source);
        let id = device.uuid();
        let alone = |label, part: &[u8]| self.bucket(label, &[id.as_bytes(), part]);
        let all = |label, part: &[u8]| self.bucket(label, &[part]);
        Places {
            address: alone("device-address", &address),
            network: alone("device-network", &network),
            spray_address: all("device-spray-address", &address),
            spray_network: all("device-spray-network", &network),
        }
    }

    /// The bucket of a device that was tried.
    #[must_use]
    pub fn device_account(&self, device: PrincipalId) -> Bucket {
        self.bucket("device-account", &[device.uuid().as_bytes()])
    }

    /// The mark of a challenge: what makes it ours, and this device's.
    pub(crate) fn challenge(&self, device: PrincipalId, session: SessionId, end: &[u8; 8]) -> Bucket {
        self.bucket(
            "device-challenge",
            &[device.uuid().as_bytes(), session.uuid().as_bytes(), end],
        )
    }

    pub(super) const fn key(&self) -> &hmac::Key {
        &self.0
    }

    /// Parts have fixed lengths, except a single last one.
    fn bucket(&self, label: &str, parts: &[&[u8]]) -> Bucket {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(label.as_bytes());
        context.update(b"\0");
        for part in parts {
            context.update(part);
        }
        let mut bucket = [0; 32];
        bucket.copy_from_slice(context.sign().as_ref());
        Bucket(bucket)
    }
}

/// What counts as one address and as one network: /32 and /24 of IPv4, /64 and /48 of IPv6.
fn prefixes(source: IpAddr) -> (Vec<u8>, Vec<u8>) {
    match source.to_canonical() {
        IpAddr::V4(ip) => {
            let net = Ipv4Addr::from_bits(ip.to_bits() & 0xffff_ff00);
            (ip.octets().to_vec(), net.octets().to_vec())
        }
        IpAddr::V6(ip) => {
            let cut = |bits: u32| {
                Ipv6Addr::from_bits(ip.to_bits() >> (128 - bits) << (128 - bits))
                    .octets()
                    .to_vec()
            };
            (cut(64), cut(48))
        }
    }
}

impl std::fmt::Debug for BucketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BucketKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ignores_case_and_depends_on_the_key_and_the_kind() {
        let key = BucketKey::new(&[1; 32]);
        assert_eq!(key.login("Ann@Example.org "), key.login("ann@example.org"));
        assert_ne!(key.login("ann@example.org"), key.login("bob@example.org"));
        assert_ne!(key.login("ann@example.org"), key.recovery("ann@example.org"));
        assert_ne!(
            key.login("ann@example.org"),
            BucketKey::new(&[2; 32]).login("ann@example.org")
        );
    }

    #[test]
    fn addresses_and_networks_are_cut_where_the_document_says() {
        let key = BucketKey::new(&[1; 32]);
        let at = |text: &str| key.places(text.parse().unwrap());
        // same address, same network; one, other
        for (one, other, address, network) in [
            ("192.0.2.1", "192.0.2.1", true, true),
            ("192.0.2.1", "192.0.2.2", false, true),
            ("192.0.2.1", "192.0.3.1", false, false),
            ("192.0.2.1", "::ffff:192.0.2.1", true, true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true, true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false, true),
            ("2001:db8:1:2::1", "2001:db8:2:2::1", false, false),
        ] {
            let (one_at, other_at) = (at(one), at(other));
            assert_eq!(one_at.address == other_at.address, address, "{one} {other}");
            assert_eq!(one_at.network == other_at.network, network, "{one} {other}");
            assert_eq!(one_at.spray_address == other_at.spray_address, address, "{one} {other}");
        }
        assert_ne!(at("192.0.2.0").address, at("192.0.2.0").network);
    }
}
