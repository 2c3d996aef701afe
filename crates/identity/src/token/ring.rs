//! The keys that verify tokens, and the one that signs them. No header ever leads anywhere else.
use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair},
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use keepgate_kernel::Timestamp;

use super::TokenError;

pub(super) struct Verifier {
    pub(super) kid: String,
    /// The public key, base64url.
    pub(super) x: String,
    key: DecodingKey,
    until: Option<Timestamp>,
}

impl Verifier {
    fn new(public: &[u8], until: Option<Timestamp>) -> Self {
        let x = BASE64URL_NOPAD.encode(public);
        Self {
            kid: thumbprint(&x),
            key: DecodingKey::from_ed_der(public),
            x,
            until,
        }
    }

    fn lives(&self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

/// The keys of one issuer.
pub struct KeyRing {
    pub(super) active: EncodingKey,
    /// The active one first.
    verifiers: Vec<Verifier>,
}

impl KeyRing {
    /// A ring that signs with the key of seed `active` and also verifies the keys of the seeds `others`, without an end.
    ///
    /// # Errors
    /// [`TokenError::Key`] if a seed makes no key.
    pub fn new(active: &[u8; 32], others: &[[u8; 32]]) -> Result<Self, TokenError> {
        let publics = others.iter().map(|seed| public_half(seed).map(|public| (public, None)));
        Self::of(active, &publics.collect::<Result<Vec<_>, _>>()?)
    }

    /// A ring that signs with the key of seed `active`, and verifies as well with each public key of `others` until its end: the
    /// next one, published before it signs, and retired ones until their last token has ended.
    ///
    /// # Errors
    /// [`TokenError::Key`] if the seed makes no key.
    pub fn of(active: &[u8; 32], others: &[([u8; 32], Option<Timestamp>)]) -> Result<Self, TokenError> {
        let pair = pair(active)?;
        let der = pair.to_pkcs8v1().map_err(|_| TokenError::Key)?;
        let mut verifiers = vec![Verifier::new(pair.public_key().as_ref(), None)];
        for (public, until) in others {
            let other = Verifier::new(public, *until);
            if verifiers.iter().all(|known| known.kid != other.kid) {
                verifiers.push(other);
            }
        }
        Ok(Self {
            active: EncodingKey::from_ed_der(der.as_ref()),
            verifiers,
        })
    }

    pub(super) fn active_kid(&self) -> &str {
        self.verifiers.first().map_or("", |verifier| &verifier.kid)
    }

    pub(super) fn find(&self, kid: &str, at: Timestamp) -> Option<&DecodingKey> {
        self.living(at)
            .find(|verifier| verifier.kid == kid)
            .map(|verifier| &verifier.key)
    }

    pub(super) fn living(&self, at: Timestamp) -> impl Iterator<Item = &Verifier> {
        self.verifiers.iter().filter(move |verifier| verifier.lives(at))
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kids: Vec<&str> = self.verifiers.iter().map(|verifier| verifier.kid.as_str()).collect();
        f.debug_struct("KeyRing").field("kids", &kids).finish_non_exhaustive()
    }
}

fn pair(seed: &[u8; 32]) -> Result<Ed25519KeyPair, TokenError> {
    Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| TokenError::Key)
}

/// The public half of the key of `seed`.
///
/// # Errors
/// [`TokenError::Key`] if it makes no key.
pub fn public_half(seed: &[u8; 32]) -> Result<[u8; 32], TokenError> {
    pair(seed)?
        .public_key()
        .as_ref()
        .try_into()
        .map_err(|_| TokenError::Key)
}

/// The name of a key: the first 16 characters of its RFC 7638 thumbprint are enough to tell ours apart.
#[must_use]
pub fn kid_of(public: &[u8; 32]) -> String {
    thumbprint(&BASE64URL_NOPAD.encode(public))
}

fn thumbprint(x: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let mut text = BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, members.as_bytes()).as_ref());
    text.truncate(16);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        // Appendix A.3 of RFC 8037, its first 16 characters.
        assert_eq!(
            thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            "kPrK_qmxVWaYVA9w"
        );
    }

    #[test]
    fn the_same_seed_twice_is_one_key() {
        assert_eq!(KeyRing::new(&[1; 32], &[[1; 32], [2; 32]]).unwrap().verifiers.len(), 2);
    }

    #[test]
    fn a_retired_key_is_neither_found_nor_shown_from_its_end_on() {
        let end: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let old = public_half(&[2; 32]).unwrap();
        let ring = KeyRing::of(&[1; 32], &[(old, Some(end))]).unwrap();
        let kid = kid_of(&old);
        let before = end - chrono::TimeDelta::seconds(1);
        assert!(ring.find(&kid, before).is_some() && ring.find(&kid, end).is_none());
        assert_eq!((ring.living(before).count(), ring.living(end).count()), (2, 1));
    }
}
