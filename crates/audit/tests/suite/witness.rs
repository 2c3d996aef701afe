//! The log's side of the witness protocol, against honest, wrong, slow and absent witnesses.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use keepgate_audit::witness::{
    Alarm, AlarmKind, Answered, CosignedLogs, Cosigning, Endpoint, Heard, LogCheckpoint, RoundReport, Unreachable,
    Witness, WitnessReply, ask,
};
use keepgate_kernel::{TenantId, Uuid};
use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::{Cosigner, Scheme},
    hash::{Hash, leaf_hash},
    note::{NoteSignature, NoteSigner},
    policy::Policy,
    proof::consistency_proof,
    tree::{MemoryTree, root_of},
    witness::{AddCheckpoint, KnownLog, Refusal, SIZE_MEDIA_TYPE, judge},
};
use keepgate_store::StoreError;

const ORIGIN: &str = "log.example/audit/x";

fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN.parse().unwrap(), &[5; 32]).unwrap()
}

/// A log whose keeper may do anything to it.
#[derive(Default)]
struct Keeper {
    leaves: Mutex<Vec<Hash>>,
    kept: Mutex<BTreeMap<(u64, Hash), Vec<NoteSignature>>>,
    witnessed: Mutex<BTreeSet<u64>>,
    told: Mutex<Vec<Alarm>>,
}

impl Keeper {
    /// From now on the log has `size` leaves; those from `fork` on are others than before.
    fn is(&self, size: usize, fork: usize) {
        let leaf = |n: usize| leaf_hash(format!("{n} {}", if n >= fork { fork } else { usize::MAX }).as_bytes());
        *self.leaves.lock().unwrap() = (0..size).map(leaf).collect();
    }

    fn grows_to(&self, size: usize) {
        self.is(size, usize::MAX);
    }

    fn witnessed(&self, size: u64) -> bool {
        self.witnessed.lock().unwrap().contains(&size)
    }
}

#[async_trait]
impl CosignedLogs for Keeper {
    async fn latest(&self, origins: &[String]) -> Result<Vec<LogCheckpoint>, StoreError> {
        assert_eq!(origins, [ORIGIN]);
        let leaves = self.leaves.lock().unwrap().clone();
        let (size, root) = (leaves.len() as u64, root_of(&leaves));
        let origin = ORIGIN.to_owned();
        let note = Checkpoint { origin, size, root }.sign(&signer()).unwrap();
        let (tenant, origin) = (TenantId::from_uuid(Uuid::nil()), ORIGIN.to_owned());
        Ok(vec![LogCheckpoint {
            tenant,
            origin,
            size,
            root,
            note,
        }])
    }
    async fn consistency(&self, _: TenantId, first: u64, second: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        let tree: MemoryTree = self.leaves.lock().unwrap().iter().copied().collect();
        Ok(Some(consistency_proof(first, second, &tree).unwrap()))
    }
    async fn cosigned_size(&self, _: TenantId, _: &str) -> Result<u64, StoreError> {
        Ok(0)
    }
    async fn cosignatures(&self, of: &LogCheckpoint) -> Result<Vec<NoteSignature>, StoreError> {
        Ok(self
            .kept
            .lock()
            .unwrap()
            .get(&(of.size, of.root))
            .cloned()
            .unwrap_or_default())
    }
    async fn put_cosignatures(&self, of: &LogCheckpoint, lines: &[NoteSignature]) -> Result<(), StoreError> {
        let mut kept = self.kept.lock().unwrap();
        kept.entry((of.size, of.root)).or_default().extend_from_slice(lines);
        Ok(())
    }
    async fn put_witnessed(&self, of: &LogCheckpoint) -> Result<(), StoreError> {
        self.witnessed.lock().unwrap().insert(of.size);
        Ok(())
    }
    async fn is_told(&self, _: TenantId, alarm: &Alarm) -> Result<bool, StoreError> {
        let same = |told: &Alarm| (&told.witness, told.kind, told.told) == (&alarm.witness, alarm.kind, alarm.told);
        Ok(self.told.lock().unwrap().iter().any(same))
    }
}

/// What a witness does instead of what it should.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Honest,
    /// Answers nothing.
    Gone,
    Says(u16, &'static str),
    /// Cosigns with a key that the policy does not know.
    OtherKey,
    /// Cosigns another checkpoint.
    OtherText,
}

struct One {
    cosigner: Cosigner,
    mood: Mood,
    latest: Option<Checkpoint>,
    asked: usize,
}

/// Witnesses by URL: those of `merkle::witness`, which `keepgate witness` is made of.
struct Bench(Mutex<BTreeMap<String, One>>);

fn cosigner(seed: u8) -> Cosigner {
    Cosigner::from_seed(
        format!("w.example/{seed}").parse().unwrap(),
        Scheme::Ed25519,
        &[seed; 32],
    )
    .unwrap()
}

fn url(seed: u8) -> String {
    format!("https://w.example/{seed}")
}

impl Bench {
    fn of(count: u8) -> Arc<Self> {
        let one = |seed| One {
            cosigner: cosigner(seed),
            mood: Mood::Honest,
            latest: None,
            asked: 0,
        };
        Arc::new(Self(Mutex::new(
            (1..=count).map(|seed| (url(seed), one(seed))).collect(),
        )))
    }
    fn mood(&self, seed: u8, mood: Mood) {
        self.0.lock().unwrap().get_mut(&url(seed)).unwrap().mood = mood;
    }
    fn asked(&self, seed: u8) -> usize {
        self.0.lock().unwrap()[&url(seed)].asked
    }
}

#[async_trait]
impl Witness for Bench {
    async fn add_checkpoint(&self, url: &str, body: String) -> Result<WitnessReply, Unreachable> {
        let mut all = self.0.lock().unwrap();
        let one = all.get_mut(url).unwrap();
        one.asked += 1;
        let reply = |status, media: &str, body: String| WitnessReply {
            status,
            media_type: media.to_owned(),
            body: body.into_bytes(),
        };
        let request = AddCheckpoint::parse(body.as_bytes()).unwrap();
        match one.mood {
            Mood::Gone => return Err(Unreachable),
            Mood::Says(status, body) => return Ok(reply(status, SIZE_MEDIA_TYPE, body.to_owned())),
            Mood::OtherKey => {
                let line = cosigner(99).cosign(request.checkpoint.text(), 7).unwrap();
                return Ok(reply(200, "text/plain", line.to_string()));
            }
            Mood::OtherText => {
                let line = one
                    .cosigner
                    .cosign(&request.checkpoint.text().replace("audit/x", "audit/y"), 7)
                    .unwrap();
                return Ok(reply(200, "text/plain", line.to_string()));
            }
            Mood::Honest => {}
        }
        let known = KnownLog {
            origin: ORIGIN.to_owned(),
            keys: vec![signer().verifier().clone()],
        };
        match judge(&request, Some(&known), one.latest.as_ref()) {
            Ok(checkpoint) => {
                one.latest = Some(checkpoint);
                let line = one.cosigner.cosign(request.checkpoint.text(), 7).unwrap();
                Ok(reply(200, "text/plain", line.to_string()))
            }
            Err(Refusal::Stale { size }) => Ok(reply(409, SIZE_MEDIA_TYPE, format!("{size}\n"))),
            Err(refusal) => Ok(reply(refusal.status(), "text/plain", refusal.to_string())),
        }
    }
}

fn cosigning(keeper: &Arc<Keeper>, bench: &Arc<Bench>, count: u8, threshold: u8) -> Cosigning {
    let mut text = format!("log {}\n", signer().verifier());
    let mut names = String::new();
    for seed in 1..=count {
        text += &format!("witness w{seed} {} {}\n", cosigner(seed).verifier(), url(seed));
        names += &format!(" w{seed}");
    }
    text += &format!("group all {threshold}{names}\nquorum all\n");
    Cosigning::new(Policy::parse(text.as_bytes()).unwrap(), keeper.clone(), bench.clone())
}

fn heard(report: &RoundReport) -> Vec<(String, &'static str)> {
    let mut words: Vec<_> = report
        .words
        .iter()
        .map(|word| (word.witness.clone(), word.heard.as_str()))
        .collect();
    words.sort();
    words
}

fn one(report: &RoundReport) -> &'static str {
    assert_eq!(report.words.len(), 1, "{report:?}");
    report.words[0].heard.as_str()
}

#[tokio::test]
async fn the_first_checkpoint_a_growing_log_and_a_stale_view_are_cosigned() {
    let (keeper, bench) = (Arc::new(Keeper::default()), Bench::of(1));
    let mut cosigning = cosigning(&keeper, &bench, 1, 1);
    for size in [1, 5, 256, 257, 700] {
        keeper.grows_to(size);
        assert_eq!(one(&cosigning.round(Instant::now()).await.unwrap()), "cosigned");
        assert!(keeper.witnessed(size as u64));
    }
    assert_eq!(bench.asked(1), 5, "each once: what it cosigned last is remembered");
    // Another process knows nothing of that, and is corrected.
    let mut another = self::cosigning(&keeper, &bench, 1, 1);
    keeper.grows_to(900);
    assert_eq!(one(&another.round(Instant::now()).await.unwrap()), "cosigned");
    assert_eq!(bench.asked(1), 7);
    // What the first one believes is stale now.
    keeper.grows_to(1_000);
    assert_eq!(one(&cosigning.round(Instant::now()).await.unwrap()), "cosigned");
}

#[tokio::test]
async fn a_log_that_stands_still_is_asked_about_again_only_after_ten_minutes() {
    let (keeper, bench) = (Arc::new(Keeper::default()), Bench::of(1));
    keeper.grows_to(3);
    let mut cosigning = cosigning(&keeper, &bench, 1, 1);
    let start = Instant::now();
    assert_eq!(cosigning.round(start).await.unwrap().words.len(), 1);
    assert_eq!(
        cosigning
            .round(start + Duration::from_secs(599))
            .await
            .unwrap()
            .words
            .len(),
        0
    );
    assert_eq!(
        one(&cosigning.round(start + Duration::from_secs(600)).await.unwrap()),
        "cosigned"
    );
}

/// What came of the latest state of `keeper` after a witness cosigned 20 leaves.
async fn after_twenty(change: impl Fn(&Keeper)) -> (AlarmKind, u64, Arc<Keeper>, Arc<Bench>, Cosigning) {
    let (keeper, bench) = (Arc::new(Keeper::default()), Bench::of(1));
    let mut cosigning = cosigning(&keeper, &bench, 1, 1);
    keeper.grows_to(20);
    let start = Instant::now();
    cosigning.round(start).await.unwrap();
    change(&keeper);
    let mut report = cosigning.round(start + Duration::from_mins(1)).await.unwrap();
    let Heard::Alarm { alarm, new: true } = report.words.remove(0).heard else {
        panic!("no alarm: {report:?}");
    };
    let signed = AddCheckpoint::parse(alarm.request.as_bytes()).unwrap();
    assert!(
        signed.checkpoint.open(&[signer().verifier().clone()]).is_ok(),
        "the evidence is signed by the log"
    );
    keeper.told.lock().unwrap().push(alarm.clone());
    (alarm.kind, alarm.told, keeper, bench, cosigning)
}

#[tokio::test]
async fn a_rollback_a_fork_and_a_rewritten_past_are_alarms() {
    let (kind, told, keeper, _, mut cosigning) = after_twenty(|keeper| keeper.grows_to(15)).await;
    assert_eq!((kind, told), (AlarmKind::Ahead, 20), "rolled back");
    let later = Instant::now() + Duration::from_mins(3);
    let report = cosigning.round(later).await.unwrap();
    let told_again = matches!(report.words[0].heard, Heard::Alarm { new: false, .. });
    assert!(told_again, "it stands, and is told once: {report:?}");
    assert!(!report.unwitnessed.is_empty());
    // What was lost is back: the witness goes on, and so does the log.
    keeper.grows_to(22);
    assert_eq!(
        one(&cosigning.round(later + Duration::from_mins(3)).await.unwrap()),
        "cosigned"
    );

    let (kind, told, ..) = after_twenty(|keeper| keeper.is(20, 10)).await;
    assert_eq!(
        (kind, told),
        (AlarmKind::Inconsistent, 20),
        "another root at the same size"
    );
    let (kind, told, keeper, ..) = after_twenty(|keeper| keeper.is(30, 10)).await;
    assert_eq!((kind, told), (AlarmKind::Inconsistent, 20), "another past");
    assert!(!keeper.witnessed(30));
    // Rolled back and written on, past what the witness saw.
    let (kind, ..) = after_twenty(|keeper| keeper.is(25, 19)).await;
    assert_eq!(kind, AlarmKind::Inconsistent, "the newest entry was replaced");
}

#[tokio::test]
async fn two_instances_that_ask_at_once_raise_no_alarm() {
    let (keeper, bench) = (Arc::new(Keeper::default()), Bench::of(1));
    let (mut one_instance, mut other) = (cosigning(&keeper, &bench, 1, 1), cosigning(&keeper, &bench, 1, 1));
    for size in [5, 9, 12] {
        keeper.grows_to(size);
        assert_eq!(one(&one_instance.round(Instant::now()).await.unwrap()), "cosigned");
        assert_eq!(one(&other.round(Instant::now()).await.unwrap()), "cosigned");
    }
    // The one's checkpoint is older than what the other has sent meanwhile.
    let endpoint = Endpoint {
        name: "w1".into(),
        url: url(1),
        keys: vec![cosigner(1).verifier().clone()],
    };
    keeper.grows_to(10);
    let old = keeper.latest(&[ORIGIN.to_owned()]).await.unwrap().remove(0);
    let answered = ask(&*bench, &*keeper, &endpoint, &old, 9).await.unwrap();
    assert!(matches!(answered, Answered::Ahead(alarm) if alarm.told == 12));
    keeper.grows_to(13);
    assert_eq!(one(&one_instance.round(Instant::now()).await.unwrap()), "cosigned");
}

#[tokio::test]
async fn whatever_else_a_witness_says_is_no_cosignature() {
    let cases = [
        (Mood::Gone, "unreachable"),
        (Mood::OtherKey, "bad-cosignature"),
        (Mood::OtherText, "bad-cosignature"),
        (Mood::Says(200, ""), "bad-cosignature"),
        (Mood::Says(200, "garbage\u{0}\n\n\n— x"), "bad-cosignature"),
        (Mood::Says(400, "no"), "malformed"),
        (Mood::Says(403, "no"), "key-not-trusted"),
        (Mood::Says(404, "no"), "log-unknown"),
        (Mood::Says(409, "garbage\n"), "bad-size"),
        (Mood::Says(409, "007\n"), "bad-size"),
        (Mood::Says(409, "7"), "bad-size"),
        (Mood::Says(409, "20\n"), "inconsistent"),
        (Mood::Says(429, ""), "too-many-requests"),
        (Mood::Says(500, ""), "witness-failed"),
        (Mood::Says(302, ""), "unexpected-status"),
    ];
    for (mood, wanted) in cases {
        let (keeper, bench) = (Arc::new(Keeper::default()), Bench::of(1));
        let mut cosigning = cosigning(&keeper, &bench, 1, 1);
        keeper.grows_to(20);
        let start = Instant::now();
        cosigning.round(start).await.unwrap();
        // "20" to a question from 20 at size 20: in the protocol's first version, another root at the same size.
        bench.mood(1, mood);
        let again = start + Duration::from_mins(11);
        assert_eq!(one(&cosigning.round(again).await.unwrap()), wanted);
        keeper.grows_to(30);
        let asked = bench.asked(1);
        let report = cosigning.round(again + Duration::from_millis(400)).await.unwrap();
        assert_eq!((report.words.len(), bench.asked(1)), (0, asked), "it is given a rest");
        assert_eq!(report.unwitnessed.len(), 1);
        bench.mood(1, Mood::Honest);
        let report = cosigning.round(again + Duration::from_mins(2)).await.unwrap();
        assert_eq!(
            (one(&report), report.unwitnessed.len()),
            ("cosigned", 0),
            "and asked again"
        );
    }
}

#[tokio::test]
async fn a_quorum_is_two_of_three_and_one_witness_counts_once() {
    let (keeper, bench) = (Arc::new(Keeper::default()), Bench::of(3));
    let mut cosigning = cosigning(&keeper, &bench, 3, 2);
    keeper.grows_to(4);
    bench.mood(2, Mood::Gone);
    bench.mood(3, Mood::OtherKey);
    let start = Instant::now();
    let report = cosigning.round(start).await.unwrap();
    let words = [("w1", "cosigned"), ("w2", "unreachable"), ("w3", "bad-cosignature")];
    assert_eq!(heard(&report), words.map(|(who, what)| (who.to_owned(), what)));
    let again = start + Duration::from_mins(11);
    assert_eq!(
        cosigning.round(again).await.unwrap().unwitnessed[0].1,
        Duration::from_mins(11)
    );
    assert!(!keeper.witnessed(4), "twice the same witness is no quorum");
    bench.mood(2, Mood::Honest);
    let report = cosigning.round(again + Duration::from_mins(2)).await.unwrap();
    assert!(keeper.witnessed(4) && report.unwitnessed.is_empty(), "{report:?}");
}
