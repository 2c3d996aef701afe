//! Cosignatures: what two schemes sign, and everything that must not pass for one.

use keepgate_merkle::checkpoint::Checkpoint;
use keepgate_merkle::cosignature::{Cosign, Cosigner, CosignerKey, OpenCosignatures, Scheme, cosignatures};
use keepgate_merkle::hash::Hash;
use keepgate_merkle::note::{Note, NoteSignature, ParseVkey, VerifierKey};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::{ORIGIN, VKEY, signer, vkey};

const BOTH: [Scheme; 2] = [Scheme::Ed25519, Scheme::MlDsa44];
const TIME: u64 = 1_679_315_147;

pub fn cosigner(name: &str, scheme: Scheme, seed: u8) -> Cosigner {
    Cosigner::from_seed(name.parse().unwrap(), scheme, &[seed; 32]).unwrap()
}

fn checkpoint(size: u64) -> Note {
    let root = Hash::from_bytes([u8::try_from(size).unwrap(); 32]);
    let origin = ORIGIN.into();
    Checkpoint { origin, size, root }.sign(&signer()).unwrap()
}

fn cosigned(note: &Note, by: &Cosigner, time: u64) -> Note {
    let line = by.cosign(note.text(), time).unwrap();
    note.clone().with_signature(line).unwrap()
}

fn keys(of: &[&Cosigner]) -> Vec<CosignerKey> {
    of.iter().map(|cosigner| cosigner.verifier().clone()).collect()
}

#[test]
fn the_cosigners_of_both_schemes_are_found_with_their_times_beside_the_log() {
    let (w1, w2) = (cosigner("w/1", Scheme::Ed25519, 1), cosigner("w/2", Scheme::MlDsa44, 2));
    let note = cosigned(&cosigned(&checkpoint(5), &w1, TIME), &w2, TIME + 1);
    let note: Note = note.to_string().parse().unwrap();
    let known = keys(&[&w1, &w2]);
    let times: Vec<_> = cosignatures(&note, &known)
        .unwrap()
        .iter()
        .map(|found| (found.key.name().to_string(), found.time))
        .collect();
    assert_eq!(times, [("w/1".to_owned(), TIME), ("w/2".to_owned(), TIME + 1)]);
    assert_eq!(
        Checkpoint::open_note(&note, ORIGIN, &[vkey()]).unwrap().size,
        5,
        "the log's own signature is untouched"
    );
}

#[test]
fn lines_have_the_length_of_the_document() {
    for (scheme, signature) in [(Scheme::Ed25519, 64), (Scheme::MlDsa44, 2420)] {
        let line = cosigner("w/1", scheme, 1).cosign(checkpoint(5).text(), TIME).unwrap();
        assert_eq!(line.bytes().len(), 8 + signature);
        assert_eq!(line.bytes()[..8], TIME.to_be_bytes());
    }
    let key = |scheme| cosigner("w/1", scheme, 1).verifier().public_key().len();
    assert_eq!((key(Scheme::Ed25519), key(Scheme::MlDsa44)), (32, 1312));
}

#[test]
fn a_cosignature_of_another_checkpoint_time_name_or_key_refuses_the_note() {
    for scheme in BOTH {
        let (w, other) = (cosigner("w/1", scheme, 1), cosigner("w/1", scheme, 2));
        let line = w.cosign(checkpoint(5).text(), TIME).unwrap();
        let with = |bytes: Vec<u8>, by: &Cosigner| {
            let line = NoteSignature::new(by.verifier().name().clone(), by.verifier().id(), bytes);
            let note = checkpoint(5).with_signature(line).unwrap();
            cosignatures(&note, &keys(&[by])).map(|found| found.len())
        };
        let wrong = |by: &Cosigner| {
            let (name, id) = (by.verifier().name().clone(), by.verifier().id());
            Err(OpenCosignatures::Wrong { name, id })
        };
        assert_eq!(with(line.bytes().to_vec(), &w), Ok(1));
        let elsewhere = w.cosign(checkpoint(6).text(), TIME).unwrap().bytes().to_vec();
        assert_eq!(with(elsewhere, &w), wrong(&w), "another checkpoint");
        let mut later = line.bytes().to_vec();
        later[7] ^= 1;
        assert_eq!(with(later, &w), wrong(&w), "another time");
        assert_eq!(with(line.bytes().to_vec(), &other), wrong(&other), "another key");
        let mut beyond = line.bytes().to_vec();
        beyond[0] = 0x80;
        assert_eq!(with(beyond, &w), wrong(&w), "a time of 2^63 or more");
        for length in [1, 7, 8, 71, 73, line.bytes().len() - 1, line.bytes().len() + 1] {
            let mut bytes = line.bytes().to_vec();
            bytes.resize(length, 0);
            if length != line.bytes().len() {
                assert_eq!(with(bytes, &w), wrong(&w), "{length} bytes");
            }
        }
    }
}

#[test]
fn ml_dsa_covers_the_name_of_the_cosigner_and_ed25519_the_whole_text() {
    let (w1, w2) = (cosigner("w/1", Scheme::MlDsa44, 1), cosigner("w/2", Scheme::MlDsa44, 1));
    let borrowed = w1.cosign(checkpoint(5).text(), TIME).unwrap().bytes().to_vec();
    let line = NoteSignature::new(w2.verifier().name().clone(), w2.verifier().id(), borrowed);
    let note = checkpoint(5).with_signature(line).unwrap();
    assert!(cosignatures(&note, &keys(&[&w2])).is_err());

    let extended = format!("{}more\n", checkpoint(5).text());
    for scheme in BOTH {
        let w = cosigner("w/1", scheme, 1);
        let line = w.cosign(checkpoint(5).text(), TIME).unwrap();
        let note = signer().sign(&extended).unwrap().with_signature(line).unwrap();
        assert_eq!(
            cosignatures(&note, &keys(&[&w])).is_ok(),
            scheme == Scheme::MlDsa44,
            "{scheme:?}"
        );
    }
}

#[test]
fn unknown_cosigners_are_ignored_and_one_who_signs_twice_counts_once_with_the_later_time() {
    for scheme in BOTH {
        let (w, stranger) = (cosigner("w/1", scheme, 1), cosigner("w/9", scheme, 9));
        let note = cosigned(
            &cosigned(&cosigned(&checkpoint(5), &w, TIME + 9), &stranger, 1),
            &w,
            TIME,
        );
        let known = keys(&[&w]);
        let found = cosignatures(&note, &known).unwrap();
        assert_eq!(found.iter().map(|found| found.time).collect::<Vec<_>>(), [TIME + 9]);
        assert_eq!(cosignatures(&checkpoint(5), &known).unwrap(), []);
    }
}

#[test]
fn a_witness_s_key_is_no_key_of_a_log_and_the_other_way_round() {
    let witness = cosigner("w/1", Scheme::Ed25519, 1).verifier().to_string();
    assert_eq!(witness.parse::<VerifierKey>(), Err(ParseVkey::Type(4)));
    assert_eq!(VKEY.parse::<CosignerKey>(), Err(ParseVkey::Type(1)));
    // The same public key under both types has two ids.
    let both = CosignerKey::from_public_key(vkey().name().clone(), Scheme::Ed25519, &vkey().public_key()).unwrap();
    assert_ne!(both.id(), vkey().id());
}

#[test]
fn nothing_but_checkpoints_is_cosigned_and_never_without_a_time() {
    for scheme in BOTH {
        let w = cosigner("w/1", scheme, 1);
        assert!(matches!(w.cosign("hello\n", TIME), Err(Cosign::Text(_))));
        assert_eq!(w.cosign(checkpoint(5).text(), 0), Err(Cosign::Time));
        assert_eq!(w.cosign(checkpoint(5).text(), 1 << 63), Err(Cosign::Time));
    }
    let long = Checkpoint {
        origin: "l".repeat(256),
        size: 1,
        root: Hash::from_bytes([0; 32]),
    }
    .to_string();
    assert_eq!(
        cosigner("w/1", Scheme::MlDsa44, 1).cosign(&long, TIME),
        Err(Cosign::LongName)
    );
    assert!(cosigner("w/1", Scheme::Ed25519, 1).cosign(&long, TIME).is_ok());
}

#[test]
fn no_debug_output_shows_a_private_key() {
    for scheme in BOTH {
        let shown = format!("{:?}", cosigner("w/1", scheme, 0xAB));
        assert!(
            !shown.contains("171, 171") && !shown.to_lowercase().contains("abab") && shown.len() < 120,
            "{shown}"
        );
    }
}

#[test]
fn keys_of_no_use_are_refused() {
    let name = || "w/1".parse().unwrap();
    for (scheme, bytes) in [
        (Scheme::Ed25519, vec![0; 32]),
        (Scheme::Ed25519, vec![1; 31]),
        (Scheme::MlDsa44, vec![1; 1311]),
        (Scheme::MlDsa44, vec![]),
    ] {
        assert_eq!(
            CosignerKey::from_public_key(name(), scheme, &bytes),
            Err(ParseVkey::PublicKey),
            "{scheme:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_key_is_read_back_and_no_changed_one(seed: u8, both in prop::sample::select(BOTH.to_vec()), at: Index, to in "[A-Za-z0-9+/=]") {
        let text = cosigner("witness.example/w1", both, seed).verifier().to_string();
        let key: CosignerKey = text.parse().unwrap();
        prop_assert_eq!(key.to_string(), text.clone());
        let mut changed = text.clone();
        let at = at.index(text.len());
        changed.replace_range(at..=at, &to);
        prop_assert!(changed == text || changed.parse::<CosignerKey>().is_err());
    }

    #[test]
    fn no_bit_of_a_line_can_be_changed(both in prop::sample::select(BOTH.to_vec()), at: Index, bit in 0_u8..8) {
        let w = cosigner("w/1", both, 3);
        let mut bytes = w.cosign(checkpoint(5).text(), TIME).unwrap().bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let line = NoteSignature::new(w.verifier().name().clone(), w.verifier().id(), bytes);
        let note = checkpoint(5).with_signature(line).unwrap();
        prop_assert!(cosignatures(&note, &keys(&[&w])).is_err());
    }
}
