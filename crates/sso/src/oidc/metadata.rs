//! What a provider publishes about itself. Sources: OpenID Connect Discovery 1.0 section 3, RFC 9207 section 3.
use serde::Deserialize;
use url::Url;

use super::{Fetch, OidcError, fetch::json};
use crate::{Issuer, issuer::endpoint};

/// A provider's metadata, as far as we need it.
#[derive(Debug, Clone)]
pub struct Metadata {
    issuer: Issuer,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    /// Whether the client secret goes into the body: only if the header is not offered.
    pub(super) secret_in_body: bool,
    says_issuer: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Reads the metadata of `issuer`, which must call itself exactly that (Discovery 4.3).
    pub(super) async fn fetch(http: &dyn Fetch, issuer: &Issuer) -> Result<Self, OidcError> {
        Self::read(json(http, &issuer.metadata_url()).await?, issuer)
    }

    fn read(document: Document, issuer: &Issuer) -> Result<Self, OidcError> {
        if document.issuer != issuer.as_str() {
            return Err(OidcError::ForeignMetadata);
        }
        let address = |text: &str| endpoint(text).ok_or(OidcError::Unavailable);
        let methods = document.token_endpoint_auth_methods_supported;
        let offers = |method: &str| methods.iter().any(|offered| offered == method);
        Ok(Self {
            issuer: issuer.clone(),
            authorization_endpoint: address(&document.authorization_endpoint)?,
            token_endpoint: address(&document.token_endpoint)?,
            jwks_uri: address(&document.jwks_uri)?,
            secret_in_body: !offers("client_secret_basic") && offers("client_secret_post"),
            says_issuer: document.authorization_response_iss_parameter_supported,
        })
    }

    /// Whether a response that names `issuer`, or none, can be this provider's (RFC 9207 section 2.4).
    pub(super) fn check_response_issuer(&self, issuer: Option<&str>) -> Result<(), OidcError> {
        match issuer {
            Some(issuer) if issuer == self.issuer.as_str() => Ok(()),
            None if !self.says_issuer => Ok(()),
            _ => Err(OidcError::MixUp),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(change: impl FnOnce(&mut serde_json::Value)) -> Result<Metadata, OidcError> {
        let mut document = json!({"issuer": "https://id.example", "authorization_endpoint": "https://id.example/auth",
            "token_endpoint": "https://id.example/token", "jwks_uri": "https://id.example/jwks"});
        change(&mut document);
        Metadata::read(
            serde_json::from_value(document).unwrap(),
            &"https://id.example".parse().unwrap(),
        )
    }

    #[test]
    fn another_issuer_s_metadata_is_refused() {
        for other in ["https://id.example/", "https://evil.example", "HTTPS://id.example"] {
            let refused = read(|document| document["issuer"] = json!(other));
            assert!(matches!(refused, Err(OidcError::ForeignMetadata)), "{other}");
        }
    }

    #[test]
    fn every_endpoint_is_https_or_loopback() {
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for bad in [
                "http://id.example/x",
                "file:///etc/passwd",
                "javascript:alert(1)",
                "//x",
            ] {
                assert!(read(|document| document[name] = json!(bad)).is_err(), "{name} {bad}");
            }
        }
    }

    #[test]
    fn a_response_that_names_another_issuer_or_hides_it_is_a_mix_up() {
        let quiet = read(|_| ()).unwrap();
        assert!(quiet.check_response_issuer(None).is_ok());
        assert!(quiet.check_response_issuer(Some("https://evil.example")).is_err());
        let loud = read(|document| document["authorization_response_iss_parameter_supported"] = json!(true)).unwrap();
        assert!(loud.check_response_issuer(Some("https://id.example")).is_ok());
        assert!(matches!(loud.check_response_issuer(None), Err(OidcError::MixUp)));
    }
}
