//! Attacks on a whole log: each is found, and the first bad leaf is named.

use keepgate_merkle::checkpoint::Checkpoint;
use keepgate_merkle::hash::{Hash, leaf_hash};
use keepgate_merkle::note::VerifierKey;
use keepgate_merkle::tile::{encode_bundle, entries};
use keepgate_merkle::verify::{Outcome, Request, TamperReason, Tampered, verify};

use crate::support::{Log, ORIGIN, entry, signer, signer_named, tampered, vkey};

/// Sizes at and around the edges of tiles.
const SIZES: [u64; 6] = [1, 2, 255, 256, 257, 700];

fn bundle_path(index: u64, size: u64) -> String {
    let (number, behind) = (index / 256, size - index / 256 * 256);
    if behind < 256 {
        format!("tile/entries/{number:03}.p/{behind}")
    } else {
        format!("tile/entries/{number:03}")
    }
}

fn hash_path(index: u64, size: u64) -> String {
    bundle_path(index, size).replace("entries", "0")
}

/// Changes the list of entries in the bundle that holds `index`; nothing else is adapted.
fn edit_bundle(log: &mut Log, index: u64, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let path = bundle_path(index, log.checkpoint.size);
    let bundle = log.tile_mut(&path);
    let mut list: Vec<_> = entries(bundle).map(|entry| entry.unwrap().to_vec()).collect();
    edit(&mut list);
    *bundle = encode_bundle(list).unwrap();
}

fn reason(outcome: Outcome<crate::support::NotThere>) -> TamperReason {
    let Outcome::Tampered(Tampered { reason, .. }) = outcome else {
        panic!("not found: {outcome:?}")
    };
    reason
}

/// The places worth attacking in a log of this size: both ends of it and of its tiles.
fn places(size: u64) -> impl Iterator<Item = u64> {
    [0, 1, 254, 255, 256, 300, 511, 512, size - 1]
        .into_iter()
        .filter(move |index| *index < size)
}

#[test]
fn an_edited_entry_is_named() {
    for (size, index) in SIZES.iter().flat_map(|size| places(*size).map(|index| (*size, index))) {
        let mut log = Log::of(size);
        edit_bundle(&mut log, index, |list| {
            list[usize::try_from(index % 256).unwrap()][0] ^= 1
        });
        let tile = hash_path(index, size);
        let expected = format!("the entry does not have the hash that tile {tile} tells");
        assert_eq!(tampered(log.verify()), (Some(index), expected), "{index} of {size}");
    }
}

#[test]
fn swapped_entries_are_named_by_the_first() {
    let mut log = Log::of(700);
    edit_bundle(&mut log, 300, |list| list.swap(44, 90));
    assert_eq!(tampered(log.verify()).0, Some(300));
}

#[test]
fn a_removed_doubled_or_inserted_entry_is_named() {
    let edits: [fn(&mut Vec<Vec<u8>>); 3] = [
        |list| drop(list.remove(44)),
        |list| list.insert(44, list[43].clone()),
        |list| list.insert(44, b"back-dated".to_vec()),
    ];
    for edit in edits {
        let mut log = Log::of(700);
        edit_bundle(&mut log, 300, edit);
        assert_eq!(tampered(log.verify()).0, Some(300));
    }
}

#[test]
fn an_entry_missing_at_the_end_of_a_bundle_is_named() {
    for (index, size) in [(0, 1), (255, 700), (699, 700)] {
        let mut log = Log::of(size);
        edit_bundle(&mut log, index, |list| drop(list.pop()));
        let expected = format!("the entry is missing from bundle {}", bundle_path(index, size));
        assert_eq!(tampered(log.verify()), (Some(index), expected));
        log.tile_mut(&bundle_path(index, size)).push(0);
        assert_eq!(tampered(log.verify()).0, Some(index), "half an entry is no entry");
    }
}

#[test]
fn a_bundle_that_goes_on_is_found() {
    for (index, size) in [(0, 1), (255, 700), (699, 700)] {
        let mut log = Log::of(size);
        log.tile_mut(&bundle_path(index, size)).extend([0, 1, b'x']);
        let expected = format!("bundle {} goes on after its last entry", bundle_path(index, size));
        assert_eq!(tampered(log.verify()), (Some(index), expected));
    }
}

#[test]
fn an_edited_leaf_hash_is_named() {
    for (size, index) in SIZES.iter().flat_map(|size| places(*size).map(|index| (*size, index))) {
        let mut log = Log::of(size);
        log.tile_mut(&hash_path(index, size))[usize::try_from(index % 256).unwrap() * 32] ^= 1;
        assert_eq!(tampered(log.verify()).0, Some(index), "{index} of {size}");
    }
}

#[test]
fn an_edited_hash_of_an_upper_tile_is_named_with_the_leaves_below() {
    let mut log = Log::of(700);
    log.tile_mut("tile/1/000.p/2")[32] ^= 1;
    let words = "hash 1 of tile tile/1/000.p/2 is not the root over leaves 256 to 511";
    assert_eq!(tampered(log.verify()), (Some(256), words.into()));

    let mut log = Log::of(70_000);
    log.tile_mut("tile/2/000.p/1")[0] ^= 1;
    let words = "hash 0 of tile tile/2/000.p/1 is not the root over leaves 0 to 65535";
    assert_eq!(tampered(log.verify()), (Some(0), words.into()));
}

#[test]
fn a_hash_tile_that_ends_early_or_goes_on_is_found() {
    for cut in [1, 32, 33] {
        let mut log = Log::of(700);
        let tile = log.tile_mut("tile/0/001");
        tile.truncate(tile.len() - cut);
        let index = if cut > 32 { 510 } else { 511 };
        assert_eq!(
            tampered(log.verify()),
            (
                Some(index),
                format!("tile tile/0/001 ends before its hash {}", index - 256)
            )
        );
    }
    let mut log = Log::of(700);
    log.tile_mut("tile/0/001").push(0);
    assert_eq!(
        tampered(log.verify()),
        (Some(256), "tile tile/0/001 goes on after its last hash".into())
    );
}

#[test]
fn the_lowest_of_several_edits_is_named() {
    let mut log = Log::of(70_000);
    edit_bundle(&mut log, 60_000, |list| list[96].push(b'!'));
    log.tile_mut("tile/1/000")[32 * 100] ^= 1;
    assert_eq!(
        tampered(log.verify()).0,
        Some(100 * 256),
        "the hash over leaves 25600 to 25855 comes first"
    );
    edit_bundle(&mut log, 12_345, |list| list[12_345 % 256].push(b'!'));
    assert_eq!(tampered(log.verify()).0, Some(12_345));
}

#[test]
fn an_entry_edited_with_all_its_tiles_is_found_by_the_signed_root() {
    for size in SIZES {
        let honest = Log::of(size);
        let mut list: Vec<_> = (0..size).map(entry).collect();
        list[0] = b"edited".to_vec();
        let mut forged = Log::with(&list);
        forged.checkpoint = honest.checkpoint;
        assert_eq!(
            forged.verify(),
            Outcome::Tampered(Tampered {
                index: None,
                reason: TamperReason::Root { after: 0, size }
            })
        );
    }
}

#[test]
fn a_history_rewritten_and_signed_again_is_found_by_the_older_checkpoint() {
    let kept = Log::of(600).signed();
    let mut list: Vec<_> = (0..700).map(entry).collect();
    list[599] = b"edited".to_vec();
    let mut forged = Log::with(&list);
    assert!(
        matches!(forged.verify(), Outcome::Verified(_)),
        "without the older checkpoint nobody can tell"
    );
    assert_eq!(
        reason(forged.verify_since(Some(&kept))),
        TamperReason::RewrittenHistory { since: 600, after: 0 }
    );
    let mut same_size = Log::with(&list[..600]);
    assert_eq!(
        reason(same_size.verify_since(Some(&kept))),
        TamperReason::RewrittenHistory { since: 600, after: 0 }
    );
    list[599] = entry(599);
    list[600] = b"differs only after the older checkpoint".to_vec();
    assert!(matches!(
        Log::with(&list).verify_since(Some(&kept)),
        Outcome::Verified(_)
    ));
}

#[test]
fn many_older_checkpoints_place_what_nothing_else_places() {
    let mut list: Vec<_> = (0..700).map(entry).collect();
    list[300] = b"edited".to_vec();
    let mut forged = Log::with(&list);
    let note = forged.signed();
    let since: Vec<_> = [650, 100, 310, 299]
        .map(|size| Log::of(size).signed().into_bytes())
        .into();
    let found = forged.verify_against(&note, &since, None, &[vkey()], &mut ());
    let expected = "the first 310 entries are not those the older checkpoint signed; the first 299 are";
    assert_eq!(tampered(found), (Some(299), expected.into()));
    // Edited behind all of them and not signed again.
    list[300] = entry(300);
    list[680] = b"edited".to_vec();
    let mut forged = Log::with(&list);
    let note = Log::of(700).signed();
    let found = forged.verify_against(&note, &since, None, &[vkey()], &mut ());
    assert_eq!(tampered(found).0, Some(650));
}

#[test]
fn a_removed_tail_is_found() {
    // Entries and tiles of the smaller log under the larger signed checkpoint: nothing is where it should be.
    let mut cut = Log::of(600);
    cut.checkpoint = Log::of(700).checkpoint;
    let Outcome::Incomplete(incomplete) = cut.verify() else {
        panic!("a tail is missing")
    };
    assert_eq!(
        (incomplete.checked, incomplete.tile.to_string()),
        (512, "tile/entries/002.p/188".into())
    );

    // Signed again at the smaller size: the kept checkpoint knows better, and names the first entry that is gone.
    let kept = Log::of(700).signed();
    let outcome = Log::of(600).verify_since(Some(&kept));
    let expected = "the log had 700 entries and now has 600: the last ones were removed";
    assert_eq!(tampered(outcome), (Some(600), expected.into()));
}

#[test]
fn an_edited_root_size_or_origin_breaks_the_signature() {
    let note = Log::of(700).signed();
    let root = Log::of(700).checkpoint.root.to_string();
    let other_root = Hash::from_bytes([1; 32]).to_string();
    for edited in [
        note.replace(&root, &other_root),
        note.replace("\n700\n", "\n699\n"),
        note.replacen("0001", "0002", 1),
    ] {
        let found = reason(Log::of(700).verify_as(&edited, None, &mut ()));
        assert!(found.to_string().contains("is wrong"), "{found}");
    }
}

#[test]
fn a_root_that_the_key_signed_but_the_entries_do_not_give_is_found() {
    let mut log = Log::of(700);
    log.checkpoint.root = leaf_hash(b"another root");
    assert_eq!(reason(log.verify()), TamperReason::Root { after: 0, size: 700 });
    let mut empty = Log::of(0);
    empty.checkpoint.root = Hash::from_bytes([0; 32]);
    assert_eq!(reason(empty.verify()), TamperReason::Root { after: 0, size: 0 });
}

#[test]
fn another_key_is_refused() {
    let mut log = Log::of(2);
    let stranger = signer_named(ORIGIN, "another key");
    let note = log.checkpoint.sign(&stranger).unwrap().to_string();
    let found = tampered(log.verify_as(&note, None, &mut ()));
    let words = "the checkpoint can't be trusted: the checkpoint's signature does not hold: no known key has signed \
        the note";
    assert_eq!(found, (None, words.into()));
    assert!(
        log.reads.is_empty(),
        "nothing is read for a checkpoint nobody vouches for"
    );
}

#[test]
fn another_logs_checkpoint_is_refused() {
    let mut log = Log::of(2);
    log.checkpoint.origin = "audit.keepgate.example/tenant/0002".into();
    assert!(
        tampered(log.verify())
            .1
            .contains("not of `audit.keepgate.example/tenant/0001`")
    );
}

#[test]
fn an_older_checkpoint_of_another_key_or_log_is_refused() {
    let older = Log::of(1).checkpoint;
    let stranger = older.sign(&signer_named(ORIGIN, "another key")).unwrap().to_string();
    let elsewhere = Checkpoint {
        origin: "other.example".into(),
        ..older
    }
    .sign(&signer())
    .unwrap()
    .to_string();
    for since in [stranger.as_str(), &elsewhere, "", "garbage"] {
        assert!(
            matches!(
                reason(Log::of(2).verify_since(Some(since))),
                TamperReason::Since { number: 1, .. }
            ),
            "{since:?}"
        );
    }
}

#[test]
fn a_key_with_a_plus_in_its_base64_verifies_a_log() {
    let key: VerifierKey = vkey().to_string().parse().unwrap();
    assert_eq!(key.to_string().matches('+').count(), 3);
    let mut log = Log::of(257);
    let note = log.signed();
    let request = Request {
        checkpoint: note.as_bytes(),
        origin: key.name().as_str(),
        keys: std::slice::from_ref(&key),
        since: &[],
        policy: None,
    };
    assert!(matches!(verify(&request, &mut log, &mut ()), Outcome::Verified(_)));
}

#[test]
fn an_entry_that_spells_a_pair_of_hashes_does_not_stand_for_their_node() {
    let (left, right) = (leaf_hash(&entry(0)), leaf_hash(&entry(1)));
    let spelled = [&[1], left.as_bytes().as_slice(), right.as_bytes()].concat();
    let mut forged = Log::with(&[spelled]);
    forged.checkpoint.root = Log::of(2).checkpoint.root;
    assert!(matches!(reason(forged.verify()), TamperReason::Root { .. }));
}

#[test]
fn damage_in_a_log_of_70_000_is_placed_exactly() {
    let honest = Log::of(70_000);
    for index in [0, 255, 65_535, 65_536, 69_887, 69_888, 69_999] {
        let mut log = honest.clone();
        edit_bundle(&mut log, index, |list| {
            list[usize::try_from(index % 256).unwrap()].clear()
        });
        assert_eq!(tampered(log.verify()).0, Some(index));
    }
}
