//! Asking witnesses for their word (`c2sp.org/tlog-witness`, the log's side).
//!
//! A log that only its keeper signs can be rewritten by its keeper. Each new checkpoint therefore goes to the witnesses of
//! a policy, with the proof that it continues what they saw last; what they answer is checked and kept ([`CosignedLogs`]).
//! Nobody who writes waits for a witness. [`ask`] is one question to one witness, retry after a resync included; a
//! witness that saw another past is an [`Alarm`], whose evidence [`crate::operations::TellWitnessAlarm`] keeps.
mod alarm;
mod ask;
#[cfg(feature = "outward")]
mod http;
mod logs;
mod round;

use async_trait::async_trait;
use keepgate_merkle::{cosignature::CosignerKey, policy::Policy};

pub use alarm::{Alarm, AlarmKind, WitnessAlarms};
pub use ask::{Answered, ask};
#[cfg(feature = "outward")]
pub(crate) use http::http_client;
#[cfg(feature = "outward")]
pub use http::{HttpWitness, HttpWitnessError};
#[cfg(feature = "postgres")]
pub(crate) use logs::lines_of;
pub use logs::{CosignedLogs, LogCheckpoint, META_LOG};
pub(crate) use logs::{cosigner_of, same};
pub use round::{Cosigning, Heard, RoundReport, Word};

/// A way to witnesses. It judges nothing: what comes back is untrusted bytes.
#[async_trait]
pub trait Witness: Send + Sync {
    /// Posts `body` to `<url>/add-checkpoint`, once, and returns the answer whatever its status.
    ///
    /// # Errors
    /// [`Unreachable`] when there is no whole answer; whether the witness cosigned is then unknown, and harmless.
    async fn add_checkpoint(&self, url: &str, body: String) -> Result<WitnessReply, Unreachable>;
}

/// What a witness said, unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessReply {
    /// The HTTP status.
    pub status: u16,
    /// The media type, without parameters.
    pub media_type: String,
    /// The body, cut at [`keepgate_merkle::note::MAX_NOTE_BYTES`].
    pub body: Vec<u8>,
}

/// No answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the witness does not answer")]
pub struct Unreachable;

/// Where a policy's checkpoints go, and whose word is believed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The name of the first witness of the policy there, for people: at most 80 characters, no control characters.
    pub name: String,
    /// The submission prefix.
    pub url: String,
    /// The keys of the policy that answer there.
    pub keys: Vec<CosignerKey>,
}

impl Endpoint {
    /// The endpoints of `policy`: one for each URL, in the order of the file. A witness without a URL is never asked.
    #[must_use]
    pub fn of(policy: &Policy) -> Vec<Self> {
        let mut endpoints: Vec<Self> = Vec::new();
        for witness in policy.witnesses() {
            let Some(url) = &witness.url else { continue };
            let url = url.trim_end_matches('/');
            match endpoints.iter_mut().find(|endpoint| endpoint.url == url) {
                Some(endpoint) => endpoint.keys.push(witness.key.clone()),
                None => endpoints.push(Self {
                    name: plain(&witness.name),
                    url: url.to_owned(),
                    keys: vec![witness.key.clone()],
                }),
            }
        }
        endpoints
    }
}

/// A name that is safe in a leaf, a metric and a log line.
fn plain(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepgate_merkle::cosignature::{Cosigner, Scheme};

    #[test]
    fn keys_that_answer_at_one_url_are_asked_once() {
        let key = |seed: u8, scheme| {
            let cosigner = Cosigner::from_seed("w.example/1".parse().unwrap(), scheme, &[seed; 32]).unwrap();
            cosigner.verifier().to_string()
        };
        let (one, two, three) = (
            key(1, Scheme::Ed25519),
            key(1, Scheme::MlDsa44),
            key(2, Scheme::Ed25519),
        );
        let text = format!(
            "witness a {one} https://w.example/1\nwitness b {two} https://w.example/1/\nwitness c {three}\ngroup g 2 a b c\nquorum g\n"
        );
        let endpoints = Endpoint::of(&Policy::parse(text.as_bytes()).unwrap());
        assert_eq!(endpoints.len(), 1);
        assert_eq!((endpoints[0].name.as_str(), endpoints[0].keys.len()), ("a", 2));
    }
}
