//! What it takes to be let in.
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{BadSink, HttpsAuth, Target};

/// The most characters of a token.
const MAX_TOKEN: usize = 4_096;
/// The most bytes of a private key in PEM.
const MAX_KEY: usize = 16 * 1024;

/// What it takes to be let in by a receiver. Never shown again, never logged.
#[derive(Debug, Clone)]
pub enum SinkSecret {
    /// A bearer or HEC token.
    Token(SecretString),
    /// What HTTPS batches are signed with: `whsec_…`.
    Signing(SecretString),
    /// The private key of the client's certificate, PEM.
    ClientKey(SecretString),
    /// A key of an S3-compatible store.
    S3 {
        /// Its public half.
        access_key_id: String,
        /// Its secret half.
        secret_access_key: SecretString,
    },
}

impl SinkSecret {
    /// Whether `secret` is what `target` asks for, no more and no less.
    ///
    /// # Errors
    /// [`BadSink::Secret`].
    pub fn check(secret: Option<&Self>, target: &Target) -> Result<(), BadSink> {
        let good = match (target, secret) {
            (Target::Https { auth, .. }, Some(Self::Token(token))) => {
                *auth != HttpsAuth::Signature && is_visible(token, MAX_TOKEN)
            }
            (Target::Https { auth, .. }, Some(Self::Signing(_))) => *auth == HttpsAuth::Signature,
            (Target::Syslog { client_cert_pem, .. }, None) => client_cert_pem.is_none(),
            (Target::Syslog { client_cert_pem, .. }, Some(Self::ClientKey(key))) => {
                client_cert_pem.is_some() && (1..=MAX_KEY).contains(&key.expose_secret().len())
            }
            (
                Target::S3 { .. },
                Some(Self::S3 {
                    access_key_id,
                    secret_access_key,
                }),
            ) => is_visible(&access_key_id.clone().into(), 128) && is_visible(secret_access_key, 256),
            _ => false,
        };
        good.then_some(()).ok_or(BadSink::Secret)
    }

    /// Its plain form, to be sealed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let value = match self {
            Self::Token(token) => json!({ "token": token.expose_secret() }),
            Self::Signing(key) => json!({ "signing": key.expose_secret() }),
            Self::ClientKey(key) => json!({ "client_key": key.expose_secret() }),
            Self::S3 {
                access_key_id,
                secret_access_key,
            } => json!({ "id": access_key_id, "secret": secret_access_key.expose_secret() }),
        };
        value.to_string().into_bytes()
    }

    /// What [`SinkSecret::to_bytes`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let text = |name: &str| Some(SecretString::from(value.get(name)?.as_str()?));
        let s3 = || {
            Some(Self::S3 {
                access_key_id: value.get("id")?.as_str()?.to_owned(),
                secret_access_key: text("secret")?,
            })
        };
        text("token")
            .map(Self::Token)
            .or_else(|| text("signing").map(Self::Signing))
            .or_else(|| text("client_key").map(Self::ClientKey))
            .or_else(s3)
    }
}

fn is_visible(text: &SecretString, most: usize) -> bool {
    let text = text.expose_secret();
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Ciphertext made by the caller, who bound it to its row. Opaque here.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(Vec<u8>);

impl SealedSecret {
    /// Takes over sealed bytes.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The sealed bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedSecret({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_survives_and_is_not_told() {
        let s3 = SinkSecret::S3 {
            access_key_id: "AKIA".into(),
            secret_access_key: "hush".into(),
        };
        for secret in [
            SinkSecret::Token("hush".into()),
            SinkSecret::Signing("hush".into()),
            SinkSecret::ClientKey("hush".into()),
            s3,
        ] {
            let read = SinkSecret::from_bytes(&secret.to_bytes()).unwrap();
            assert_eq!(read.to_bytes(), secret.to_bytes());
            assert!(!format!("{secret:?}").contains("hush"));
        }
        assert!(SinkSecret::from_bytes(b"{}").is_none() && SinkSecret::from_bytes(b"x").is_none());
    }

    #[test]
    fn each_kind_of_receiver_asks_for_its_own() {
        let https = |auth| Target::Https {
            url: "https://x.example/".into(),
            auth,
            ca_pem: None,
        };
        let token = |text: &str| SinkSecret::Token(text.into());
        let check = |target: &Target, secret: Option<&SinkSecret>| SinkSecret::check(secret, target).is_ok();
        assert!(check(&https(HttpsAuth::Bearer), Some(&token("t"))));
        assert!(check(&https(HttpsAuth::Splunk), Some(&token("t"))));
        assert!(!check(&https(HttpsAuth::Signature), Some(&token("t"))));
        assert!(!check(&https(HttpsAuth::Bearer), None));
        for bad in ["", "a b", "a\r\nHost: x", "ä"] {
            assert!(!check(&https(HttpsAuth::Bearer), Some(&token(bad))), "{bad}");
        }
        let syslog = Target::Syslog {
            host: "x.example".into(),
            port: 1,
            ca_pem: None,
            client_cert_pem: None,
        };
        assert!(check(&syslog, None));
        assert!(!check(&syslog, Some(&SinkSecret::ClientKey("k".into()))));
        assert!(!check(&syslog, Some(&token("t"))));
    }
}
