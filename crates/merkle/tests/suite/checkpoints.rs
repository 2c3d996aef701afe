//! Checkpoints: one spelling only, and of the right log.

use keepgate_merkle::checkpoint::{Checkpoint, OpenCheckpoint, ParseCheckpoint, SignCheckpoint};
use keepgate_merkle::hash::{Hash, empty_root};
use keepgate_merkle::note::OpenNote;

use crate::support::{ORIGIN, signer, signer_named, vkey};

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.into(),
        size: 256,
        root: Hash::from_bytes([7; 32]),
    }
}

#[test]
fn a_checkpoint_is_three_lines() {
    let text = checkpoint().to_string();
    assert_eq!(text, format!("{ORIGIN}\n256\n{}\n", checkpoint().root));
    assert_eq!(text.parse(), Ok(checkpoint()));
}

#[test]
fn only_the_one_spelling_of_a_checkpoint_is_read() {
    let root = empty_root().to_string();
    let short = root.trim_end_matches('=');
    let cases = [
        (String::new(), ParseCheckpoint::Lines),
        ("\n".into(), ParseCheckpoint::Lines),
        ("o\n".into(), ParseCheckpoint::Lines),
        ("o\n0\n".into(), ParseCheckpoint::Lines),
        (format!("o\n0\n{root}"), ParseCheckpoint::Lines),
        (format!("\n0\n{root}\n"), ParseCheckpoint::Origin),
        (format!("o\n\n{root}\n"), ParseCheckpoint::Size),
        (format!("o\n00\n{root}\n"), ParseCheckpoint::Size),
        (format!("o\n01\n{root}\n"), ParseCheckpoint::Size),
        (format!("o\n+5\n{root}\n"), ParseCheckpoint::Size),
        (format!("o\n-5\n{root}\n"), ParseCheckpoint::Size),
        (format!("o\n 5\n{root}\n"), ParseCheckpoint::Size),
        (format!("o\n5\r\n{root}\n"), ParseCheckpoint::Size),
        (format!("o\n18446744073709551616\n{root}\n"), ParseCheckpoint::Size),
        (format!("o\n5\n{root}\n\n"), ParseCheckpoint::EmptyExtension),
        (format!("o\n5\n{root}\nextension\n\n"), ParseCheckpoint::EmptyExtension),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<Checkpoint>(), Err(expected), "{text:?}");
    }
    for root in [
        short,
        &format!("{root} "),
        &root.replace('+', "-"),
        "AAAA",
        "",
        &format!("{short}B="),
    ] {
        let text = format!("o\n5\n{root}\n");
        assert!(
            matches!(text.parse::<Checkpoint>(), Err(ParseCheckpoint::Root(_))),
            "{text:?}"
        );
    }
}

#[test]
fn extension_lines_are_read_over_but_stay_signed() {
    let text = format!("{}extension 1\nextension 2\n", checkpoint());
    assert_eq!(text.parse(), Ok(checkpoint()));
    let note = signer().sign(&text).unwrap().to_string();
    assert_eq!(Checkpoint::open(note.as_bytes(), ORIGIN, &[vkey()]), Ok(checkpoint()));
    let cut = note.replace("extension 2\n", "");
    assert!(matches!(
        Checkpoint::open(cut.as_bytes(), ORIGIN, &[vkey()]),
        Err(OpenCheckpoint::Signature(_))
    ));
}

#[test]
fn a_checkpoint_of_another_log_is_refused_though_the_key_is_known() {
    let other = Checkpoint {
        origin: "audit.keepgate.example/tenant/0002".into(),
        ..checkpoint()
    };
    let note = other.sign(&signer()).unwrap().to_string();
    let expected = OpenCheckpoint::OtherLog {
        expected: ORIGIN.into(),
        found: other.origin,
    };
    assert_eq!(Checkpoint::open(note.as_bytes(), ORIGIN, &[vkey()]), Err(expected));
}

#[test]
fn a_checkpoint_of_a_key_nobody_knows_is_refused() {
    let note = checkpoint()
        .sign(&signer_named(ORIGIN, "another key"))
        .unwrap()
        .to_string();
    let expected = OpenCheckpoint::Signature(OpenNote::NoKnownSignature);
    assert_eq!(Checkpoint::open(note.as_bytes(), ORIGIN, &[vkey()]), Err(expected));
}

#[test]
fn while_keys_change_either_key_opens_a_checkpoint_signed_by_both() {
    let next = signer_named(ORIGIN, "next key");
    let note = checkpoint().sign(&signer()).unwrap();
    let note = note
        .with_signature(next.signature(&checkpoint().to_string()).unwrap())
        .unwrap()
        .to_string();
    for key in [vkey(), next.verifier().clone()] {
        assert_eq!(Checkpoint::open(note.as_bytes(), ORIGIN, &[key]), Ok(checkpoint()));
    }
}

#[test]
fn a_signed_text_that_is_no_checkpoint_is_refused() {
    let note = signer().sign("hello\n").unwrap().to_string();
    let expected = OpenCheckpoint::Text(ParseCheckpoint::Lines);
    assert_eq!(Checkpoint::open(note.as_bytes(), ORIGIN, &[vkey()]), Err(expected));
}

#[test]
fn an_origin_that_would_not_be_read_back_is_not_signed() {
    for origin in ["", "a\nb", "a\n5"] {
        let checkpoint = Checkpoint {
            origin: origin.into(),
            ..checkpoint()
        };
        assert_eq!(checkpoint.sign(&signer()), Err(SignCheckpoint::Origin), "{origin:?}");
    }
    let tabbed = Checkpoint {
        origin: "a\tb".into(),
        ..checkpoint()
    };
    assert!(matches!(tabbed.sign(&signer()), Err(SignCheckpoint::Note(_))));
}
