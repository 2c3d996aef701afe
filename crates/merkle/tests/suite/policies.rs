//! Trust policies: the example of the document, every wrong line, and quorums against an oracle.

use keepgate_merkle::checkpoint::Checkpoint;
use keepgate_merkle::cosignature::{Cosigner, Scheme};
use keepgate_merkle::hash::Hash;
use keepgate_merkle::note::Note;
use keepgate_merkle::policy::{ParsePolicy, Policy, PolicyError, Refused};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::cosignatures::cosigner;
use crate::support::{ORIGIN, VKEY, signer, signer_named};

fn witness(seed: u8) -> Cosigner {
    cosigner(&format!("witness.example/{seed}"), Scheme::Ed25519, seed)
}

/// The example of the document, with six witnesses.
fn example() -> String {
    let key = |seed| witness(seed).verifier().to_string();
    format!(
        "# two organisations\n\nlog {VKEY} https://log.example/\n\
         witness X1 {}\n\twitness  X2 {} https://x2.example/\nwitness X3 {}\ngroup X-witnesses 2 X1 X2 X3\n\
         witness Y1 {}\nwitness Y2 {}\nwitness Y3 {}\ngroup Y-witnesses any Y1 Y2 Y3\n\
         group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
        key(1),
        key(2),
        key(3),
        key(4),
        key(5),
        key(6)
    )
}

fn checkpoint() -> Note {
    Checkpoint {
        origin: ORIGIN.into(),
        size: 5,
        root: Hash::from_bytes([5; 32]),
    }
    .sign(&signer())
    .unwrap()
}

fn cosigned(by: &[u8]) -> Note {
    by.iter().fold(checkpoint(), |note, seed| {
        let line = witness(*seed).cosign(note.text(), u64::from(*seed)).unwrap();
        note.with_signature(line).unwrap()
    })
}

#[test]
fn the_example_of_the_document_wants_two_of_x_and_one_of_y() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    assert_eq!(
        (policy.logs().len(), policy.witnesses().len(), policy.wants_witnesses()),
        (1, 6, true)
    );
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example/"));
    assert_eq!(policy.witnesses()[1].url.as_deref(), Some("https://x2.example/"));
    for mask in 0_u8..64 {
        let by: Vec<u8> = (1..=6).filter(|seed| mask & (1 << (seed - 1)) != 0).collect();
        let enough = by.iter().filter(|seed| **seed <= 3).count() >= 2 && by.iter().any(|seed| *seed > 3);
        match policy.check(&cosigned(&by)) {
            Ok(accepted) => {
                assert!(enough, "{by:?}");
                let times: Vec<u64> = accepted.witnesses.iter().map(|(_, time)| *time).collect();
                assert_eq!(times, by.iter().map(|seed| u64::from(*seed)).collect::<Vec<_>>());
            }
            Err(refused) => assert!(
                !enough && refused == Refused::NoQuorum { seen: by.len() },
                "{by:?}: {refused:?}"
            ),
        }
    }
}

#[test]
fn the_log_of_the_policy_must_have_signed_whatever_witnesses_say() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    let (stranger, thief) = (signer_named("log.example/other", "x"), signer_named(ORIGIN, "x"));
    let of = |origin: &str, by| {
        Checkpoint {
            origin: origin.into(),
            size: 5,
            root: Hash::from_bytes([5; 32]),
        }
        .sign(by)
        .unwrap()
    };
    assert_eq!(
        policy.check(&of("log.example/other", &stranger)),
        Err(Refused::UnknownLog("log.example/other".into()))
    );
    assert_eq!(
        policy.check(&of(ORIGIN, &thief)),
        Err(Refused::NotSigned(ORIGIN.into()))
    );
    let bent = Note::new(
        checkpoint().text().replace("\n5\n", "\n6\n"),
        checkpoint().signatures().to_vec(),
    )
    .unwrap();
    assert!(matches!(policy.check(&bent), Err(Refused::Log(_))));
    assert!(matches!(
        policy.check(&signer().sign("hello\n").unwrap()),
        Err(Refused::Text(_))
    ));
    // One wrong cosignature of a known witness refuses the note, even beside a quorum.
    let elsewhere = witness(3)
        .cosign(&checkpoint().text().replace("\n5\n", "\n6\n"), 1)
        .unwrap();
    let note = cosigned(&[1, 2, 4]).with_signature(elsewhere).unwrap();
    assert!(matches!(policy.check(&note), Err(Refused::Cosignature(_))));
}

#[test]
fn a_log_may_sign_with_ml_dsa_alone() {
    let log = cosigner(ORIGIN, Scheme::MlDsa44, 7);
    let policy = Policy::parse(format!("log {}\nquorum none\n", log.verifier()).as_bytes()).unwrap();
    assert_eq!(policy.check(&checkpoint()), Err(Refused::NotSigned(ORIGIN.into())));
    let hybrid = checkpoint()
        .with_signature(log.cosign(checkpoint().text(), 1).unwrap())
        .unwrap();
    assert_eq!(policy.check(&hybrid).unwrap().checkpoint.size, 5);
    let both = Policy::parse(format!("log {VKEY}\nlog {}\nquorum none\n", log.verifier()).as_bytes()).unwrap();
    assert!(both.check(&hybrid).is_ok() && both.check(&checkpoint()).is_ok());
}

#[test]
fn every_wrong_line_is_named() {
    let (w1, w2) = (witness(1).verifier().to_string(), witness(2).verifier().to_string());
    let renamed = keepgate_merkle::cosignature::CosignerKey::from_public_key(
        "another/name".parse().unwrap(),
        Scheme::Ed25519,
        &witness(1).verifier().public_key(),
    )
    .unwrap();
    let base = format!("witness a {w1}\nwitness b {w2}\n");
    for (text, line, error) in [
        (String::new(), 1, PolicyError::NoQuorum),
        ("quorum none".to_owned(), 1, PolicyError::Character),
        ("quorum none\r\n".to_owned(), 1, PolicyError::Character),
        ("quorum none\n\u{7f}\n".to_owned(), 2, PolicyError::Character),
        ("quorum none\nquorum none\n".to_owned(), 2, PolicyError::SecondQuorum),
        ("quorum a\n".to_owned(), 1, PolicyError::UnknownName),
        ("quorum\n".to_owned(), 1, PolicyError::Items),
        ("Quorum none\n".to_owned(), 1, PolicyError::Keyword),
        (
            format!("log {VKEY}\nlog {VKEY}\nquorum none\n"),
            2,
            PolicyError::DuplicateKey,
        ),
        (format!("log {VKEY} u v\n"), 1, PolicyError::Items),
        (format!("{base}witness c {renamed}\n"), 3, PolicyError::DuplicateKey),
        (
            format!("{base}witness a {VKEY}\n"),
            3,
            PolicyError::Key(keepgate_merkle::note::ParseVkey::Type(1)),
        ),
        (
            format!("log {w1}\n"),
            1,
            PolicyError::Key(keepgate_merkle::note::ParseVkey::Type(4)),
        ),
        (format!("witness none {w1}\n"), 1, PolicyError::DuplicateName),
        (format!("{base}group a any b\n"), 3, PolicyError::DuplicateName),
        (format!("{base}group g any none\n"), 3, PolicyError::UnknownName),
        (format!("{base}group g any g\n"), 3, PolicyError::UnknownName),
        (format!("{base}group g any a a\n"), 3, PolicyError::MemberTwice),
        (
            format!("{base}group g any a\ngroup h any a b\n"),
            4,
            PolicyError::MemberTwice,
        ),
        (format!("{base}group g 0 a b\n"), 3, PolicyError::Threshold),
        (format!("{base}group g 3 a b\n"), 3, PolicyError::Threshold),
        (format!("{base}group g 02 a b\n"), 3, PolicyError::Threshold),
        (format!("{base}group g most a b\n"), 3, PolicyError::Threshold),
        (format!("{base}group g any\n"), 3, PolicyError::Items),
        (base.clone(), 2, PolicyError::NoQuorum),
    ] {
        assert_eq!(
            Policy::parse(text.as_bytes()),
            Err(ParsePolicy { line, error }),
            "{text}"
        );
    }
    let mut deep = format!("witness g0 {w1}\n");
    for level in 1..=33 {
        deep += &format!("group g{level} any g{}\n", level - 1);
    }
    assert_eq!(
        Policy::parse(deep.as_bytes()),
        Err(ParsePolicy {
            line: 34,
            error: PolicyError::TooDeep
        })
    );
    assert_eq!(
        Policy::parse(&[b' '; 1_048_577]),
        Err(ParsePolicy {
            line: 1,
            error: PolicyError::TooLong
        })
    );
}

#[test]
fn names_are_bytes_and_a_kelvin_sign_is_no_k() {
    let text = format!("witness K {}\nquorum \u{212A}\n", witness(1).verifier());
    assert_eq!(
        Policy::parse(text.as_bytes()).unwrap_err().error,
        PolicyError::UnknownName
    );
    let mut latin = b"witness \xE9t\xE9 ".to_vec();
    latin.extend(format!("{}\nquorum ", witness(1).verifier()).bytes());
    latin.extend(b"\xE9t\xE9\n");
    assert_eq!(Policy::parse(&latin).unwrap().witnesses()[0].name, b"\xE9t\xE9");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Flat groups of random thresholds over eight witnesses, all of them wanted: counted by hand.
    #[test]
    fn quorums_count_as_an_oracle_does(sizes in vec(1_usize..4, 1..4), thresholds in vec(1_usize..4, 4), mask: u8) {
        let (mut text, mut next, mut wanted, mut groups) = (String::new(), 1_u8, true, vec![]);
        for (group, size) in sizes.iter().enumerate() {
            let threshold = thresholds[group].min(*size);
            let members: Vec<u8> = (0..*size).map(|_| { next += 1; next - 1 }).collect();
            for seed in &members {
                text += &format!("witness w{seed} {}\n", witness(*seed).verifier());
            }
            let names: Vec<String> = members.iter().map(|seed| format!("w{seed}")).collect();
            text += &format!("group g{group} {threshold} {}\n", names.join(" "));
            wanted &= members.iter().filter(|seed| mask & (1 << (*seed % 8)) != 0).count() >= threshold;
            groups.push(format!("g{group}"));
        }
        text += &format!("group all all {}\nquorum all\n", groups.join(" "));
        let policy = Policy::parse(text.as_bytes()).unwrap();
        let reached = policy.is_quorum(|index| mask & (1 << ((index + 1) % 8)) != 0);
        prop_assert_eq!(reached, wanted);
    }

    #[test]
    fn any_bytes_as_a_policy(bytes in vec(any::<u8>(), 0..200), text in "((log|witness|group|quorum|#)[ \ta-z0-9+]{0,30}\n){0,6}") {
        let _ = Policy::parse(&bytes);
        let _ = Policy::parse(text.as_bytes());
    }
}
