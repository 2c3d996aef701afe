//! The second way into a tenant's key: a public key whose private half lies in a safe.
//!
//! HPKE (RFC 9180) in base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; `info` is `keepgate recovery/v1`, the
//! associated data is the context's text. What is stored is `enc (32) || ciphertext (32) || tag (16)`.
use std::str::FromStr;

use aws_lc_rs::agreement;
use data_encoding::BASE64URL_NOPAD;
use rustls::crypto::{
    aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_256 as SUITE,
    hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey, HpkePublicKey},
};
use zeroize::Zeroizing;

use crate::{CryptoError, DataKey, KeyContext, Unopenable, Wrapped};

const INFO: &[u8] = b"keepgate recovery/v1";
const PUBLIC: &str = "keepgate-recovery-public-v1:";
const PRIVATE: &str = "keepgate-recovery-private-v1:";
const ENC: usize = 32;

/// Why a text is no recovery key. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no recovery key: expected {0} and 43 characters")]
pub struct BadRecoveryKey(&'static str);

/// The public half. Its text is `keepgate-recovery-public-v1:` and 43 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryKey([u8; 32]);

/// The private half, offline but for the day it is needed. Its text is `keepgate-recovery-private-v1:` and 43 characters.
pub struct RecoverySecret(Zeroizing<[u8; 32]>);

/// Makes a pair.
///
/// # Errors
/// [`CryptoError::Library`] without randomness.
pub fn generate_recovery_key() -> Result<(RecoveryKey, RecoverySecret), CryptoError> {
    let (public, secret) = SUITE.generate_key_pair().map_err(|_| CryptoError::Library)?;
    let public = public.0.try_into().map_err(|_| CryptoError::Library)?;
    let secret = secret.secret_bytes().try_into().map_err(|_| CryptoError::Library)?;
    Ok((RecoveryKey(public), RecoverySecret(Zeroizing::new(secret))))
}

fn parse(text: &str, prefix: &'static str) -> Result<Zeroizing<[u8; 32]>, BadRecoveryKey> {
    let bad = BadRecoveryKey(prefix);
    let body = text.trim_end_matches(['\r', '\n']).strip_prefix(prefix).ok_or(bad)?;
    let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| bad)?);
    Ok(Zeroizing::new(bytes.as_slice().try_into().map_err(|_| bad)?))
}

impl FromStr for RecoveryKey {
    type Err = BadRecoveryKey;

    fn from_str(text: &str) -> Result<Self, BadRecoveryKey> {
        Ok(Self(*parse(text, PUBLIC)?))
    }
}

impl FromStr for RecoverySecret {
    type Err = BadRecoveryKey;

    fn from_str(text: &str) -> Result<Self, BadRecoveryKey> {
        Ok(Self(parse(text, PRIVATE)?))
    }
}

impl std::fmt::Display for RecoveryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PUBLIC}{}", BASE64URL_NOPAD.encode(&self.0))
    }
}

impl std::fmt::Debug for RecoverySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoverySecret")
    }
}

impl RecoveryKey {
    /// The name by which a wrapped copy says who opens it: the public half's text.
    #[must_use]
    pub fn id(&self) -> String {
        self.to_string()
    }

    /// A copy of `key` that only the private half opens.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn wrap(&self, context: &KeyContext, key: &DataKey) -> Result<Wrapped, CryptoError> {
        self.wrap_bytes(context, key.bytes())
    }

    /// The same of anything that the root key wraps.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn wrap_bytes(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, CryptoError> {
        let public = HpkePublicKey(self.0.to_vec());
        let (enc, sealed) = SUITE
            .seal(INFO, context.as_str().as_bytes(), key, &public)
            .map_err(|_| CryptoError::Library)?;
        Ok(Wrapped {
            kek: self.id(),
            bytes: [enc.0, sealed].concat(),
        })
    }
}

impl RecoverySecret {
    /// The text to keep in the safe.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PRIVATE}{}", BASE64URL_NOPAD.encode(&self.0[..])))
    }

    /// The key again.
    ///
    /// # Errors
    /// [`Unopenable`]: another recovery key's copy, of another tenant or version, or edited.
    pub fn open(&self, context: &KeyContext, version: i32, wrapped: &Wrapped) -> Result<DataKey, Unopenable> {
        Ok(DataKey::from_bytes(version, self.open_bytes(context, wrapped)?))
    }

    /// The same of anything that the root key wraps.
    ///
    /// # Errors
    /// As [`RecoverySecret::open`].
    pub fn open_bytes(&self, context: &KeyContext, wrapped: &Wrapped) -> Result<Zeroizing<[u8; 32]>, Unopenable> {
        let (enc, sealed) = wrapped.bytes.split_at_checked(ENC).ok_or(Unopenable)?;
        let secret = HpkePrivateKey::from(self.0.to_vec());
        let opened = SUITE
            .open(
                &EncapsulatedSecret(enc.to_vec()),
                INFO,
                context.as_str().as_bytes(),
                sealed,
                &secret,
            )
            .map(Zeroizing::new)
            .map_err(|_| Unopenable)?;
        let bytes: [u8; 32] = opened.as_slice().try_into().map_err(|_| Unopenable)?;
        Ok(Zeroizing::new(bytes))
    }

    /// The public half.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn public(&self) -> Result<RecoveryKey, CryptoError> {
        let key = agreement::PrivateKey::from_private_key(&agreement::X25519, &self.0[..]);
        let key = key.map_err(|_| CryptoError::Library)?;
        let public = key.compute_public_key().map_err(|_| CryptoError::Library)?;
        Ok(RecoveryKey(
            public.as_ref().try_into().map_err(|_| CryptoError::Library)?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(owner: &[u8]) -> KeyContext {
        KeyContext::new("dek", owner, 1)
    }

    #[test]
    fn the_copy_opens_with_the_private_half_in_its_context_only() {
        let (public, secret) = generate_recovery_key().unwrap();
        let key = DataKey::generate(1).unwrap();
        let copy = public.wrap(&context(b"a"), &key).unwrap();
        assert_eq!(copy.bytes.len(), 80);
        assert_eq!(secret.open(&context(b"a"), 1, &copy).unwrap().bytes(), key.bytes());
        assert!(secret.open(&context(b"b"), 1, &copy).is_err());
        let (_, other) = generate_recovery_key().unwrap();
        assert!(other.open(&context(b"a"), 1, &copy).is_err());
        let short = Wrapped {
            bytes: vec![1; 31],
            ..copy
        };
        assert!(secret.open(&context(b"a"), 1, &short).is_err());
    }

    #[test]
    fn both_halves_are_read_from_their_text_and_from_no_other() {
        let (public, secret) = generate_recovery_key().unwrap();
        assert_eq!(public.to_string().parse::<RecoveryKey>().unwrap(), public);
        assert_eq!(secret.public().unwrap(), public);
        let text = secret.expose();
        assert_eq!(*text.parse::<RecoverySecret>().unwrap().expose(), *text);
        assert!(text.parse::<RecoveryKey>().is_err());
        assert!("keepgate-recovery-public-v1:AAAA".parse::<RecoveryKey>().is_err());
        assert!(!format!("{secret:?}").contains(text.split_once(':').unwrap().1));
    }

    /// RFC 9180, A.1.1.1, sequence number 0: the library's HPKE, in the suite nearest to ours that the RFC has values of.
    #[test]
    fn the_library_opens_what_the_rfc_sealed() {
        use data_encoding::HEXLOWER;
        use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_128 as NEAREST;
        let bytes = |hex: &str| HEXLOWER.decode(hex.as_bytes()).unwrap();
        let recipient = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8";
        let enc = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431";
        let sealed = "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a";
        let opened = NEAREST.open(
            &EncapsulatedSecret(bytes(enc)),
            b"Ode on a Grecian Urn",
            b"Count-0",
            &bytes(sealed),
            &HpkePrivateKey::from(bytes(recipient)),
        );
        assert_eq!(opened.unwrap(), b"Beauty is truth, truth beauty");
    }
}
