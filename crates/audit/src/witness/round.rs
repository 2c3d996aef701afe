//! All witnesses of a policy, round after round.
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use keepgate_kernel::TenantId;
use keepgate_merkle::{
    cosignature::{CosignerKey, cosignatures},
    hash::Hash,
    policy::Policy,
};
use keepgate_store::StoreError;

use super::{Alarm, Answered, CosignedLogs, Endpoint, LogCheckpoint, Witness, ask};

/// A log that stands still is cosigned again so often: a verifier may ask for a recent word.
const AGAIN: Duration = Duration::from_mins(10);
/// The pause after the first failure of a witness; each further one is twice as long …
const PAUSE: Duration = Duration::from_secs(1);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What a witness's answer about a log meant.
#[derive(Debug)]
pub enum Heard {
    /// It cosigned the latest checkpoint, and that is kept.
    Cosigned,
    /// It contradicts the log; `new` unless that was told before.
    Alarm {
        /// With the evidence.
        alarm: Alarm,
        /// Nobody has told it yet.
        new: bool,
    },
    /// Another instance was faster.
    Behind,
    /// It won't, for this reason.
    Refused(&'static str),
    /// There was no answer.
    Unreachable,
    /// Our own store failed.
    Failed(StoreError),
}

impl Heard {
    /// A stable word, for metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Cosigned => "cosigned",
            Self::Alarm { alarm, .. } => alarm.kind.as_str(),
            Self::Behind => "behind",
            Self::Refused(word) => word,
            Self::Unreachable => "unreachable",
            Self::Failed(_) => "store-failed",
        }
    }
}

/// One witness about one log.
#[derive(Debug)]
pub struct Word {
    /// Whose log.
    pub tenant: TenantId,
    /// Its name.
    pub origin: String,
    /// The witness, as the policy names it.
    pub witness: String,
    /// What it said.
    pub heard: Heard,
}

/// What a round brought.
#[derive(Debug, Default)]
pub struct RoundReport {
    /// One for each witness that was asked about a log.
    pub words: Vec<Word>,
    /// How long the latest checkpoint of a log has been without its quorum, for each log for which that is so.
    pub unwitnessed: Vec<(String, Duration)>,
}

/// How it stands with one witness and one log.
#[derive(Debug, Default)]
struct State {
    /// The size it cosigned last.
    old: Option<u64>,
    /// What it cosigned last, and when.
    done: Option<(u64, Hash, Instant)>,
    failures: u32,
    not_before: Option<Instant>,
}

impl State {
    fn due(&self, of: &LogCheckpoint, now: Instant) -> bool {
        let done = |(size, root, at)| (size, root) == (of.size, of.root) && now.duration_since(at) < AGAIN;
        !self.done.is_some_and(done) && self.not_before.is_none_or(|time| now >= time)
    }

    fn failed(&mut self, now: Instant) {
        let pause = PAUSE.saturating_mul(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + pause.mul_f64(rand::random_range(0.5..1.0)));
    }
}

/// Asks the witnesses of a policy about the logs it names.
pub struct Cosigning {
    policy: Policy,
    keys: Vec<CosignerKey>,
    endpoints: Arc<[Endpoint]>,
    origins: Vec<String>,
    logs: Arc<dyn CosignedLogs>,
    witness: Arc<dyn Witness>,
    states: BTreeMap<(TenantId, usize), State>,
    /// The last checkpoint that met the quorum.
    met: BTreeMap<TenantId, (u64, Hash)>,
    /// Since when the latest one has not.
    waiting: BTreeMap<TenantId, Instant>,
}

impl Cosigning {
    /// Over `logs`, through `witness`: the logs that `policy` has lines for.
    #[must_use]
    pub fn new(policy: Policy, logs: Arc<dyn CosignedLogs>, witness: Arc<dyn Witness>) -> Self {
        let mut origins: Vec<String> = policy.logs().iter().map(|log| log.key.origin().to_string()).collect();
        origins.sort();
        origins.dedup();
        Self {
            keys: policy.witnesses().iter().map(|witness| witness.key.clone()).collect(),
            endpoints: Endpoint::of(&policy).into(),
            policy,
            origins,
            logs,
            witness,
            states: BTreeMap::new(),
            met: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }
    }

    /// Asks every witness that is due about the latest checkpoint of every log, all at once, and keeps what it says as
    /// it comes in. Ends when all have answered or run into their time limit.
    ///
    /// # Errors
    /// [`StoreError`] when the latest checkpoints can't be read. What one answer ran into is in the report.
    pub async fn round(&mut self, now: Instant) -> Result<RoundReport, StoreError> {
        let latest = self.logs.latest(&self.origins).await?;
        let mut report = RoundReport::default();
        let (logs, witness, endpoints) = (self.logs.clone(), self.witness.clone(), self.endpoints.clone());
        let mut asked = FuturesUnordered::new();
        for of in &latest {
            for (nth, endpoint) in endpoints.iter().enumerate() {
                let state = self.states.entry((of.tenant, nth)).or_default();
                if !state.due(of, now) {
                    continue;
                }
                let (old, logs, witness) = (state.old, &*logs, &*witness);
                asked.push(async move {
                    let old = match old {
                        Some(old) => Ok(old),
                        None => last_size(logs, of.tenant, endpoint).await,
                    };
                    let answered = match old {
                        Ok(old) => ask(witness, logs, endpoint, of, old).await,
                        Err(error) => Err(error),
                    };
                    (of, nth, endpoint, answered)
                });
            }
        }
        while let Some((of, nth, endpoint, answered)) = asked.next().await {
            let heard = match answered {
                Ok(answered) => self.take(of, answered).await.unwrap_or_else(Heard::Failed),
                Err(error) => Heard::Failed(error),
            };
            self.note(of, nth, &heard, now);
            report.words.push(Word {
                tenant: of.tenant,
                origin: of.origin.clone(),
                witness: endpoint.name.clone(),
                heard,
            });
        }
        for of in &latest {
            if !self.policy.wants_witnesses() && self.met.get(&of.tenant) != Some(&(of.size, of.root)) {
                self.logs.put_witnessed(of).await?;
                self.met.insert(of.tenant, (of.size, of.root));
            }
            if self.met.get(&of.tenant) == Some(&(of.size, of.root)) {
                self.waiting.remove(&of.tenant);
            } else {
                let since = *self.waiting.entry(of.tenant).or_insert(now);
                report.unwitnessed.push((of.origin.clone(), now.duration_since(since)));
            }
        }
        Ok(report)
    }

    /// Acts upon an answer.
    async fn take(&mut self, of: &LogCheckpoint, answered: Answered) -> Result<Heard, StoreError> {
        let alarm = match answered {
            Answered::Cosigned(lines) => {
                self.logs.put_cosignatures(of, &lines).await?;
                if self.is_quorum(of).await? {
                    self.logs.put_witnessed(of).await?;
                    self.met.insert(of.tenant, (of.size, of.root));
                    self.waiting.remove(&of.tenant);
                }
                return Ok(Heard::Cosigned);
            }
            Answered::Refused(word) => return Ok(Heard::Refused(word)),
            Answered::Unreachable => return Ok(Heard::Unreachable),
            // The larger size may be one of ours that another instance sent meanwhile.
            Answered::Ahead(alarm) => {
                let now = self.logs.latest(std::slice::from_ref(&of.origin)).await?;
                if now.iter().any(|now| now.size >= alarm.told) {
                    return Ok(Heard::Behind);
                }
                alarm
            }
            Answered::Contradicts(alarm) => alarm,
        };
        let new = !self.logs.is_told(of.tenant, &alarm).await?;
        Ok(Heard::Alarm { alarm, new })
    }

    async fn is_quorum(&self, of: &LogCheckpoint) -> Result<bool, StoreError> {
        let corrupt = || StoreError::corrupt("audit.cosignature", "line");
        let mut note = of.note.clone();
        for line in self.logs.cosignatures(of).await? {
            note = note.with_signature(line).map_err(|_| corrupt())?;
        }
        let cosigned = cosignatures(&note, &self.keys).map_err(|_| corrupt())?;
        let has = |nth: usize| {
            let key = self.keys.get(nth);
            cosigned.iter().any(|cosigned| Some(cosigned.key) == key)
        };
        Ok(self.policy.is_quorum(has))
    }

    fn note(&mut self, of: &LogCheckpoint, nth: usize, heard: &Heard, now: Instant) {
        let state = self.states.entry((of.tenant, nth)).or_default();
        match heard {
            Heard::Cosigned => {
                *state = State {
                    old: Some(of.size),
                    done: Some((of.size, of.root, now)),
                    ..State::default()
                };
            }
            Heard::Behind => state.old = None,
            Heard::Alarm { .. } | Heard::Refused(_) | Heard::Unreachable | Heard::Failed(_) => state.failed(now),
        }
    }
}

/// The size that the witness at `endpoint` cosigned last, as far as is kept.
async fn last_size(logs: &dyn CosignedLogs, tenant: TenantId, endpoint: &Endpoint) -> Result<u64, StoreError> {
    let mut last = 0;
    for key in &endpoint.keys {
        let cosigner = format!("{}+{}", key.name(), key.id());
        last = last.max(logs.cosigned_size(tenant, &cosigner).await?);
    }
    Ok(last)
}

impl std::fmt::Debug for Cosigning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cosigning")
            .field("endpoints", &self.endpoints)
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}
