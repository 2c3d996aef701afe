//! What is cosigned, what is refused, what is remembered.
use std::sync::Arc;

use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::{CosignerKey, cosignatures},
    note::Note,
    witness::{KnownLog, Refusal, read_answer},
};
use keepgate_witness::{BadWitness, MAX_EVIDENCE, MemoryStore, Refused, Witness};
use proptest::prelude::*;

use crate::support::{ORIGIN, Set, cosigner, forked, known, note, on_both, request, signer, witness_on};

const NOON: &str = "2026-01-02T12:00:00Z";
const NOON_SECONDS: u64 = 1_767_355_200;

fn status(told: &Result<String, Refused>) -> u16 {
    told.as_ref().map_or_else(Refused::status, |_| 200)
}

fn hash_of_origin() -> String {
    use sha2::{Digest, Sha256};
    data_encoding::HEXLOWER.encode(&Sha256::digest(ORIGIN))
}

#[test]
fn a_log_that_appends_gets_cosignatures_by_every_key_and_monitors_see_them() {
    on_both(|store| {
        let witness = witness_on(store, &Set::at(NOON));
        assert_eq!(witness.checkpoint(&hash_of_origin()).unwrap(), None);
        for (old, size) in [(0, 3), (3, 3), (3, 300), (300, 70_00)] {
            let leaves = forked(size, size);
            let answer = witness.add_checkpoint(&request(old, &leaves)).unwrap();
            let keys: Vec<CosignerKey> = witness.keys().cloned().collect();
            assert_eq!(read_answer(answer.as_bytes(), &note(&leaves), &keys).unwrap().len(), 2);
            let kept = witness.checkpoint(&hash_of_origin()).unwrap().unwrap();
            let times: Vec<u64> = cosignatures(&kept, &keys)
                .unwrap()
                .iter()
                .map(|seen| seen.time)
                .collect();
            assert_eq!(times, [NOON_SECONDS; 2]);
            let known = [signer().verifier().clone()];
            assert_eq!(Checkpoint::open_note(&kept, ORIGIN, &known).unwrap().size, size as u64);
        }
        assert_eq!(witness.checkpoint("00").unwrap(), None);
    });
}

#[test]
fn what_contradicts_the_last_checkpoint_is_refused_and_kept_as_evidence_once() {
    on_both(|store| {
        let witness = witness_on(store, &Set::at(NOON));
        witness.add_checkpoint(&request(0, &forked(20, 20))).unwrap();
        let fork = request(20, &forked(30, 10));
        for _ in 0..2 {
            assert_eq!(status(&witness.add_checkpoint(&fork)), 422);
        }
        assert_eq!(status(&witness.add_checkpoint(&request(20, &forked(20, 10)))), 422);
        for (old, size, wanted) in [(10, 30, 409), (20, 10, 400), (10, 10, 409)] {
            assert_eq!(
                status(&witness.add_checkpoint(&request(old, &forked(size, size)))),
                wanted,
                "{old} {size}"
            );
        }
        let size = |hash: &str| {
            witness
                .checkpoint(hash)
                .unwrap()
                .map(|kept| kept.text().parse::<Checkpoint>().unwrap().size)
        };
        assert_eq!(size(&hash_of_origin()), Some(20));
        let kept = format!("{witness:?}");
        assert!(!kept.contains("[8, 8") && !kept.contains("0808"), "no key is shown");
        assert_eq!(
            status(&witness.add_checkpoint(&request(20, &forked(30, 30)))),
            200,
            "the honest log goes on"
        );
    });
}

#[test]
fn evidence_is_bounded_and_byte_for_byte() {
    on_both(|store| {
        for nth in 0..MAX_EVIDENCE + 5 {
            store.keep(ORIGIN, format!("request {nth}").as_bytes()).unwrap();
            store.keep(ORIGIN, b"request 0").unwrap();
        }
        let evidence = store.evidence(ORIGIN).unwrap();
        assert_eq!(evidence.len(), MAX_EVIDENCE);
        assert!(evidence.contains(&b"request 0".to_vec()));
        assert_eq!(store.evidence("another/log").unwrap(), Vec::<Vec<u8>>::new());
    });
}

#[test]
fn strangers_logs_and_nonsense_leave_no_trace() {
    on_both(|store| {
        let witness = witness_on(store, &Set::at(NOON));
        assert_eq!(status(&witness.add_checkpoint(b"hello")), 400);
        let text = String::from_utf8(request(0, &forked(3, 3))).unwrap();
        assert_eq!(
            status(&witness.add_checkpoint(text.replacen(ORIGIN, "log.example/other", 1).as_bytes())),
            404
        );
        assert_eq!(
            status(&witness.add_checkpoint(text.replacen("\n3\n", "\n4\n", 1).as_bytes())),
            403
        );
        assert_eq!(witness.checkpoint(&hash_of_origin()).unwrap(), None);
    });
}

#[test]
fn a_clock_set_back_does_not_go_back_here() {
    on_both(|store| {
        let clock = Set::at(NOON);
        let witness = witness_on(store, &clock);
        witness.add_checkpoint(&request(0, &forked(3, 3))).unwrap();
        clock.to("2026-01-02T11:00:00Z");
        let answer = witness.add_checkpoint(&request(3, &forked(4, 4))).unwrap();
        let keys: Vec<CosignerKey> = witness.keys().cloned().collect();
        let signed = note(&forked(4, 4)).to_string() + &answer;
        let signed: Note = signed.parse().unwrap();
        assert!(
            cosignatures(&signed, &keys)
                .unwrap()
                .iter()
                .all(|seen| seen.time == NOON_SECONDS)
        );
        clock.to("1960-01-02T11:00:00Z");
        assert!(witness.add_checkpoint(&request(4, &forked(5, 5))).is_ok());
    });
}

#[test]
fn signatures_of_strangers_are_not_kept() {
    on_both(|store| {
        let witness = witness_on(store, &Set::at(NOON));
        let leaves = forked(3, 3);
        let stranger = keepgate_merkle::cosignature::Cosigner::from_seed(
            "witness.example/w9".parse().unwrap(),
            keepgate_merkle::cosignature::Scheme::Ed25519,
            &[9; 32],
        )
        .unwrap();
        let line = stranger.cosign(note(&leaves).text(), 1).unwrap();
        let body = format!("old 0\n\n{}", note(&leaves).with_signature(line).unwrap());
        witness.add_checkpoint(body.as_bytes()).unwrap();
        let kept = witness.checkpoint(&hash_of_origin()).unwrap().unwrap();
        assert_eq!(kept.signatures().len(), 3);
        assert!(!kept.to_string().contains("witness.example/w9"));
    });
}

#[test]
fn witnesses_that_make_no_sense_are_refused() {
    let new = |logs: Vec<KnownLog>, keys| {
        Witness::new(logs, keys, Box::<MemoryStore>::default(), Arc::new(Set::at(NOON))).map(drop)
    };
    let key = || vec![cosigner(keepgate_merkle::cosignature::Scheme::Ed25519)];
    assert_eq!(new(vec![known()], vec![]), Err(BadWitness::NoKey));
    assert_eq!(new(vec![known(), known()], key()), Err(BadWitness::Log(ORIGIN.into())));
    assert_eq!(
        new(
            vec![KnownLog {
                keys: vec![],
                ..known()
            }],
            key()
        ),
        Err(BadWitness::Log(ORIGIN.into()))
    );
    let misnamed = KnownLog {
        origin: "log.example/other".into(),
        ..known()
    };
    assert_eq!(
        new(vec![misnamed], key()),
        Err(BadWitness::KeyName("log.example/other".into()))
    );
}

#[test]
fn a_refusal_tells_the_size_to_go_on_from() {
    on_both(|store| {
        let witness = witness_on(store, &Set::at(NOON));
        witness.add_checkpoint(&request(0, &forked(20, 20))).unwrap();
        let told = witness.add_checkpoint(&request(0, &forked(30, 30)));
        assert!(matches!(told, Err(Refused::Rule(Refusal::Stale { size: 20 }))));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn two_requests_at_once_never_roll_it_back(sizes in prop::collection::vec(1_usize..60, 8)) {
        on_both(|store| {
            let witness = witness_on(store, &Set::at(NOON));
            witness.add_checkpoint(&request(0, &forked(1, 1))).unwrap();
            std::thread::scope(|scope| {
                for size in &sizes {
                    scope.spawn(|| for _ in 0..20 {
                        let last = witness.checkpoint(&hash_of_origin()).unwrap().unwrap();
                        let last: Checkpoint = last.text().parse().unwrap();
                        let answer = witness.add_checkpoint(&request(usize::try_from(last.size).unwrap(), &forked(*size, *size)));
                        let now: Checkpoint = witness.checkpoint(&hash_of_origin()).unwrap().unwrap().text().parse().unwrap();
                        assert!(now.size >= last.size, "rolled back");
                        if answer.is_ok() || *size as u64 <= last.size { break }
                    });
                }
            });
            let last = witness.checkpoint(&hash_of_origin()).unwrap().unwrap();
            assert_eq!(last.text().parse::<Checkpoint>().unwrap().size, *sizes.iter().max().unwrap() as u64);
        });
    }
}
