//! Signing keys: one active, and those that still or already verify.
use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair},
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::TokenError;

pub(super) struct Verifier {
    pub(super) kid: String,
    /// The public key, base64url.
    pub(super) x: String,
    pub(super) key: DecodingKey,
}

/// The keys of one issuer.
pub struct KeyRing {
    pub(super) active: EncodingKey,
    /// The active one first.
    pub(super) verifiers: Vec<Verifier>,
}

impl KeyRing {
    /// A ring that signs with the key of seed `active` and also verifies the keys of `others`: the next one, published
    /// before it signs, and retired ones until their last token has ended.
    ///
    /// # Errors
    /// [`TokenError::Key`] if a seed makes no key.
    pub fn new(active: &[u8; 32], others: &[[u8; 32]]) -> Result<Self, TokenError> {
        let pair = pair(active)?;
        let der = pair.to_pkcs8v1().map_err(|_| TokenError::Key)?;
        let mut verifiers = vec![verifier(&pair)];
        for seed in others {
            let other = verifier(&self::pair(seed)?);
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

    pub(super) fn find(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifiers
            .iter()
            .find(|verifier| verifier.kid == kid)
            .map(|verifier| &verifier.key)
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

fn verifier(pair: &Ed25519KeyPair) -> Verifier {
    let public = pair.public_key().as_ref();
    let x = BASE64URL_NOPAD.encode(public);
    Verifier {
        kid: thumbprint(&x),
        key: DecodingKey::from_ed_der(public),
        x,
    }
}

/// RFC 7638: the SHA-256 of the key's required members; 16 characters are enough to tell ours apart.
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
}
