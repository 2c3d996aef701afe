//! The public keys, for whoever verifies tokens without us (RFC 7517).
use keepgate_kernel::Timestamp;
use serde::Serialize;

use super::KeyRing;

/// The document at `/.well-known/jwks.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Debug, Clone, Serialize)]
struct Jwk {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    kid: String,
    x: String,
}

impl Jwks {
    /// The keys of `ring` that verify `at` an instant.
    pub(super) fn of(ring: &KeyRing, at: Timestamp) -> Self {
        let keys = ring.living(at).map(|verifier| Jwk {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            usage: "sig",
            kid: verifier.kid.clone(),
            x: verifier.x.clone(),
        });
        Self { keys: keys.collect() }
    }
}
