//! Proof files: one spelling only; they prove one entry at one place.

use keepgate_merkle::checkpoint::{Checkpoint, OpenCheckpoint};
use keepgate_merkle::cosignature::Scheme;
use keepgate_merkle::hash::{HashError, leaf_hash};
use keepgate_merkle::note::NoteSignature;
use keepgate_merkle::policy::Policy;
use keepgate_merkle::proof::{NotIncluded, inclusion_proof};
use keepgate_merkle::tlog_proof::{ParseTlogProof, TlogProof, VerifyTlogProof};
use keepgate_merkle::tree::root_of;

use crate::cosignatures::cosigner;
use crate::support::{BIG, ORIGIN, VKEY, entry, leaves, signer, signer_named, vkey};

fn proof_of(index: u64, size: u64) -> TlogProof {
    let checkpoint = Checkpoint {
        origin: ORIGIN.into(),
        size,
        root: root_of(&leaves(size)),
    };
    let path = inclusion_proof(index, size, &*BIG).unwrap();
    TlogProof {
        index,
        extra: vec![],
        path,
        checkpoint: checkpoint.sign(&signer()).unwrap(),
    }
}

#[test]
fn a_proof_file_is_written_as_the_document_says() {
    let proof = TlogProof {
        extra: b"opening".to_vec(),
        ..proof_of(1, 3)
    };
    let [first, third] = [leaf_hash(&entry(0)), leaf_hash(&entry(2))];
    let expected = format!(
        "c2sp.org/tlog-proof@v1\nextra b3BlbmluZw==\nindex 1\n{first}\n{third}\n\n{}",
        proof.checkpoint
    );
    assert_eq!(proof.to_string(), expected);
    assert_eq!(expected.parse(), Ok(proof));
    let alone = proof_of(0, 1);
    assert_eq!(
        alone.to_string(),
        format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{}", alone.checkpoint)
    );
}

#[test]
fn a_proof_file_proves_its_entry_and_no_other() {
    for (index, size) in [(0, 1), (0, 700), (255, 700), (256, 700), (699, 700)] {
        let proof: TlogProof = proof_of(index, size).to_string().parse().unwrap();
        let leaf = leaf_hash(&entry(index));
        assert_eq!(proof.verify(&leaf, ORIGIN, &[vkey()]).unwrap().size, size);
        let edited = leaf_hash(b"edited");
        let expected = Err(VerifyTlogProof::Inclusion(NotIncluded::OtherRoot));
        assert_eq!(proof.verify(&edited, ORIGIN, &[vkey()]), expected);
        let moved = TlogProof {
            index: size,
            ..proof.clone()
        };
        let expected = Err(VerifyTlogProof::Inclusion(NotIncluded::NoSuchLeaf {
            index: size,
            size,
        }));
        assert_eq!(moved.verify(&leaf, ORIGIN, &[vkey()]), expected);
        let stranger = signer_named(ORIGIN, "another key").verifier().clone();
        assert!(matches!(
            proof.verify(&leaf, ORIGIN, &[stranger]),
            Err(VerifyTlogProof::Checkpoint(_))
        ));
        let elsewhere = proof.verify(&leaf, "other.example", &[vkey()]);
        assert!(matches!(
            elsewhere,
            Err(VerifyTlogProof::Checkpoint(OpenCheckpoint::OtherLog { .. }))
        ));
    }
}

#[test]
fn cosignatures_are_carried_along() {
    let mut proof = proof_of(5, 9);
    let cosignature = NoteSignature::new("witness.example".parse().unwrap(), vkey().id(), vec![3; 72]);
    proof.checkpoint = proof.checkpoint.with_signature(cosignature).unwrap();
    let read: TlogProof = proof.to_string().parse().unwrap();
    assert_eq!(read, proof);
    assert!(read.verify(&leaf_hash(&entry(5)), ORIGIN, &[vkey()]).is_ok());
}

#[test]
fn a_policy_judges_a_proof_by_its_log_its_witnesses_and_its_path() {
    let witness = cosigner("witness.example/w1", Scheme::Ed25519, 1);
    let text = format!("log {VKEY}\nwitness w {}\nquorum w\n", witness.verifier());
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let mut proof = proof_of(5, 9);
    let by_policy = |proof: &TlogProof, leaf| proof.verify_by(&leaf_hash(&entry(leaf)), &policy);
    assert!(matches!(by_policy(&proof, 5), Err(VerifyTlogProof::Policy(_))));
    let line = witness.cosign(proof.checkpoint.text(), 7).unwrap();
    proof.checkpoint = proof.checkpoint.with_signature(line).unwrap();
    assert_eq!(by_policy(&proof, 5).unwrap().witnesses, [(0, 7)]);
    assert!(matches!(by_policy(&proof, 4), Err(VerifyTlogProof::Inclusion(_))));
}

#[test]
fn only_the_one_spelling_of_a_proof_file_is_read() {
    let good = TlogProof {
        extra: b"opening".to_vec(),
        ..proof_of(1, 2)
    }
    .to_string();
    let sibling = leaf_hash(&entry(0)).to_string();
    let cases = [
        (String::new(), ParseTlogProof::Header),
        ("c2sp.org/tlog-proof@v1".into(), ParseTlogProof::Header),
        (good.replace("@v1", "@v2"), ParseTlogProof::Header),
        (good.replace("@v1\n", "@v1\r\n"), ParseTlogProof::Header),
        (format!(" {good}"), ParseTlogProof::Header),
        ("c2sp.org/tlog-proof@v1\nindex 0\n".into(), ParseTlogProof::NoCheckpoint),
        (good.replace("extra b3BlbmluZw==", "extra !"), ParseTlogProof::Extra),
        (
            good.replace("extra b3BlbmluZw==", "extra b3BlbmluZw"),
            ParseTlogProof::Extra,
        ),
        (good.replace("extra b3BlbmluZw==", "extra "), ParseTlogProof::Extra),
        (good.replace("extra b3BlbmluZw==", "extra"), ParseTlogProof::Index),
        (
            good.replace("extra b3BlbmluZw==", "other b3BlbmluZw=="),
            ParseTlogProof::Index,
        ),
        (good.replace("index 1\n", ""), ParseTlogProof::Index),
        (good.replace("index 1", "index 01"), ParseTlogProof::Index),
        (good.replace("index 1", "index +1"), ParseTlogProof::Index),
        (good.replace("index 1", "index -1"), ParseTlogProof::Index),
        (good.replace("index 1", "index  1"), ParseTlogProof::Index),
        (good.replace("index 1", "index one"), ParseTlogProof::Index),
        (
            good.replace("index 1", "index 18446744073709551616"),
            ParseTlogProof::Index,
        ),
        (good.replace(&sibling, "!"), ParseTlogProof::Hash(HashError::NotBase64)),
        (
            good.replace(&sibling, "AAAA"),
            ParseTlogProof::Hash(HashError::WrongLength(3)),
        ),
        (
            good.replace(&sibling, &format!("{sibling}\r")),
            ParseTlogProof::Hash(HashError::NotBase64),
        ),
        (
            good.replace(&sibling, &vec![sibling.as_str(); 65].join("\n")),
            ParseTlogProof::TooManyHashes,
        ),
    ];
    assert!(good.parse::<TlogProof>().is_ok());
    for (text, expected) in cases {
        assert_eq!(text.parse::<TlogProof>(), Err(expected), "{text}");
    }
    let unsigned = "c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n".parse::<TlogProof>();
    assert!(matches!(unsigned, Err(ParseTlogProof::Checkpoint(_))));
}

#[test]
fn a_proof_with_an_extra_missing_or_changed_hash_fails() {
    let leaf = leaf_hash(&entry(5));
    let proof = proof_of(5, 9);
    let foreign = leaf_hash(b"foreign");
    for at in 0..proof.path.len() {
        let mut changed = proof.clone();
        changed.path[at] = foreign;
        let mut missing = proof.clone();
        missing.path.remove(at);
        let mut extra = proof.clone();
        extra.path.insert(at, foreign);
        for damaged in [changed, missing, extra] {
            assert!(matches!(
                damaged.verify(&leaf, ORIGIN, &[vkey()]),
                Err(VerifyTlogProof::Inclusion(_))
            ));
        }
    }
}
