//! @sigstore/verify: signature of the note, and proofs of entries.
use std::{fs, path::Path};

use data_encoding::BASE64;
use keepgate_merkle::proof::inclusion_proof;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    install::{ask, installed, missing, npm},
    logs::{Log, ORIGIN, SIZES, TAMPERINGS, signer},
};

const SIGSTORE: &str = "@sigstore/verify@3.1.1";
/// What stands before an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];

fn proof(log: &Log, index: usize, name: &str) -> Value {
    let path = inclusion_proof(index as u64, log.entries.len() as u64, &log.tree).unwrap();
    json!({
        "name": name,
        "index": index,
        "hashes": path.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "checkpoint": fs::read_to_string(log.dir.join("checkpoint")).unwrap(),
        "entry": BASE64.encode(&log.entries[index]),
    })
}

#[tokio::test]
async fn sigstore_believes_our_proofs_and_no_tampered_log() {
    let found = installed(
        "sigstore-verify-3.1.1",
        "node_modules/@sigstore/verify/package.json",
        |aside| npm(aside, SIGSTORE),
    );
    let Some(root) = found.await else {
        return missing(SIGSTORE);
    };
    let (home, mut proofs) = (tempfile::tempdir().unwrap(), vec![]);
    for size in SIZES {
        let honest = Log::honest(&home, size);
        for index in [0, honest.victim(), honest.entries.len() - 1] {
            proofs.push(proof(&honest, index, &format!("honest {size} {index}")));
        }
        for how in TAMPERINGS {
            let tampered = honest.tampered(how);
            proofs.push(proof(&tampered, honest.victim(), &format!("tampered {size} {how:?}")));
        }
    }
    let key = signer().verifier().clone();
    let asked = json!({
        "origin": ORIGIN,
        "id": BASE64.encode(key.id().as_bytes()),
        "spki": BASE64.encode(&[SPKI.as_slice(), &key.public_key()].concat()),
        "proofs": proofs,
    });
    let mut node = Command::new("node");
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/sigstore.cjs"));
    node.arg(root.join("node_modules"));
    let told = ask(node, &asked).await;
    for name in proofs.iter().map(|proof| proof["name"].as_str().unwrap()) {
        assert_eq!(
            told[name].is_null(),
            name.starts_with("honest"),
            "{name}: {}",
            told[name]
        );
    }
}
