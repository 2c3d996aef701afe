//! The check of a whole log where nothing was tampered with.

use keepgate_merkle::cosignature::Scheme;
use keepgate_merkle::note::Note;
use keepgate_merkle::policy::Policy;
use keepgate_merkle::tile::{FULL_WIDTH, TilePath, tiles_for};
use keepgate_merkle::verify::{Incomplete, Observer, Outcome, Request, Source, Verified, verify};

use crate::cosignatures::cosigner;
use crate::support::{Log, NotThere, ORIGIN, entry, tampered, vkey};

#[derive(Default)]
struct Watch {
    entries: Vec<(u64, Vec<u8>)>,
    progress: Vec<(u64, u64)>,
    refuse: Option<u64>,
}

impl Observer for Watch {
    fn progress(&mut self, done: u64, total: u64) {
        self.progress.push((done, total));
    }

    fn entry(&mut self, index: u64, bytes: &[u8]) -> Result<(), String> {
        self.entries.push((index, bytes.to_vec()));
        if self.refuse == Some(index) {
            Err("the tenant is another one".into())
        } else {
            Ok(())
        }
    }
}

#[test]
fn an_honest_log_of_any_size_is_verified() {
    for size in [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 700, 70_000] {
        let mut log = Log::of(size);
        let verified = Verified {
            origin: ORIGIN.into(),
            size,
            root: log.checkpoint.root,
            since: vec![],
            cosigned: vec![],
            unseen: vec![],
        };
        assert_eq!(log.verify(), Outcome::Verified(verified));
        let mut reads = std::mem::take(&mut log.reads);
        reads.sort();
        let mut all: Vec<_> = tiles_for(size).collect();
        all.sort();
        assert_eq!(reads, all, "each tile of a log of {size} is read once");
    }
}

#[test]
fn an_honest_log_extends_each_of_its_older_checkpoints() {
    let mut log = Log::of(700);
    for since in [0, 1, 2, 255, 256, 257, 511, 512, 699, 700] {
        let Outcome::Verified(verified) = log.verify_since(Some(&Log::of(since).signed())) else {
            panic!("{since}")
        };
        assert_eq!(verified.since, [since]);
    }
}

#[test]
fn an_honest_log_extends_many_older_checkpoints_in_any_order_and_twice() {
    let mut log = Log::of(700);
    let note = log.signed();
    let since: Vec<_> = [600, 1, 256, 1, 700]
        .map(|size| Log::of(size).signed().into_bytes())
        .into();
    let Outcome::Verified(verified) = log.verify_against(&note, &since, None, &[vkey()], &mut ()) else {
        panic!("not verified")
    };
    assert_eq!(verified.since, [1, 256, 600, 700]);
}

#[test]
fn every_entry_is_shown_once_in_order_and_progress_reaches_the_end() {
    let mut log = Log::of(600);
    let mut watch = Watch::default();
    let note = log.signed();
    assert!(matches!(log.verify_as(&note, None, &mut watch), Outcome::Verified(_)));
    assert_eq!(
        watch.entries,
        (0..600).map(|index| (index, entry(index))).collect::<Vec<_>>()
    );
    assert_eq!(watch.progress, [(256, 600), (512, 600), (600, 600)]);
}

#[test]
fn an_entry_whose_content_the_observer_refuses_is_named_in_its_words() {
    let mut log = Log::of(600);
    let mut watch = Watch {
        refuse: Some(300),
        ..Watch::default()
    };
    let note = log.signed();
    let outcome = log.verify_as(&note, None, &mut watch);
    assert_eq!(tampered(outcome), (Some(300), "the tenant is another one".into()));
}

#[test]
fn a_tile_that_can_not_be_read_leaves_the_check_incomplete() {
    let missing = [
        "tile/entries/001",
        "tile/0/001",
        "tile/0/002.p/188",
        "tile/entries/002.p/188",
        "tile/1/000.p/2",
    ];
    for (path, checked) in missing.into_iter().zip([256, 256, 512, 512, 255]) {
        let mut log = Log::of(700);
        let tile: TilePath = path.parse().unwrap();
        log.tiles.remove(&tile).unwrap();
        assert_eq!(
            log.verify(),
            Outcome::Incomplete(Incomplete {
                checked,
                tile,
                error: NotThere
            }),
            "{path}"
        );
    }
}

#[test]
fn the_full_tile_stands_in_for_a_partial_one_that_is_gone() {
    let mut older = Log::of(700);
    let newer = Log::of(70_000);
    older.tiles = newer
        .tiles
        .into_iter()
        .filter(|(path, _)| path.width() == FULL_WIDTH)
        .collect();
    let Outcome::Verified(verified) = older.verify() else {
        panic!("not verified")
    };
    assert_eq!(verified.size, 700);
}

#[test]
fn a_policy_asks_for_its_witnesses_and_names_them() {
    let mut log = Log::of(300);
    let witnesses = [1, 2, 3].map(|seed| cosigner(&format!("witness.example/{seed}"), Scheme::Ed25519, seed));
    let [a, b, c] = [0, 1, 2].map(|at: usize| witnesses[at].verifier().to_string());
    let policy = format!("witness a {a}\nwitness b {b}\nwitness c {c}\ngroup two 2 a b c\nquorum two\n");
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let mut note: Note = log.signed().parse().unwrap();
    for (many, witness) in (1_u64..).zip(&witnesses[..2]) {
        let outcome = log.verify_against(&note.to_string(), &[], Some(&policy), &[vkey()], &mut ());
        assert!(tampered(outcome).1.contains("not the quorum"), "{many} of 2");
        let line = witness.cosign(note.text(), many).unwrap();
        note = note.with_signature(line).unwrap();
    }
    let outcome = log.verify_against(&note.to_string(), &[], Some(&policy), &[vkey()], &mut ());
    let Outcome::Verified(verified) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(verified.cosigned, [("a".into(), 1), ("b".into(), 2)]);
    // A cosignature of another size does not count, and a wrong one refuses the note whoever else signed.
    let elsewhere: Note = Log::of(299).signed().parse().unwrap();
    let wrong = witnesses[2].cosign(elsewhere.text(), 3).unwrap();
    let note = note.with_signature(wrong).unwrap();
    let outcome = log.verify_against(&note.to_string(), &[], Some(&policy), &[vkey()], &mut ());
    assert!(tampered(outcome).1.contains("is wrong"));
}

/// A log that knows that entries which are not there were archived.
struct Pruned(Log);

impl Source for Pruned {
    type Error = NotThere;

    fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, NotThere> {
        self.0.tile(path)
    }

    fn is_elsewhere(&self, _: &NotThere) -> bool {
        true
    }
}

impl Pruned {
    fn of(size: u64, without: &[&str]) -> Self {
        let mut log = Log::of(size);
        for path in without {
            log.tiles.remove(&path.parse().unwrap()).unwrap();
        }
        Self(log)
    }

    fn check(&mut self, since: &[Vec<u8>], observer: &mut Watch) -> Outcome<NotThere> {
        let (note, keys) = (self.0.signed(), [vkey()]);
        let request = Request {
            checkpoint: note.as_bytes(),
            origin: ORIGIN,
            keys: &keys,
            since,
            policy: None,
        };
        verify(&request, self, observer)
    }
}

#[test]
fn entries_that_are_elsewhere_are_told_and_the_rest_is_checked() {
    let mut log = Pruned::of(1300, &["tile/entries/000", "tile/entries/001", "tile/entries/004"]);
    let since: Vec<_> = [100, 512, 900].map(|size| Log::of(size).signed().into_bytes()).into();
    let mut watch = Watch::default();
    let Outcome::Verified(verified) = log.check(&since, &mut watch) else {
        panic!("not verified")
    };
    assert_eq!(verified.unseen, [0..512, 1024..1280]);
    assert_eq!(verified.since, [100, 512, 900], "hashes are enough for that");
    let shown: Vec<_> = watch.entries.iter().map(|(index, _)| *index).collect();
    assert_eq!(shown, (512..1024).chain(1280..1300).collect::<Vec<_>>());
}

#[test]
fn behind_entries_that_are_elsewhere_nothing_can_be_hidden() {
    let gone = &["tile/entries/000"];
    let mut edited = Pruned::of(600, gone);
    edited.0.tiles.get_mut(&"tile/entries/001".parse().unwrap()).unwrap()[2] ^= 1;
    assert_eq!(tampered(edited.check(&[], &mut Watch::default())).0, Some(256));
    let mut hashes = Pruned::of(600, gone);
    hashes.0.tiles.get_mut(&"tile/0/000".parse().unwrap()).unwrap()[40] ^= 1;
    assert_eq!(tampered(hashes.check(&[], &mut Watch::default())).0, Some(0));
    let mut cut = Pruned::of(600, gone);
    cut.0
        .tiles
        .get_mut(&"tile/0/000".parse().unwrap())
        .unwrap()
        .truncate(70);
    assert_eq!(tampered(cut.check(&[], &mut Watch::default())).0, Some(2));
    let mut without = Pruned::of(600, &["tile/entries/000", "tile/0/000"]);
    assert!(matches!(
        without.check(&[], &mut Watch::default()),
        Outcome::Incomplete(_)
    ));
}
