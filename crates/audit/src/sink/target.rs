//! Where a sink leads.
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The most characters of a URL.
const MAX_URL: usize = 2_048;
/// The most bytes of certificates in PEM.
const MAX_PEM: usize = 32 * 1024;

/// How an HTTPS receiver knows that it is us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpsAuth {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// Splunk's HTTP Event Collector: its header, and its envelope around each record.
    Splunk,
    /// Standard Webhooks 1.0: a signature over id, time and body.
    Signature,
}

/// Where a sink leads, without what it takes to get in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Target {
    /// A POST for each batch.
    Https {
        /// `https`, or `http` to the loopback interface.
        url: String,
        /// How it knows us.
        auth: HttpsAuth,
        /// The authorities to believe; absent: the public ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_pem: Option<String>,
    },
    /// RFC 5424 messages over TLS (RFC 5425).
    Syslog {
        /// A name or an address.
        host: String,
        /// Its port, 6514 by RFC 5425.
        port: u16,
        /// The authorities to believe; absent: the public ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_pem: Option<String>,
        /// The certificate we show, its chain after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_cert_pem: Option<String>,
    },
    /// An object for each batch in an S3-compatible store, addressed by path.
    S3 {
        /// The store.
        endpoint: String,
        /// Its region, such as `eu-central-1`.
        region: String,
        /// The bucket.
        bucket: String,
        /// What the names of objects begin with.
        prefix: String,
        /// The authorities to believe; absent: the public ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_pem: Option<String>,
    },
}

/// Why a sink can't be as described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSink {
    /// The name.
    #[error("a name has 1 to 100 characters, none of them control characters")]
    Name,
    /// The size of batches.
    #[error("a batch has 1 to 500 records")]
    BatchSize,
    /// How long records wait.
    #[error("a record waits for others for at most 3600 seconds")]
    Delay,
    /// The URL or endpoint.
    #[error("a receiver has an https URL of at most 2048 characters, without user name, password or fragment")]
    Url,
    /// Host or port.
    #[error("a receiver has a host name or address, and a port from 1")]
    Host,
    /// Region, bucket or prefix.
    #[error("not a region, bucket and prefix of an S3-compatible store")]
    Bucket,
    /// Certificates.
    #[error("certificates are at most 32 KiB of PEM")]
    Certificates,
    /// The secret is not of the kind, the length or the alphabet that the target asks for.
    #[error("the credentials are not those that this kind of receiver asks for")]
    Secret,
}

impl Target {
    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Https { .. } => "https",
            Self::Syslog { .. } => "syslog",
            Self::S3 { .. } => "s3",
        }
    }

    /// The authorities to believe, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        let (Self::Https { ca_pem, .. } | Self::Syslog { ca_pem, .. } | Self::S3 { ca_pem, .. }) = self;
        ca_pem.as_deref()
    }

    pub(super) fn check(&self) -> Result<(), BadSink> {
        let fits = |pem: &Option<String>| pem.as_ref().is_none_or(|pem| (1..=MAX_PEM).contains(&pem.len()));
        match self {
            Self::Https { url, ca_pem, .. } => {
                parse_url(url)?;
                fits(ca_pem).then_some(()).ok_or(BadSink::Certificates)
            }
            Self::Syslog {
                host,
                port,
                ca_pem,
                client_cert_pem,
            } => {
                let good = host.len() <= 253 && Host::parse(host).is_ok() && !host.contains('_') && *port > 0;
                good.then_some(()).ok_or(BadSink::Host)?;
                (fits(ca_pem) && fits(client_cert_pem))
                    .then_some(())
                    .ok_or(BadSink::Certificates)
            }
            Self::S3 {
                endpoint,
                region,
                bucket,
                prefix,
                ca_pem,
            } => {
                let url = parse_url(endpoint)?;
                if url.query().is_some() || url.path() != "/" {
                    return Err(BadSink::Url);
                }
                let bucket = (3..=63).contains(&bucket.len()) && bucket.bytes().all(|b| lower(b) || b == b'.');
                let region = (1..=64).contains(&region.len()) && region.bytes().all(lower);
                if !bucket || !region || !is_prefix(prefix) {
                    return Err(BadSink::Bucket);
                }
                fits(ca_pem).then_some(()).ok_or(BadSink::Certificates)
            }
        }
    }
}

const fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// Characters that S3 calls safe. No step is empty or leads up.
fn is_prefix(prefix: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"!_.*'()/-".contains(&byte);
    let step = |step: &str| !matches!(step, "" | "." | "..");
    prefix.len() <= 200 && prefix.bytes().all(safe) && prefix.strip_suffix('/').unwrap_or(prefix).split('/').all(step)
        || prefix.is_empty()
}

fn parse_url(text: &str) -> Result<Url, BadSink> {
    let url = Url::parse(text).map_err(|_| BadSink::Url)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    let secure = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    if text.len() <= MAX_URL && plain && secure && url.host().is_some() {
        Ok(url)
    } else {
        Err(BadSink::Url)
    }
}

/// A URL may carry a token.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({})", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn https(url: &str) -> Target {
        Target::Https {
            url: url.into(),
            auth: HttpsAuth::Bearer,
            ca_pem: None,
        }
    }

    fn syslog(host: &str, port: u16) -> Target {
        Target::Syslog {
            host: host.into(),
            port,
            ca_pem: None,
            client_cert_pem: None,
        }
    }

    fn s3(endpoint: &str, bucket: &str, prefix: &str) -> Target {
        Target::S3 {
            endpoint: endpoint.into(),
            region: "eu-central-1".into(),
            bucket: bucket.into(),
            prefix: prefix.into(),
            ca_pem: None,
        }
    }

    #[test]
    fn receivers_are_reached_over_tls() {
        for good in [
            "https://siem.example/in?x=y",
            "https://10.0.0.1/",
            "http://127.0.0.1:9/x",
        ] {
            assert_eq!(https(good).check(), Ok(()), "{good}");
        }
        for bad in [
            "http://siem.example/",
            "http://localhost/",
            "https://u:p@siem.example/",
            "https://siem.example/#x",
            "ftp://siem.example/",
            "siem.example",
            &format!("https://siem.example/{}", "a".repeat(2_048)),
        ] {
            assert_eq!(https(bad).check(), Err(BadSink::Url), "{bad}");
        }
    }

    #[test]
    fn hosts_and_buckets_are_names() {
        for good in ["siem.example", "10.0.0.1", "[::1]"] {
            assert_eq!(syslog(good, 6514).check(), Ok(()), "{good}");
        }
        for bad in ["", "a b", "siem/example", "x@y", "a_b"] {
            assert_eq!(syslog(bad, 6514).check(), Err(BadSink::Host), "{bad}");
        }
        assert_eq!(syslog("siem.example", 0).check(), Err(BadSink::Host));
        for prefix in ["", "audit/", "a/b", "a.b/c-d_e/"] {
            assert_eq!(s3("https://s3.example", "logs", prefix).check(), Ok(()), "{prefix}");
        }
        for prefix in ["/a", "a//b", "../x", "a/../b", "ä", "a b", "a/./b", "?"] {
            assert_eq!(
                s3("https://s3.example", "logs", prefix).check(),
                Err(BadSink::Bucket),
                "{prefix}"
            );
        }
        for bucket in ["", "ab", "UPPER", "a_b", "a/b"] {
            assert_eq!(
                s3("https://s3.example", bucket, "").check(),
                Err(BadSink::Bucket),
                "{bucket}"
            );
        }
        assert_eq!(s3("https://s3.example/x", "logs", "").check(), Err(BadSink::Url));
    }

    #[test]
    fn a_url_is_not_told_to_logs() {
        let target = https("https://siem.example/in?token=abc");
        assert!(!format!("{target:?}").contains("abc"));
    }
}
