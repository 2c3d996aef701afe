//! The witness protocol: every refusal of the document, and no sequence of requests that rolls a witness back.

use keepgate_merkle::checkpoint::Checkpoint;
use keepgate_merkle::cosignature::Scheme;
use keepgate_merkle::hash::{Hash, empty_root, leaf_hash};
use keepgate_merkle::note::{Note, NoteSigner};
use keepgate_merkle::proof::consistency_proof;
use keepgate_merkle::tree::{MemoryTree, root_of};
use keepgate_merkle::witness::{
    AddCheckpoint, KnownLog, MAX_PROOF, MAX_REQUEST_BYTES, ParseAddCheckpoint, ReadAnswer, Refusal, judge, read_answer,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::cosignatures::cosigner;
use crate::support::{ORIGIN, entry, signer, signer_named, vkey};

/// A log whose entries from `fork` on are others than usual.
struct Log {
    leaves: Vec<Hash>,
}

impl Log {
    fn honest(size: u64) -> Self {
        Self::forked(size, size)
    }

    fn forked(size: u64, fork: u64) -> Self {
        let leaf = |index: u64| {
            if index < fork {
                leaf_hash(&entry(index))
            } else {
                leaf_hash(b"another past")
            }
        };
        Self {
            leaves: (0..size).map(leaf).collect(),
        }
    }

    fn at(&self, size: usize) -> Checkpoint {
        let root = root_of(&self.leaves[..size]);
        Checkpoint {
            origin: ORIGIN.into(),
            size: size as u64,
            root,
        }
    }

    fn request(&self, old: usize, size: usize) -> AddCheckpoint {
        let tree: MemoryTree = self.leaves.iter().copied().collect();
        let proof = if old == 0 || old >= size {
            vec![]
        } else {
            consistency_proof(old as u64, size as u64, &tree).unwrap()
        };
        AddCheckpoint {
            old: old as u64,
            proof,
            checkpoint: self.at(size).sign(&signer()).unwrap(),
        }
    }
}

fn known() -> KnownLog {
    KnownLog {
        origin: ORIGIN.into(),
        keys: vec![vkey()],
    }
}

fn status(request: &AddCheckpoint, latest: Option<&Checkpoint>) -> u16 {
    judge(request, Some(&known()), latest).map_or_else(|refusal| refusal.status(), |_| 200)
}

#[test]
fn a_log_that_only_appends_is_followed() {
    let log = Log::honest(700);
    let mut latest = None;
    for (old, size) in [(0, 0), (0, 1), (1, 1), (1, 256), (256, 257), (257, 700)] {
        let request = log.request(old, size);
        let request = AddCheckpoint::parse(request.to_string().as_bytes()).unwrap();
        latest = Some(judge(&request, Some(&known()), latest.as_ref()).unwrap());
        assert_eq!(latest.as_ref().unwrap().size, size as u64);
    }
}

#[test]
fn every_refusal_has_the_status_of_the_document() {
    let (log, fork) = (Log::honest(70), Log::forked(70, 10));
    let latest = Some(log.at(20));
    let latest = latest.as_ref();
    let sign = |checkpoint: Checkpoint, by: &NoteSigner| AddCheckpoint {
        old: 20,
        proof: vec![],
        checkpoint: checkpoint.sign(by).unwrap(),
    };

    assert_eq!(status(&log.request(20, 70), latest), 200);
    let unknown = judge(&log.request(20, 70), None, latest).unwrap_err();
    assert_eq!((unknown.status(), unknown), (404, Refusal::UnknownLog));
    let other = KnownLog {
        origin: "log.example/other".into(),
        keys: vec![vkey()],
    };
    assert_eq!(
        judge(&log.request(20, 70), Some(&other), latest).unwrap_err().status(),
        404
    );

    let stranger = signer_named(ORIGIN, "a thief's key");
    assert_eq!(
        status(&sign(log.at(70), &stranger), latest),
        403,
        "no key that is trusted"
    );
    let mut bent = log.request(20, 70);
    let text = bent.checkpoint.text().replacen("70", "71", 1);
    bent.checkpoint = Note::new(text, bent.checkpoint.signatures().to_vec()).unwrap();
    assert_eq!(
        status(&bent, latest),
        403,
        "a trusted key's signature that does not hold"
    );

    assert_eq!(
        status(
            &AddCheckpoint {
                old: 21,
                ..log.request(20, 20)
            },
            latest
        ),
        400,
        "old above the size"
    );
    assert_eq!(
        status(&log.request(10, 70), latest),
        409,
        "the log believes in an older state"
    );
    assert_eq!(
        status(&log.request(30, 70), latest),
        409,
        "the log believes in a newer state"
    );
    assert_eq!(
        judge(&log.request(0, 70), Some(&known()), latest),
        Err(Refusal::Stale { size: 20 })
    );
    assert_eq!(status(&log.request(10, 10), latest), 409, "a rollback");
    assert_eq!(
        status(&log.request(20, 10), latest),
        400,
        "a rollback that tells the truth about the old size"
    );

    assert_eq!(
        status(&fork.request(20, 20), latest),
        422,
        "another root at the same size"
    );
    assert_eq!(status(&fork.request(20, 70), latest), 422, "another past");
    let mut short = log.request(20, 70);
    short.proof.pop();
    assert_eq!(status(&short, latest), 422, "a proof too short");
    let long = AddCheckpoint {
        proof: vec![empty_root()],
        ..log.request(20, 20)
    };
    assert_eq!(status(&long, latest), 422, "a proof for equal sizes");
    let from_nothing = AddCheckpoint {
        proof: vec![empty_root()],
        ..log.request(0, 20)
    };
    assert_eq!(status(&from_nothing, None), 422, "a proof from the empty tree");
    let hollow = Checkpoint {
        root: leaf_hash(b""),
        ..log.at(0)
    };
    let hollow = AddCheckpoint {
        old: 0,
        ..sign(hollow, &signer())
    };
    assert_eq!(status(&hollow, None), 422, "an empty tree with another root");
    assert!(
        judge(&fork.request(20, 70), Some(&known()), latest)
            .unwrap_err()
            .is_evidence()
    );

    let text = AddCheckpoint {
        checkpoint: signer().sign("no checkpoint\n").unwrap(),
        ..log.request(20, 70)
    };
    assert_eq!(status(&text, latest), 400);
}

#[test]
fn what_is_no_request_is_refused() {
    let good = Log::honest(70).request(20, 70).to_string();
    let (first, rest) = good.split_once('\n').unwrap();
    let hashes = |count: usize| {
        format!(
            "old 20\n{}\n{}",
            format!("{}\n", empty_root()).repeat(count),
            good.split_once("\n\n").unwrap().1
        )
    };
    for (bad, wanted) in [
        (String::new(), ParseAddCheckpoint::Old),
        (format!("{first}\n"), ParseAddCheckpoint::NoCheckpoint),
        (format!("old 020\n{rest}"), ParseAddCheckpoint::Old),
        (format!("old +20\n{rest}"), ParseAddCheckpoint::Old),
        (format!("old 20\r\n{rest}"), ParseAddCheckpoint::Old),
        (format!("Old 20\n{rest}"), ParseAddCheckpoint::Old),
        (format!("old  20\n{rest}"), ParseAddCheckpoint::Old),
        (hashes(MAX_PROOF + 1), ParseAddCheckpoint::TooManyHashes),
        (
            format!("{good}x"),
            ParseAddCheckpoint::Checkpoint(keepgate_merkle::note::ParseNote::SignatureLine),
        ),
        (" ".repeat(MAX_REQUEST_BYTES + 1), ParseAddCheckpoint::TooLong),
    ] {
        assert_eq!(AddCheckpoint::parse(bad.as_bytes()), Err(wanted), "{:.60}", bad);
    }
    assert!(AddCheckpoint::parse(hashes(MAX_PROOF).as_bytes()).is_ok());
    assert_eq!(AddCheckpoint::parse(b"old 1\n\xFF"), Err(ParseAddCheckpoint::NotUtf8));
    assert!(matches!(
        AddCheckpoint::parse(b"old 1\nAAAA\n\n"),
        Err(ParseAddCheckpoint::Hash(_))
    ));
}

#[test]
fn of_an_answer_only_what_a_known_key_signed_over_this_checkpoint_is_taken() {
    let (w, stranger) = (cosigner("w/1", Scheme::Ed25519, 1), cosigner("w/2", Scheme::MlDsa44, 2));
    let log = Log::honest(9);
    let (note, earlier) = (log.request(0, 9).checkpoint, log.request(0, 8).checkpoint);
    let known = [w.verifier().clone()];
    let line =
        |by: &keepgate_merkle::cosignature::Cosigner, note: &Note| by.cosign(note.text(), 7).unwrap().to_string();
    let both = format!("{}{}", line(&stranger, &note), line(&w, &note));
    let taken = read_answer(both.as_bytes(), &note, &known).unwrap();
    assert_eq!(
        taken.iter().map(|line| line.name().to_string()).collect::<Vec<_>>(),
        ["w/1"]
    );
    let refused = |answer: String| read_answer(answer.as_bytes(), &note, &known).unwrap_err();
    assert_eq!(refused(line(&stranger, &note)), ReadAnswer::NotCosigned);
    assert!(matches!(refused(line(&w, &earlier)), ReadAnswer::Wrong(_)));
    for malformed in ["", "\n", "9\n", "hello", "more text\n\n"] {
        assert!(
            matches!(refused(malformed.to_owned()), ReadAnswer::Malformed(_)),
            "{malformed:?}"
        );
    }
    let smuggled = format!("more\n\n{}", line(&w, &note));
    assert!(
        matches!(refused(smuggled), ReadAnswer::Malformed(_)),
        "another text before the lines"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever logs, honest and forked, ask in whatever order: what a witness cosigned is one history that only grows.
    #[test]
    fn a_witness_never_signs_two_histories(fork in 0_u64..40, asked in vec((any::<bool>(), 0_usize..40, 0_usize..40), 1..40)) {
        let logs = [Log::honest(40), Log::forked(40, fork)];
        let mut signed: Vec<Checkpoint> = vec![];
        for (which, old, size) in asked {
            let log = &logs[usize::from(which)];
            let old = if old % 3 == 0 { usize::try_from(signed.last().map_or(0, |last| last.size)).unwrap() } else { old };
            if let Ok(next) = judge(&log.request(old, size), Some(&known()), signed.last()) {
                signed.push(next);
            }
        }
        prop_assert!(signed.windows(2).all(|pair| pair[0].size <= pair[1].size));
        let of = |log: &Log| signed.iter().all(|seen| log.at(usize::try_from(seen.size).unwrap()).root == seen.root);
        prop_assert!(of(&logs[0]) || of(&logs[1]));
    }
}

proptest! {
    #[test]
    fn any_bytes_as_a_request(bytes in vec(any::<u8>(), 0..200), text in "(old [0-9]{0,3}\n)?([A-Za-z0-9+/]{43}=\n){0,3}\n?.{0,40}") {
        for bytes in [bytes, text.into_bytes()] {
            if let Ok(request) = AddCheckpoint::parse(&bytes) {
                prop_assert_eq!(request.to_string().into_bytes(), bytes);
            }
        }
    }

    #[test]
    fn a_request_with_a_byte_changed(at: Index, byte: u8) {
        let mut bytes = Log::honest(70).request(20, 70).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(request) = AddCheckpoint::parse(&bytes) {
            prop_assert_eq!(request.to_string().into_bytes(), bytes);
        }
    }
}
