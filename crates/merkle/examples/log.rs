//! A log without any I/O: grown, signed, proved, checked, and what is said when it was changed.
//! `cargo run -p keepgate-merkle --example log`
use std::{
    collections::BTreeMap,
    error::Error,
    io::{Write, stdout},
};

use keepgate_merkle::{
    checkpoint::Checkpoint,
    hash::leaf_hash,
    note::{Note, NoteSigner},
    proof::{consistency_proof, inclusion_proof, verify_consistency},
    tile::{TileKind, TilePath, encode_bundle, encode_hashes, tiles_for},
    tlog_proof::TlogProof,
    tree::{Frontier, HashReader, MemoryTree},
    verify::{Outcome, Request, Source, verify},
};

const NAME: &str = "machines.example/log";

/// Where the check gets the files from: here a map, elsewhere a folder or a server.
struct Files(BTreeMap<String, Vec<u8>>);

impl Source for Files {
    type Error = String;
    fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, String> {
        let name = path.to_string();
        self.0.get(&name).cloned().ok_or(name)
    }
}

/// The files of the log: 256 entries to a bundle, 256 hashes to a tile.
fn files(entries: &[String], tree: &MemoryTree) -> Result<Files, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for path in tiles_for(tree.size()) {
        let first = path.index() * 256;
        let places = first..first + u64::from(path.width());
        let content = match path.kind() {
            TileKind::Entries => encode_bundle(places.filter_map(|at| entries.get(usize::try_from(at).ok()?)))?,
            TileKind::Hashes(level) => {
                encode_hashes(&places.filter_map(|at| tree.read(8 * level, at)).collect::<Vec<_>>())
            }
        };
        files.insert(path.to_string(), content);
    }
    Ok(Files(files))
}

fn main() -> Result<(), Box<dyn Error>> {
    // Growing: the right edge is all that has to be kept to go on. 300 entries, signed at 200 and at the end.
    let signer = NoteSigner::from_seed(NAME.parse()?, &[7; 32])?; // a fixture, no real key
    let entries: Vec<String> = (0..300).map(|n| format!("machine 7 made piece {n}")).collect();
    let (mut edge, mut tree) = (Frontier::default(), MemoryTree::default());
    let mut signed: Vec<(Checkpoint, Note)> = Vec::new();
    for entry in &entries {
        edge.push(leaf_hash(entry.as_bytes()));
        tree.push(leaf_hash(entry.as_bytes()));
        if [200, 300].contains(&edge.size()) {
            let checkpoint = Checkpoint {
                origin: NAME.to_owned(),
                size: edge.size(),
                root: edge.root(),
            };
            let note = checkpoint.sign(&signer)?;
            signed.push((checkpoint, note));
        }
    }
    let [(old, old_note), (new, note)] = signed.as_slice() else {
        return Err("it was signed twice".into());
    };

    // One entry proved, in a file of a few hundred bytes.
    let path = inclusion_proof(41, new.size, &tree)?;
    let file = TlogProof {
        index: 41,
        extra: Vec::new(),
        path,
        checkpoint: note.clone(),
    };
    let (text, vkey) = (file.to_string(), signer.verifier().to_string());
    let seen = text
        .parse::<TlogProof>()?
        .verify(&leaf_hash(b"machine 7 made piece 41"), NAME, &[vkey.parse()?])?;
    writeln!(
        stdout(),
        "piece 41 is among the {} that this signs:\n\n{text}",
        seen.size
    )?;

    // Nothing that was signed before is gone.
    let proof = consistency_proof(old.size, new.size, &tree)?;
    verify_consistency(old.size, new.size, &old.root, &new.root, &proof)?;

    // The whole log, entry by entry; then with one entry changed.
    let (note, older) = (note.to_string(), [old_note.to_string().into_bytes()]);
    let request = Request {
        checkpoint: note.as_bytes(),
        origin: NAME,
        keys: &[vkey.parse()?],
        since: &older,
        policy: None,
    };
    let mut files = files(&entries, &tree)?;
    let Outcome::Verified(found) = verify(&request, &mut files, &mut ()) else {
        return Err("an honest log verifies".into());
    };
    writeln!(stdout(), "verified: {} entries of {}", found.size, found.origin)?;
    let changed: Vec<String> = entries
        .iter()
        .map(|entry| entry.replace("piece 41", "piece 4l"))
        .collect();
    let bundle = encode_bundle(changed.iter().take(256))?;
    files.0.insert("tile/entries/000".to_owned(), bundle);
    match verify(&request, &mut files, &mut ()) {
        Outcome::Tampered(tampered) if tampered.index == Some(41) => {
            writeln!(stdout(), "tampered: entry 41: {tampered}")?
        }
        _ => return Err("a changed entry is found".into()),
    }
    Ok(())
}
