//! Sinks as shown.
use keepgate_audit::{
    operations::sinks::ShownSink,
    sink::{DeadLetter, HttpsAuth, Sent, Sink, Target},
};
use keepgate_gate::Trial;
use keepgate_kernel::format_time;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

/// A system that the log is sent on to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SinkView {
    /// Its id.
    #[schema(example = "snk_01jd0000000000000000000000")]
    pub(super) id: String,
    /// For people.
    name: String,
    /// `jsonl` or `ocsf`.
    format: &'static str,
    /// Where to. What it takes to be let in is never shown.
    target: TargetView,
    /// The most records sent together.
    batch_size: u16,
    /// How long a record may wait for others.
    max_delay_seconds: u32,
    /// Whether nothing is sent for now, by its owner's word.
    paused: bool,
    /// `active`, or `failing`: the receiver does not take what it is sent, and is tried less and less often.
    #[schema(example = "active")]
    state: &'static str,
    /// Why the last try failed, such as `http-401` or `certificate-not-trusted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Everything below was taken by the receiver, or is a dead letter.
    next_index: u64,
    /// How many signed entries it has not been sent.
    behind: u64,
    /// Tries that failed since the last success.
    failures: u32,
    /// How many records the receiver refused for good.
    dead_letters: u64,
    /// When it is tried next, after a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    /// The last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    /// When it was made.
    created_at: String,
    /// `whsec_…`, for verifying signatures (Standard Webhooks 1.0); only in the answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
    /// `whpk_…`: the Ed25519 keys that sign every batch as well (`v1a`) where `auth` is `signature`, newest first; the same as those of
    /// webhooks. Not secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    public_keys: Vec<String>,
}

/// Where to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum TargetView {
    /// A POST for each batch.
    Https {
        /// The receiver.
        url: String,
        /// `bearer`, `splunk` or `signature`.
        auth: &'static str,
        /// The authorities believed, if not the public ones.
        #[serde(skip_serializing_if = "Option::is_none")]
        ca_pem: Option<String>,
    },
    /// RFC 5424 over TLS.
    Syslog {
        /// The receiver.
        host: String,
        /// Its port.
        port: u16,
        /// The authorities believed, if not the public ones.
        #[serde(skip_serializing_if = "Option::is_none")]
        ca_pem: Option<String>,
        /// The certificate shown.
        #[serde(skip_serializing_if = "Option::is_none")]
        client_cert_pem: Option<String>,
    },
    /// An object for each batch.
    S3 {
        /// The store.
        endpoint: String,
        /// Its region.
        region: String,
        /// The bucket.
        bucket: String,
        /// What the names of objects begin with; the tenant's id and the range follow.
        prefix: String,
        /// The authorities believed, if not the public ones.
        #[serde(skip_serializing_if = "Option::is_none")]
        ca_pem: Option<String>,
    },
}

impl SinkView {
    pub(super) fn new(shown: &ShownSink) -> Self {
        Self::of(&shown.sink, shown.size)
    }

    /// `size`: the number of signed entries.
    pub(super) fn of(sink: &Sink, size: u64) -> Self {
        let (config, progress) = (&sink.config, &sink.progress);
        Self {
            id: sink.id.to_string(),
            name: config.name.clone(),
            format: config.format.as_str(),
            target: TargetView::from(&config.target),
            batch_size: config.batch_size,
            max_delay_seconds: config.max_delay_seconds,
            paused: sink.paused,
            state: progress.state.as_str(),
            reason: progress.reason.clone(),
            next_index: progress.next_index,
            behind: size.saturating_sub(progress.next_index),
            failures: progress.failures,
            dead_letters: progress.dead_letters,
            next_attempt_at: (progress.failures > 0).then(|| format_time(progress.next_at)),
            delivered_at: progress.delivered_at.map(format_time),
            created_at: format_time(sink.created_at),
            signing_secret: None,
            public_keys: Vec::new(),
        }
    }

    pub(super) fn with_keys(mut self, keys: &[String]) -> Self {
        if matches!(&self.target, TargetView::Https { auth: "signature", .. }) {
            self.public_keys = keys.to_vec();
        }
        self
    }

    pub(super) fn with_secret(mut self, secret: Option<&SecretString>) -> Self {
        self.signing_secret = secret.map(|secret| secret.expose_secret().to_owned());
        self
    }
}

impl From<&Target> for TargetView {
    fn from(target: &Target) -> Self {
        match target.clone() {
            Target::Https { url, auth, ca_pem } => Self::Https {
                url,
                auth: match auth {
                    HttpsAuth::Bearer => "bearer",
                    HttpsAuth::Splunk => "splunk",
                    HttpsAuth::Signature => "signature",
                },
                ca_pem,
            },
            Target::Syslog {
                host,
                port,
                ca_pem,
                client_cert_pem,
            } => Self::Syslog {
                host,
                port,
                ca_pem,
                client_cert_pem,
            },
            Target::S3 {
                endpoint,
                region,
                bucket,
                prefix,
                ca_pem,
            } => Self::S3 {
                endpoint,
                region,
                bucket,
                prefix,
                ca_pem,
            },
        }
    }
}

/// How a test ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrialView {
    /// `accepted`; `rejected` (it understood, and refused the record); `later` (not now, or nobody there); `broken` (address, credentials or
    /// certificates are wrong).
    #[schema(example = "accepted")]
    outcome: &'static str,
    /// Why not, such as `http-401` or `unreachable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How long it took.
    took_ms: u64,
}

impl From<&Trial> for TrialView {
    fn from(trial: &Trial) -> Self {
        let (outcome, reason) = match trial.sent.clone() {
            Sent::Accepted => ("accepted", None),
            Sent::Rejected(reason) => ("rejected", Some(reason)),
            Sent::Later { reason, .. } => ("later", Some(reason)),
            Sent::Broken(reason) => ("broken", Some(reason)),
        };
        Self {
            outcome,
            reason,
            took_ms: trial.took.as_millis().try_into().unwrap_or(u64::MAX),
        }
    }
}

/// A record that the receiver refused for good.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadLetterView {
    /// The first index.
    first_index: u64,
    /// The last one.
    last_index: u64,
    /// Why, such as `http-400`.
    reason: String,
    /// When it was refused last.
    at: String,
    /// Whether it is going to be sent once more.
    retry: bool,
}

impl From<&DeadLetter> for DeadLetterView {
    fn from(letter: &DeadLetter) -> Self {
        Self {
            first_index: letter.first,
            last_index: letter.last,
            reason: letter.reason.clone(),
            at: format_time(letter.at),
            retry: letter.retry,
        }
    }
}
