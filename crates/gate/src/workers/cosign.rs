//! Takes each new checkpoint to the witnesses, and tells when one of them saw another past. Nobody waits for it.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use keepgate_audit::{
    operations::TellWitnessAlarm,
    witness::{Alarm, Cosigning, Heard, META_LOG, RoundReport, Word},
};
use keepgate_kernel::{RequestId, TenantId};
use keepgate_policy::OpContext;
use tokio::sync::{Notify, watch};

use crate::Service;

/// Looks at least so often, in case nobody rang.
const LOOK: Duration = Duration::from_secs(1);
/// Rounds are so far apart, however fast checkpoints come.
const REST: Duration = Duration::from_millis(200);
/// A checkpoint without its quorum for longer is worth a warning.
const PATIENCE: Duration = Duration::from_secs(5);

/// Contradictions between witnesses and logs that stand. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct WitnessHealth(Arc<Mutex<BTreeMap<(String, String), String>>>);

impl WitnessHealth {
    /// What is wrong, in words; `None` while no witness contradicts a log.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let alarms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        alarms.values().next().cloned()
    }

    fn set(&self, place: (String, String), alarm: Option<&Alarm>) {
        let mut alarms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match alarm {
            Some(alarm) => {
                let Alarm {
                    witness, kind, told, ..
                } = alarm;
                let words = format!(
                    "witness {witness} contradicts the audit log ({} at {told}): see docs/security/witnesses.md",
                    kind.as_str()
                );
                alarms.insert(place, words);
            }
            None => _ = alarms.remove(&place),
        }
        metrics::gauge!("keepgate_witness_alarms").set(f64::from(u32::try_from(alarms.len()).unwrap_or(u32::MAX)));
    }
}

/// Goes on until `stop` turns true; `wake` rings after each signed checkpoint.
pub async fn cosign(
    gate: Service,
    platform: TenantId,
    mut cosigning: Cosigning,
    wake: Arc<Notify>,
    health: WitnessHealth,
    mut stop: watch::Receiver<bool>,
) {
    let mut said = BTreeMap::new();
    let mut late = false;
    while !*stop.borrow() {
        match cosigning.round(Instant::now()).await {
            Ok(report) => {
                late = tell_lateness(&report, late);
                for mut word in report.words {
                    if word.tenant == META_LOG {
                        word.tenant = platform;
                    }
                    hear(&gate, &health, word, &mut said).await;
                }
            }
            Err(error) => tracing::warn!(error = %error, "checkpoints can't be taken to witnesses"),
        }
        tokio::select! {
            () = async { tokio::time::sleep(REST).await; wake.notified().await } => {}
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Warns when it begins and says when it is over.
fn tell_lateness(report: &RoundReport, late: bool) -> bool {
    let longest = report.unwitnessed.iter().max_by_key(|(_, since)| *since);
    let since = longest.map_or(Duration::ZERO, |(_, since)| *since);
    metrics::gauge!("keepgate_audit_unwitnessed_seconds").set(since.as_secs_f64());
    let is_late = since > PATIENCE;
    match (late, longest) {
        (false, Some((origin, _))) if is_late => {
            tracing::warn!(
                log = origin,
                "the latest checkpoint has no quorum of witnesses; writing goes on"
            );
        }
        (true, _) if !is_late => tracing::info!("every latest checkpoint has its quorum of witnesses again"),
        _ => {}
    }
    is_late
}

async fn hear(gate: &Service, health: &WitnessHealth, word: Word, said: &mut BTreeMap<(String, String), &'static str>) {
    let Word {
        tenant,
        origin,
        witness,
        heard,
    } = word;
    let what = heard.as_str();
    metrics::counter!("keepgate_witness_answers", "witness" => witness.clone(), "answer" => what).increment(1);
    let place = (origin.clone(), witness.clone());
    if !matches!(heard, Heard::Behind) && said.insert(place.clone(), what) != Some(what) {
        match &heard {
            Heard::Cosigned => tracing::info!(log = origin, witness, "the witness cosigns"),
            Heard::Alarm { alarm, .. } => {
                tracing::error!(
                    log = origin,
                    witness,
                    kind = what,
                    told = alarm.told,
                    "A WITNESS SAW ANOTHER PAST OF THE AUDIT LOG"
                );
            }
            _ => tracing::warn!(log = origin, witness, answer = what, "the witness does not cosign"),
        }
    }
    match heard {
        Heard::Cosigned => health.set(place, None),
        Heard::Alarm { alarm, new } => {
            health.set(place, Some(&alarm));
            if new {
                tell(gate, tenant, alarm).await;
            }
        }
        _ => {}
    }
}

/// The leaf and the evidence. If that fails the alarm is still new the next time.
async fn tell(gate: &Service, tenant: TenantId, alarm: Alarm) {
    let now = gate.clock().now();
    let context = OpContext::system(tenant, RequestId::new(now), now);
    if let Err(error) = gate.perform(&context, &TellWitnessAlarm { alarm }).await {
        tracing::error!(error = %error, "the alarm of a witness can't be recorded; it is tried again");
    }
}
