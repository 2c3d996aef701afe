//! Parsers never panic, and whatever they read they write back the same.

use std::fmt::Display;
use std::str::FromStr;

use keepgate_merkle::checkpoint::Checkpoint;
use keepgate_merkle::hash::Hash;
use keepgate_merkle::note::{Note, VerifierKey};
use keepgate_merkle::tile::{TileKind, TilePath, decode_hashes, encode_bundle, encode_hashes, entries};
use keepgate_merkle::tlog_proof::TlogProof;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::{ORIGIN, VKEY, signer};

/// A text is refused, or it is exactly what would be written.
fn reads_only_what_it_writes<T: FromStr + Display>(text: &str) -> Result<(), TestCaseError> {
    if let Ok(value) = text.parse::<T>() {
        prop_assert_eq!(value.to_string(), text);
    }
    Ok(())
}

fn everything(text: &str) -> Result<(), TestCaseError> {
    reads_only_what_it_writes::<Hash>(text)?;
    reads_only_what_it_writes::<Note>(text)?;
    reads_only_what_it_writes::<VerifierKey>(text)?;
    reads_only_what_it_writes::<TilePath>(text)?;
    reads_only_what_it_writes::<TlogProof>(text)?;
    // Extension lines are read over: what is written is how the text begins.
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        prop_assert!(text.starts_with(&checkpoint.to_string()));
    }
    Ok(())
}

/// One valid text of each format.
fn valid() -> Vec<String> {
    let hash = Hash::from_bytes([9; 32]);
    let checkpoint = Checkpoint {
        origin: ORIGIN.into(),
        size: 2,
        root: hash,
    };
    let note = checkpoint.sign(&signer()).unwrap();
    let proof = TlogProof {
        index: 1,
        extra: b"x".to_vec(),
        path: vec![hash],
        checkpoint: note.clone(),
    };
    vec![
        hash.to_string(),
        checkpoint.to_string(),
        note.to_string(),
        proof.to_string(),
        VKEY.to_owned(),
        "tile/0/x001/x234/067.p/12".to_owned(),
        "tile/entries/x123/456".to_owned(),
    ]
}

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        everything(&text)?;
    }

    #[test]
    fn text_of_the_characters_that_matter(text in "[\n =+/.—0-9a-fxptile]{0,60}") {
        everything(&text)?;
    }

    #[test]
    fn a_valid_text_with_characters_changed(
        which: Index, edits in vec((any::<Index>(), 0_u8..3, prop::sample::select("\n\r +/=-0AzB.xp—é".chars().collect::<Vec<_>>())), 0..4),
    ) {
        let valid = valid();
        let mut text: Vec<char> = which.get(&valid).chars().collect();
        for (at, kind, character) in edits {
            let at = at.index(text.len());
            match kind {
                0 => text.insert(at, character),
                1 => text[at] = character,
                _ => drop(text.remove(at)),
            }
        }
        everything(&text.into_iter().collect::<String>())?;
    }

    #[test]
    fn any_bytes_as_a_note_tile_or_bundle(bytes in vec(any::<u8>(), 0..300), width in 1_u16..=256) {
        let _ = Note::parse(&bytes);
        if let Ok(hashes) = decode_hashes(&bytes, width) {
            prop_assert_eq!(encode_hashes(&hashes), bytes.clone());
        }
        if let Ok(read) = entries(&bytes).collect::<Result<Vec<_>, _>>() {
            prop_assert_eq!(encode_bundle(read).unwrap(), bytes);
        }
    }

    #[test]
    fn every_bundle_is_read_back(written in vec(vec(any::<u8>(), 0..40), 0..40)) {
        let bundle = encode_bundle(&written).unwrap();
        let read: Result<Vec<_>, _> = entries(&bundle).collect();
        prop_assert_eq!(read.unwrap(), written);
    }

    #[test]
    fn every_tile_path_is_read_back(level in prop::option::of(0_u8..64), index: u64, shift in 0_u32..64, width in 1_u16..=256) {
        let kind = level.map_or(TileKind::Entries, TileKind::Hashes);
        let path = TilePath::new(kind, index >> shift, width).unwrap();
        prop_assert_eq!(path.to_string().parse(), Ok(path));
    }

    #[test]
    fn every_note_is_read_back(text in "([^\\x00-\\x1f]{0,20}\n){1,5}") {
        let note = signer().sign(&text).unwrap();
        prop_assert_eq!(note.to_string().parse(), Ok(note));
    }
}

#[test]
fn the_valid_texts_of_these_tests_are_valid() {
    let [hash, checkpoint, note, proof, vkey, tile, bundle] = <[String; 7]>::try_from(valid()).unwrap();
    assert!(hash.parse::<Hash>().is_ok() && checkpoint.parse::<Checkpoint>().is_ok() && note.parse::<Note>().is_ok());
    assert!(proof.parse::<TlogProof>().is_ok() && vkey.parse::<VerifierKey>().is_ok());
    assert!(tile.parse::<TilePath>().is_ok() && bundle.parse::<TilePath>().is_ok());
}
