//! A checkpoint opens with the log's key only if the log signed exactly that text.
#![no_main]
use keepgate_fuzz::{LOG, ORIGIN, signer};
use keepgate_merkle::{checkpoint::Checkpoint, cosignature::cosignatures, note::Note, tlog_proof::TlogProof};
use libfuzzer_sys::fuzz_target;

/// The signed note with bytes changed, put in or taken out: `(where, how, byte)` each.
fn edited(edits: &[(u16, u8, u8)]) -> Vec<u8> {
    let mut note = LOG.note.clone().into_bytes();
    for (at, how, byte) in edits.iter().take(4) {
        let at = usize::from(*at) % note.len().max(1);
        match how % 3 {
            0 => note.insert(at, *byte),
            1 if at < note.len() => drop(note.remove(at)),
            _ => note.iter_mut().skip(at).take(1).for_each(|old| *old = *byte),
        }
    }
    note
}

fuzz_target!(|edits: Vec<(u16, u8, u8)>| {
    let (note, keys) = (edited(&edits), [signer().verifier().clone()]);
    let signed: Note = LOG.note.parse().expect("our own note");
    if let Ok(opened) = Checkpoint::open(&note, ORIGIN, &keys) {
        assert_eq!(opened.to_string(), signed.text());
        assert_eq!(Note::parse(&note).expect("it was opened").text(), signed.text());
    }
    if let Ok(note) = Note::parse(&note) {
        let _ = cosignatures(&note, &[]);
        let proof = TlogProof {
            index: 0,
            extra: vec![],
            path: vec![],
            checkpoint: note,
        };
        assert!(
            proof
                .verify(&keepgate_merkle::hash::leaf_hash(b""), ORIGIN, &keys)
                .is_err()
        );
    }
});
