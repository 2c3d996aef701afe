//! Issuer identifiers. Source: OpenID Connect Core 1.0, section 2 (`iss`), and Discovery 1.0, section 3.
use url::{Host, Url};

/// An issuer, byte for byte as its tokens name it: https, or http to a loopback address; no query, no fragment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Issuer(String);

/// A text that is no issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an issuer is an https URL without query and fragment, of at most 300 characters")]
pub struct InvalidIssuer;

impl Issuer {
    /// The text, as configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its metadata lies: the issuer, less one trailing slash, and the well-known path.
    #[must_use]
    pub fn metadata_url(&self) -> String {
        let base = self.0.strip_suffix('/').unwrap_or(&self.0);
        format!("{base}/.well-known/openid-configuration")
    }
}

impl std::str::FromStr for Issuer {
    type Err = InvalidIssuer;
    fn from_str(text: &str) -> Result<Self, InvalidIssuer> {
        let url = endpoint(text).ok_or(InvalidIssuer)?;
        if text.len() > 300 || url.query().is_some() || text.contains(['?', '#']) {
            return Err(InvalidIssuer);
        }
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Display for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address of a provider: https, or http to an address of the loopback interface; no user, no fragment.
pub(crate) fn endpoint(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= 2_000)?;
    let loopback = match url.host()? {
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
        Host::Domain(_) => false,
    };
    let secure = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (secure && plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_loopback() {
        for good in [
            "https://id.example",
            "https://id.example/realms/a/",
            "http://127.0.0.1:9",
            "http://[::1]:9/x",
        ] {
            assert_eq!(good.parse::<Issuer>().map(|issuer| issuer.0), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "id.example",
            "http://id.example",
            "http://localhost:9",
            "https://id.example/?a=b",
            "https://id.example/?",
            "https://id.example/#a",
            "https://u:p@id.example",
            "file:///etc/passwd",
            "ftp://127.0.0.1",
        ] {
            assert!(bad.parse::<Issuer>().is_err(), "{bad}");
        }
    }

    #[test]
    fn one_trailing_slash_is_left_out_of_the_metadata_s_address() {
        for text in ["https://id.example/a", "https://id.example/a/"] {
            let issuer: Issuer = text.parse().unwrap();
            assert_eq!(
                issuer.metadata_url(),
                "https://id.example/a/.well-known/openid-configuration"
            );
        }
    }
}
