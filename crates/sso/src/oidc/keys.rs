//! A provider's keys (RFC 7517).
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use url::Url;

use super::{Fetch, OidcError, fetch::json};

/// The algorithms an ID token may be signed with: asymmetric ones, and never `none` (RFC 8725 sections 2.1 and 3.1).
pub(super) const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// How many keys are read.
const KEYS: usize = 100;

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

/// The keys that sign.
#[derive(Debug)]
pub(super) struct Keys(Vec<Jwk>);

impl Keys {
    pub(super) async fn fetch(http: &dyn Fetch, url: &Url) -> Result<Self, OidcError> {
        let document: Document = json(http, url.as_str()).await?;
        Ok(Self::read(document.keys))
    }

    /// Keys of a kind we don't know are passed over (RFC 7517 section 5).
    pub(super) fn read(keys: Vec<serde_json::Value>) -> Self {
        let known = keys
            .into_iter()
            .take(KEYS)
            .filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let signing = |key: &Jwk| !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
        Self(known.filter(signing).collect())
    }

    /// The one key for a token of this header: of that id, or the only one that fits where the token names none.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let mut fitting = self.0.iter().filter(|key| fits(key, algorithm));
        let key = match id {
            Some(id) => fitting.find(|key| key.common.key_id.as_deref() == Some(id))?,
            None => {
                let only = fitting.next()?;
                if fitting.next().is_some() {
                    return None;
                }
                only
            }
        };
        DecodingKey::from_jwk(key).ok()
    }
}

/// Whether a key is for `algorithm`: its kind must be, and its own word if it has one.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let kind = match (&key.algorithm, algorithm) {
        (
            AlgorithmParameters::RSA(_),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => true,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => key.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let word = key.common.key_algorithm.map(|word| word.to_string());
    kind && word.is_none_or(|word| word == format!("{algorithm:?}"))
}
