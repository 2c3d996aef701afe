//! Whoever has stolen the log's key, or stands between two clients. What the log says about itself is worth nothing then: what others
//! keep is.
use std::{fs, path::PathBuf};

use keepgate_merkle::{hash::leaf_hash, note::Note};

use crate::{
    exported::verify,
    fixture::{ORIGIN, checkpoint, cosigned, entry, log, signer, witness, write},
    verdict::Told::{self, At, Stale, UpTo, Whole},
};

/// One forgery: what is shown, and what the verifier holds against it.
pub struct Forgery {
    pub what: &'static str,
    how: fn(&mut Shown),
    pub told: Told,
}

/// What the verifier gets to see, and what it brings along.
struct Shown {
    entries: Vec<Vec<u8>>,
    note: Option<Note>,
    args: Vec<String>,
    files: Vec<(&'static str, String)>,
}

impl Shown {
    fn since(&mut self, size: usize) {
        let name = if size == 600 { "kept-600" } else { "kept" };
        self.files
            .push((name, checkpoint(&log(size), ORIGIN, &signer(7)).to_string()));
        self.args.extend(["--since".into(), name.into()]);
    }

    /// Two of three witnesses.
    fn policy(&mut self) {
        let line = |seed| format!("witness w{seed} {}\n", witness(seed).verifier());
        let text = format!("{}{}{}group two 2 w1 w2 w3\nquorum two\n", line(1), line(2), line(3));
        self.files.push(("policy", text));
        self.args.extend(["--policy".into(), "policy".into()]);
    }

    /// The log's own signature on what is shown.
    fn signed(&self) -> Note {
        checkpoint(&self.entries, ORIGIN, &signer(7))
    }
}

const fn forgery(what: &'static str, how: fn(&mut Shown), told: Told) -> Forgery {
    Forgery { what, how, told }
}

pub const FORGERIES: &[Forgery] = &[
    forgery(
        "stolen key: rewrite an entry and sign again",
        |shown| {
            shown.entries[599] = entry(599, "forged");
            shown.since(600);
        },
        UpTo(599, "are not those the older checkpoint signed; the first 0 are"),
    ),
    forgery(
        "stolen key: rewrite an entry between two checkpoints that were kept",
        |shown| {
            shown.entries[599] = entry(599, "forged");
            shown.since(600);
            shown.since(550);
        },
        At(550, "the first 550 are"),
    ),
    forgery(
        "stolen key: cut the end off and sign again",
        |shown| {
            shown.entries.truncate(580);
            shown.since(600);
        },
        At(580, "the last ones were removed"),
    ),
    forgery(
        "split view: another log of the same size, well signed",
        |shown| {
            shown.entries[10] = entry(10, "for your eyes only");
            shown.since(700);
        },
        UpTo(10, "are not those the older checkpoint signed"),
    ),
    forgery(
        "fork: go back, then grow differently",
        |shown| {
            shown.entries.truncate(590);
            shown
                .entries
                .extend((590..700).map(|index| entry(index, "another future")));
            shown.since(600);
        },
        UpTo(590, "are not those the older checkpoint signed"),
    ),
    forgery(
        "stolen key: sign again what no witness has seen",
        |shown| {
            shown.entries[599] = entry(599, "forged");
            shown.policy();
        },
        Whole("0 known witnesses have cosigned"),
    ),
    forgery(
        "one witness counted twice",
        |shown| {
            shown.policy();
            let note = cosigned(shown.signed(), &witness(1), 1);
            shown.note = Some(cosigned(note, &witness(1), 2));
        },
        Whole("1 known witnesses have cosigned"),
    ),
    forgery(
        "a cosignature of another state",
        |shown| {
            shown.policy();
            let other = cosigned(checkpoint(&log(699), ORIGIN, &signer(7)), &witness(2), 1);
            let line = other.signatures().last().unwrap().clone();
            shown.note = Some(cosigned(shown.signed(), &witness(1), 1).with_signature(line).unwrap());
        },
        Whole("is wrong"),
    ),
    forgery(
        "strangers instead of the policy's witnesses",
        |shown| {
            shown.policy();
            let note = cosigned(shown.signed(), &witness(8), 1);
            shown.note = Some(cosigned(note, &witness(9), 1));
        },
        Whole("0 known witnesses have cosigned"),
    ),
    forgery(
        "cosignatures dated into the future",
        |shown| {
            shown.policy();
            let note = cosigned(shown.signed(), &witness(1), 4_000_000_000);
            shown.note = Some(cosigned(note, &witness(2), 4_000_000_000));
            shown.args.extend(["--max-age".into(), "7d".into()]);
        },
        Stale,
    ),
    forgery(
        "an old state, cosigned long ago",
        |shown| {
            shown.policy();
            let note = cosigned(shown.signed(), &witness(1), 1_600_000_000);
            shown.note = Some(cosigned(note, &witness(2), 1_600_000_000));
            shown.args.extend(["--max-age".into(), "15m".into()]);
        },
        Stale,
    ),
    forgery(
        "another tenant's checkpoint",
        |shown| {
            let other = ORIGIN.replace("0001", "0002");
            shown.note = Some(checkpoint(&shown.entries, &other, &signer(7)));
        },
        Whole("the checkpoint can't be trusted"),
    ),
    forgery(
        "another key under the same name",
        |shown| {
            shown.note = Some(checkpoint(&shown.entries, ORIGIN, &signer(8)));
        },
        Whole("no known key has signed"),
    ),
    forgery(
        "an entry of another tenant, well signed",
        |shown| {
            let text = String::from_utf8(entry(300, "x")).unwrap();
            shown.entries[300] = text
                .replacen("\"tenant\":\"0190a000", "\"tenant\":\"0190a001", 1)
                .into_bytes();
        },
        At(300, "of another tenant"),
    ),
    forgery(
        "an entry dated back, well signed",
        |shown| {
            shown.entries[650] = entry(1, "x");
        },
        At(650, "back-dated"),
    ),
    forgery(
        "an entry that is two hashes spelled as a node",
        |shown| {
            let (l, r) = (leaf_hash(b"l"), leaf_hash(b"r"));
            shown.entries[3] = [&[1][..], l.as_bytes(), r.as_bytes()].concat();
        },
        At(3, "not JSON"),
    ),
];

#[tokio::test]
async fn a_thief_of_the_key_is_found_by_what_others_keep() {
    let home = tempfile::tempdir().unwrap();
    let key = signer(7).verifier().to_string();
    for (number, forgery) in FORGERIES.iter().enumerate() {
        let mut shown = Shown {
            entries: log(700),
            note: None,
            args: vec![],
            files: vec![],
        };
        (forgery.how)(&mut shown);
        let note = shown.note.clone().unwrap_or_else(|| shown.signed());
        let dir = write(home.path(), &number.to_string(), &shown.entries, &note);
        for (name, content) in &shown.files {
            fs::write(dir.join(name), content).unwrap();
        }
        let args: Vec<String> = shown
            .args
            .iter()
            .map(|arg| {
                let file: PathBuf = dir.join(arg);
                if file.is_file() {
                    file.to_str().unwrap().to_owned()
                } else {
                    arg.clone()
                }
            })
            .collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ended = verify(&dir, &key, &args).await;
        forgery.told.check(forgery.what, &ended, shown.entries.len() as u64);
    }
    // Nothing was wrong with the rest.
    let honest = write(
        home.path(),
        "honest",
        &log(700),
        &checkpoint(&log(700), ORIGIN, &signer(7)),
    );
    assert_eq!(verify(&honest, &key, &[]).await.code, Some(0));
}
