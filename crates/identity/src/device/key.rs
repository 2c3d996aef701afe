//! A device's public key, and what its holder signs.
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::BASE64;
use keepgate_kernel::PrincipalId;

use crate::EnrolmentCode;

/// An Ed25519 public key (RFC 8032 section 5.1.5): 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceKey([u8; 32]);

/// A text that is not 32 bytes in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an Ed25519 public key is 32 bytes in base64")]
pub struct InvalidKey;

impl DeviceKey {
    /// A key from its bytes. Whether they are a point of the curve shows at the first signature.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a key: base64 with padding (RFC 4648 section 4).
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| InvalidKey)?;
        bytes.try_into().map(Self).map_err(|_| InvalidKey)
    }

    /// The bytes, as stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` (RFC 8032 section 5.1.6, 64 bytes) is the holder's over `message`.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0)
            .verify(message, signature)
            .is_ok()
    }
}

/// What a device signs to log in: `keepgate-device-login-v1`, its id and the challenge, each on a line of its own, without a last
/// line feed.
#[must_use]
pub fn login_message(device: PrincipalId, challenge: &str) -> Vec<u8> {
    format!("keepgate-device-login-v1\n{device}\n{challenge}").into_bytes()
}

/// What a device signs to show that the key it brings is its own: `keepgate-device-join-v1`, the code and the key in base64, in the
/// same form. No signature is good for both.
#[must_use]
pub fn join_message(code: &EnrolmentCode, key: &DeviceKey) -> Vec<u8> {
    let key = BASE64.encode(key.as_bytes());
    format!("keepgate-device-join-v1\n{}\n{key}", code.expose()).into_bytes()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use keepgate_kernel::{PrincipalKind, Uuid};

    use super::*;

    fn pair() -> (Ed25519KeyPair, DeviceKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = DeviceKey::new(pair.public_key().as_ref().try_into().unwrap());
        (pair, key)
    }

    #[test]
    fn only_the_holder_s_signature_over_the_very_message_counts() {
        let (pair, key) = pair();
        let device = PrincipalId::from_parts(PrincipalKind::Device, Uuid::from_u128(1));
        let twin = PrincipalId::from_parts(PrincipalKind::Device, Uuid::from_u128(2));
        let signed = pair.sign(&login_message(device, "c"));
        assert!(key.has_signed(&login_message(device, "c"), signed.as_ref()));
        for message in [
            login_message(twin, "c"),
            login_message(device, "d"),
            format!("keepgate-device-join-v1\n{device}\nc").into_bytes(),
            b"c".to_vec(),
        ] {
            assert!(!key.has_signed(&message, signed.as_ref()));
        }
        assert!(!key.has_signed(&login_message(device, "c"), &signed.as_ref()[..63]));
        assert!(!DeviceKey::new([0; 32]).has_signed(&login_message(device, "c"), signed.as_ref()));
    }

    #[test]
    fn a_key_is_thirty_two_bytes_in_base64() {
        let (_, key) = pair();
        assert_eq!(DeviceKey::parse(&BASE64.encode(key.as_bytes())), Ok(key));
        for bad in ["", "AAAA", "not base64", &BASE64.encode(&[0; 33]), &"A".repeat(43)] {
            assert_eq!(DeviceKey::parse(bad), Err(InvalidKey), "{bad}");
        }
    }
}
