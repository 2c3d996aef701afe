//! Signed notes: what is refused when reading, and who must have signed.

use keepgate_merkle::note::{
    KeyId, KeyName, MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteSignature, OpenNote, ParseNote, ParseVkey, VerifierKey,
};

use crate::support::{ORIGIN, VKEY, signer, signer_named, vkey};

const TEXT: &str = "first\n\nthird\n";

fn line(signer: &keepgate_merkle::note::NoteSigner, text: &str) -> String {
    signer.signature(text).unwrap().to_string()
}

#[test]
fn the_last_empty_line_divides_text_and_signatures() {
    for text in ["a\n", TEXT, "a\n\n", "\n", "\n\n\n", "— not a signature line\n"] {
        let note = signer().sign(text).unwrap();
        let read: Note = note.to_string().parse().unwrap();
        assert_eq!((read.text(), read.signatures().len()), (text, 1));
        assert!(read.open(&[vkey()]).is_ok());
    }
}

#[test]
fn a_malformed_note_is_refused() {
    let good = signer().sign("text\n").unwrap().to_string();
    let signature = line(&signer(), "text\n");
    let base64 = signature.trim_end().rsplit(' ').next().unwrap();
    let cases = [
        (String::new(), ParseNote::NoSignatures),
        ("text\n".into(), ParseNote::NoSignatures),
        ("text\n\n".into(), ParseNote::NoSignatures),
        (signature.clone(), ParseNote::NoSignatures),
        (format!("text\n{signature}"), ParseNote::NoSignatures),
        (good.trim_end().into(), ParseNote::SignatureLine),
        (format!("{good}text"), ParseNote::SignatureLine),
        (format!("{good}text\n"), ParseNote::SignatureLine),
        (good.replace('—', "-"), ParseNote::SignatureLine),
        (good.replace("— ", "—"), ParseNote::SignatureLine),
        (good.replace('\n', "\r\n"), ParseNote::ControlCharacter),
        (good.replace("text", "te\txt"), ParseNote::ControlCharacter),
        (good.replace("text", "te\0xt"), ParseNote::ControlCharacter),
        (good.replace(base64, &format!("{base64} ")), ParseNote::SignatureBytes),
        (
            good.replace(base64, base64.trim_end_matches('=')),
            ParseNote::SignatureBytes,
        ),
        (good.replace(base64, ""), ParseNote::SignatureBytes),
        (good.replace(base64, "AAAAAA=="), ParseNote::SignatureBytes),
        ("x".repeat(MAX_NOTE_BYTES + 1), ParseNote::TooLong),
    ];
    for (note, expected) in cases {
        assert_eq!(
            note.parse::<Note>(),
            Err(expected),
            "{}",
            note.chars().take(200).collect::<String>()
        );
    }
    assert_eq!(Note::parse(b"t\xff\n\n"), Err(ParseNote::NotUtf8));
    let spaced = good.replace(ORIGIN, "two words");
    assert_eq!(spaced.parse::<Note>(), Err(ParseNote::SignatureBytes));
    let plus = good.replace(ORIGIN, "a+b");
    assert!(matches!(plus.parse::<Note>(), Err(ParseNote::SignatureName(_))));
    let unnamed = good.replace(ORIGIN, "");
    assert!(matches!(unnamed.parse::<Note>(), Err(ParseNote::SignatureName(_))));
}

#[test]
fn a_text_no_note_can_carry_is_not_signed() {
    assert_eq!(signer().sign("no newline").err(), Some(ParseNote::TextEnd));
    assert_eq!(signer().sign("").err(), Some(ParseNote::TextEnd));
    assert_eq!(signer().sign("a\r\n").err(), Some(ParseNote::ControlCharacter));
    assert_eq!(Note::new("a\n".into(), vec![]), Err(ParseNote::NoSignatures));
}

#[test]
fn as_many_signatures_as_allowed_are_read_and_no_more() {
    let other = |index| {
        signer_named(&format!("other.example/{index}"), "other")
            .signature("text\n")
            .unwrap()
    };
    let mut signatures: Vec<_> = (1..MAX_SIGNATURES).map(other).collect();
    signatures.push(signer().signature("text\n").unwrap());
    let note = Note::new("text\n".into(), signatures).unwrap();
    assert!(note.open(&[vkey()]).is_ok());
    assert_eq!(note.with_signature(other(0)), Err(ParseNote::TooManySignatures));
}

#[test]
fn signatures_of_unknown_keys_are_ignored() {
    let garbage = |name: &str, id: KeyId| NoteSignature::new(name.parse().unwrap(), id, vec![1; 64]);
    let note = signer().sign("text\n").unwrap();
    // The same name with another id, the same id with another name, and a cosignature of another length.
    let note = note.with_signature(garbage(ORIGIN, KeyId::from_bytes([0; 4]))).unwrap();
    let note = note.with_signature(garbage("other.example", vkey().id())).unwrap();
    let cosignature = NoteSignature::new("witness.example".parse().unwrap(), vkey().id(), vec![2; 72]);
    let note = note.with_signature(cosignature).unwrap();
    let known = vkey();
    assert_eq!(note.open(std::slice::from_ref(&known)), Ok(vec![&known]));
}

#[test]
fn one_wrong_signature_of_a_known_key_refuses_the_note_even_beside_a_good_one() {
    let second = signer_named("second.example", "second");
    let wrong = |bytes| NoteSignature::new(second.verifier().name().clone(), second.verifier().id(), bytes);
    let known = [vkey(), second.verifier().clone()];
    for bytes in [
        vec![0; 64],
        vec![7; 1],
        second.signature("other text\n").unwrap().bytes().to_vec(),
    ] {
        let note = signer().sign("text\n").unwrap().with_signature(wrong(bytes)).unwrap();
        let (name, id) = (second.verifier().name().clone(), second.verifier().id());
        assert_eq!(note.open(&known), Err(OpenNote::WrongSignature { name, id }));
        assert!(note.open(&known[..1]).is_ok());
    }
}

#[test]
fn a_good_signature_does_not_excuse_a_wrong_one_of_the_same_key() {
    let wrong = NoteSignature::new(vkey().name().clone(), vkey().id(), vec![0; 64]);
    let note = signer().sign("text\n").unwrap().with_signature(wrong).unwrap();
    assert!(matches!(note.open(&[vkey()]), Err(OpenNote::WrongSignature { .. })));
}

#[test]
fn a_changed_text_is_refused() {
    let note = signer().sign("text\n").unwrap().to_string().replace("text", "test");
    assert!(matches!(
        note.parse::<Note>().unwrap().open(&[vkey()]),
        Err(OpenNote::WrongSignature { .. })
    ));
}

#[test]
fn a_note_without_a_known_signature_is_refused() {
    let note = signer().sign("text\n").unwrap();
    assert_eq!(note.open(&[]), Err(OpenNote::NoKnownSignature));
    let stranger = signer_named(ORIGIN, "another key");
    assert_eq!(
        note.open(&[stranger.verifier().clone()]),
        Err(OpenNote::NoKnownSignature)
    );
}

#[test]
fn two_known_keys_of_one_name_and_id_are_refused_instead_of_guessed() {
    // Found by trying phrases: ids have four bytes, so two keys that share one are soon found.
    let twins = ["twin 16634", "twin 42054"].map(|phrase| signer_named("twins.example", phrase));
    let [known, other] = twins.each_ref().map(|twin| twin.verifier().clone());
    assert_eq!((known.id(), known == other), (other.id(), false));
    let note = twins[0].sign("text\n").unwrap();
    let (name, id) = (known.name().clone(), known.id());
    assert_eq!(
        note.open(&[known.clone(), other]),
        Err(OpenNote::AmbiguousKeys { name, id })
    );
    assert!(note.open(&[known]).is_ok());
}

#[test]
fn each_signer_counts_once() {
    let note = signer().sign("text\n").unwrap();
    let note = note.clone().with_signature(note.signatures()[0].clone()).unwrap();
    assert_eq!(note.open(&[vkey(), vkey()]).unwrap().len(), 1);
}

#[test]
fn a_key_with_a_plus_in_its_base64_is_read_and_written_alike() {
    assert_eq!(VKEY.matches('+').count(), 3);
    assert_eq!(vkey().to_string(), VKEY);
    let again = VerifierKey::from_public_key(ORIGIN.parse().unwrap(), &vkey().public_key());
    assert_eq!(again, Ok(vkey()));
}

#[test]
fn a_malformed_verifier_key_is_refused() {
    let (name, rest) = VKEY.split_once('+').unwrap();
    let (id, key) = rest.split_once('+').unwrap();
    let cases = [
        (String::new(), ParseVkey::Form),
        (name.into(), ParseVkey::Form),
        (format!("{name}+{id}"), ParseVkey::Form),
        (format!("{name}+{id}+"), ParseVkey::Base64),
        (format!("{name}+{}+{key}", id.to_uppercase()), ParseVkey::Id),
        (format!("{name}+1982+{key}"), ParseVkey::Id),
        (format!("{name}+00000000+{key}"), ParseVkey::IdMismatch),
        (format!("other.example+{id}+{key}"), ParseVkey::IdMismatch),
        (format!("{name}+{id}+{key}\n"), ParseVkey::Base64),
        (format!("{name}+{id}+{}", key.replace('+', " ")), ParseVkey::Base64),
        (format!("{name}+{id}+{}", key.replace('+', "-")), ParseVkey::Base64),
        (format!("{name}+{id}+AX6xrj8="), ParseVkey::PublicKey),
        (
            format!("{name}+{id}+{}", key.replacen("AX", "BH", 1)),
            ParseVkey::Type(4),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<VerifierKey>(), Err(expected), "{text}");
    }
    for name in ["", "two words", "no\u{a0}break", "tab\t"] {
        assert!(
            matches!(
                format!("{name}+{id}+{key}").parse::<VerifierKey>(),
                Err(ParseVkey::Name(_))
            ),
            "{name:?}"
        );
        assert!(name.parse::<KeyName>().is_err());
    }
}

#[test]
fn a_public_key_that_signs_anything_is_refused() {
    // The neutral element of the curve: with it, one signature fits every text.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(
        VerifierKey::from_public_key(ORIGIN.parse().unwrap(), &neutral),
        Err(ParseVkey::PublicKey)
    );
}

#[test]
fn a_signer_shows_only_its_public_half() {
    assert_eq!(format!("{:?}", signer()), format!("NoteSigner({VKEY})"));
}
