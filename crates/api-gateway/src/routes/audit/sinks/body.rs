//! What callers say about sinks.
use axum::http::StatusCode;
use keepgate_audit::sink::{Destination, HttpsAuth, SealedSecret, SinkFormat, SinkSecret, Target};
use keepgate_channels::providers::webhooks::signing_secret;
use keepgate_crypto_keys::random_secret;
use keepgate_kernel::SinkId;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{Api, Caller, Problem};

/// Records of a batch, unless told otherwise.
pub(super) const BATCH: u16 = 500;
/// An object a minute rather than one a second, unless told otherwise.
const OBJECT_DELAY: u32 = 60;
const SYSLOG_PORT: u16 = 6514;

/// A new sink.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSink {
    /// For people; 1 to 100 characters, unique.
    #[schema(example = "siem")]
    pub(super) name: String,
    /// Where to, and what it takes to be let in.
    pub(super) target: NewTarget,
    /// `jsonl` (the leaf verbatim) or `ocsf`; `jsonl` if absent.
    pub(super) format: Option<String>,
    /// The first index to send: 0 for the whole log; if absent, only what is signed from now on.
    pub(super) from_index: Option<u64>,
    /// The most records sent together, 1 to 500; 500 if absent.
    pub(super) batch_size: Option<u16>,
    /// How long a record may wait for others, in seconds, 0 to 3600; if absent 60 for `s3`, else 0.
    pub(super) max_delay_seconds: Option<u32>,
}

/// A change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SinkPatch {
    /// For people.
    pub(super) name: Option<String>,
    /// Where to, with what it takes to be let in there.
    pub(super) target: Option<NewTarget>,
    /// `jsonl` or `ocsf`.
    pub(super) format: Option<String>,
    /// The most records sent together.
    pub(super) batch_size: Option<u16>,
    /// How long a record may wait for others, in seconds.
    pub(super) max_delay_seconds: Option<u32>,
    /// Whether nothing is sent for now.
    pub(super) paused: Option<bool>,
}

/// What to send again: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SinkReplay {
    /// Everything from this index on.
    pub(super) from_index: Option<u64>,
    /// Every dead letter, once more.
    pub(super) dead_letters: Option<bool>,
}

/// Where to, and what it takes to be let in.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum NewTarget {
    /// A POST for each batch.
    Https {
        /// https; its name must lead to public addresses, or to networks that the operator allows.
        #[schema(example = "https://siem.example/ingest")]
        url: String,
        /// How the receiver knows us.
        auth: NewAuth,
        /// The authorities to believe, PEM; absent: the public ones.
        ca_pem: Option<String>,
    },
    /// RFC 5424 messages over TLS, framed as RFC 5425 says.
    Syslog {
        /// A name or an address.
        #[schema(example = "siem.example")]
        host: String,
        /// 6514 if absent.
        port: Option<u16>,
        /// The authorities to believe, PEM; absent: the public ones.
        ca_pem: Option<String>,
        /// The certificate to show, PEM, its chain after it.
        client_cert_pem: Option<String>,
        /// Its key, PEM.
        client_key_pem: Option<String>,
    },
    /// An object for each batch in an S3-compatible store.
    S3 {
        /// https, without a path.
        #[schema(example = "https://s3.eu-central-1.amazonaws.com")]
        endpoint: String,
        /// Its region.
        #[schema(example = "eu-central-1")]
        region: String,
        /// The bucket.
        #[schema(example = "audit-logs")]
        bucket: String,
        /// What the names of objects begin with.
        #[schema(example = "keepgate/")]
        prefix: Option<String>,
        /// Of a key that may put objects there, and needs to do nothing else.
        access_key_id: String,
        /// Its secret half.
        secret_access_key: String,
        /// The authorities to believe, PEM; absent: the public ones.
        ca_pem: Option<String>,
    },
}

/// How an HTTPS receiver knows us.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "scheme", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum NewAuth {
    /// `Authorization: Bearer …`
    Bearer {
        /// Up to 4096 visible ASCII characters.
        token: String,
    },
    /// Splunk's HTTP Event Collector; the URL ends in `/services/collector/event`.
    Splunk {
        /// The collector's token.
        token: String,
    },
    /// Standard Webhooks 1.0. The secret is made here, and shown once.
    Signature {},
}

/// A target ready to be kept.
pub(super) struct Prepared {
    pub(super) target: Target,
    pub(super) sealed: Option<SealedSecret>,
    /// What is shown once.
    pub(super) shown: Option<SecretString>,
    /// How long records wait for others unless told otherwise.
    pub(super) delay: u32,
}

/// The format called `text`; `jsonl` without one.
pub(super) fn word(text: Option<&str>) -> Result<SinkFormat, Problem> {
    SinkFormat::parse(text.unwrap_or("jsonl")).ok_or_else(|| Problem::invalid("/format", "`jsonl` or `ocsf`"))
}

/// Checks a target as far as that goes without calling it, and seals what it takes to be let in.
pub(super) async fn prepare(api: &Api, caller: &Caller, sink: SinkId, target: NewTarget) -> Result<Prepared, Problem> {
    let (target, secret) = read(target)?;
    let bad = |detail: String| Problem::invalid("/target", detail).of_kind("invalid-sink");
    SinkSecret::check(secret.as_ref(), &target).map_err(|error| bad(error.to_string()))?;
    let tenant = caller.context().tenant();
    let to = Destination {
        sink,
        tenant,
        target,
        secret,
        signs: Vec::new(),
    };
    // A URL that can't be one is the operation's to refuse.
    match api.sinks.check(&to) {
        Ok(()) | Err("invalid-url") => {}
        Err(reason) => return Err(bad(format!("can't be used: {reason}"))),
    }
    let sealed = match &to.secret {
        Some(secret) => Some(api.sinks.seal(tenant, sink, secret).await?),
        None => None,
    };
    let shown = match to.secret {
        Some(SinkSecret::Signing(key)) => Some(key),
        _ => None,
    };
    let delay = if matches!(to.target, Target::S3 { .. }) {
        OBJECT_DELAY
    } else {
        0
    };
    Ok(Prepared {
        target: to.target,
        sealed,
        shown,
        delay,
    })
}

fn read(target: NewTarget) -> Result<(Target, Option<SinkSecret>), Problem> {
    Ok(match target {
        NewTarget::Https { url, auth, ca_pem } => {
            let (auth, secret) = match auth {
                NewAuth::Bearer { token } => (HttpsAuth::Bearer, SinkSecret::Token(token.into())),
                NewAuth::Splunk { token } => (HttpsAuth::Splunk, SinkSecret::Token(token.into())),
                NewAuth::Signature {} => (HttpsAuth::Signature, SinkSecret::Signing(fresh()?)),
            };
            (Target::Https { url, auth, ca_pem }, Some(secret))
        }
        NewTarget::Syslog {
            host,
            port,
            ca_pem,
            client_cert_pem,
            client_key_pem,
        } => {
            let secret = client_key_pem.map(|key| SinkSecret::ClientKey(key.into()));
            let target = Target::Syslog {
                host,
                port: port.unwrap_or(SYSLOG_PORT),
                ca_pem,
                client_cert_pem,
            };
            (target, secret)
        }
        NewTarget::S3 {
            endpoint,
            region,
            bucket,
            prefix,
            access_key_id,
            secret_access_key,
            ca_pem,
        } => {
            let target = Target::S3 {
                endpoint,
                region,
                bucket,
                prefix: prefix.unwrap_or_default(),
                ca_pem,
            };
            let secret = SinkSecret::S3 {
                access_key_id,
                secret_access_key: secret_access_key.into(),
            };
            (target, Some(secret))
        }
    })
}

fn fresh() -> Result<SecretString, Problem> {
    let random = random_secret().map_err(|_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "something went wrong here",
        )
    })?;
    Ok(signing_secret(&random))
}
