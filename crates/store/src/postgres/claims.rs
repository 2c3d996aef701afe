//! What the gateway claims about a caller, signed for one backend and a few seconds.
use aws_lc_rs::hmac;
use keepgate_kernel::Timestamp;
use keepgate_policy::{Credential, OpContext, Standing};

/// How long signed claims live. They are used within the same round trip.
const LIFETIME_MS: i64 = 10_000;

/// The HMAC-SHA256 key shared by the gateway and the database. The database stores only its RFC 2104 pads.
pub struct ClaimKey {
    id: String,
    secret: [u8; 32],
    hmac: hmac::Key,
}

impl ClaimKey {
    /// A key named `id` (letters, digits, `-`), as installed by [`super::install_claim_key`].
    #[must_use]
    pub fn new(id: impl Into<String>, secret: [u8; 32]) -> Self {
        Self {
            id: id.into(),
            secret,
            hmac: hmac::Key::new(hmac::HMAC_SHA256, &secret),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The key's inner and outer pads: 64 bytes each.
    pub(super) fn pads(&self) -> ([u8; 64], [u8; 64]) {
        let pad = |byte: u8| {
            let mut pad = [byte; 64];
            for (to, from) in pad.iter_mut().zip(self.secret) {
                *to ^= from;
            }
            pad
        };
        (pad(0x36), pad(0x5c))
    }

    /// `v2|kid|subject|credential kind|credential id|tenant|level|expiry in ms|backend pid`, and its signature.
    pub(super) fn sign(&self, context: &OpContext, backend: i32, now: Timestamp) -> (String, Vec<u8>) {
        let (kind, credential) = match context.credential() {
            Credential::Session(id) => ("ses", id.uuid()),
            Credential::ApiKey(id) => ("key", id.uuid()),
            Credential::System => ("sys", context.tenant().uuid()),
        };
        let level = match context.principal().standing {
            Standing::Level(level) => level.number(),
            Standing::System => 0,
        };
        let claims = format!(
            "v2|{}|{}|{kind}|{credential}|{}|{level}|{}|{backend}",
            self.id,
            context.principal().id.uuid(),
            context.tenant().uuid(),
            now.timestamp_millis() + LIFETIME_MS,
        );
        let signature = hmac::sign(&self.hmac, claims.as_bytes()).as_ref().to_vec();
        (claims, signature)
    }
}

impl std::fmt::Debug for ClaimKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClaimKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for ClaimKey {
    fn drop(&mut self) {
        self.secret.fill(0);
    }
}
