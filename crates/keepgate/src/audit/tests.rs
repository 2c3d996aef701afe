//! A log as others would hand it over, checked and damaged.
use std::{fs, path::Path};

use clap::Parser;
use keepgate_audit::{Leaf, LeafVersion, TimeQuality};
use keepgate_kernel::{AuditId, Outcome, PrincipalId, RequestId, TenantId, Timestamp, Uuid};
use keepgate_merkle::{checkpoint::Checkpoint, hash::leaf_hash, note::NoteSigner, tree::root_of};

use super::{
    tiles::{Grower, TileDirectory, size_of},
    verify,
};
use crate::{cli::VerifyArgs, environment::Environment, exit::Exit};

const ORIGIN: &str = "localhost/audit/00000000-0000-0000-0000-000000000000";

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    verify: VerifyArgs,
}

fn nowhere() -> Environment {
    Environment::from_iter::<[(&str, &str); 0]>([])
}

fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN.parse().unwrap(), &[7; 32]).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(1_790_000_000 + second, 0).unwrap()
}

fn leaf(second: i64) -> Vec<u8> {
    let tenant = TenantId::from_uuid(Uuid::nil());
    let leaf = Leaf {
        version: LeafVersion::V2,
        commitments: std::collections::BTreeMap::new(),
        occurred_at: None,
        action: "message.accept".into(),
        actor: PrincipalId::system(tenant),
        entity: format!("msg:{second}"),
        id: AuditId::new(at(second)),
        outcome: Outcome::Done,
        reason: None,
        recorded_at: at(second),
        request: RequestId::new(at(second)),
        tenant,
        time_quality: TimeQuality::Unattested,
    };
    leaf.to_bytes()
}

/// Writes the log of `entries` to `out`.
fn write(out: &Path, entries: &[Vec<u8>]) {
    let directory = TileDirectory::begin(out).unwrap();
    let hashes: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let mut grower = Grower::default();
    for (entries, hashes) in entries.chunks(256).zip(hashes.chunks(256)) {
        grower.bundle(&directory, entries, hashes).unwrap();
    }
    grower.finish(&directory).unwrap();
    let checkpoint = Checkpoint {
        origin: ORIGIN.into(),
        size: entries.len() as u64,
        root: root_of(&hashes),
    };
    directory
        .finish(checkpoint.sign(&signer()).unwrap().to_string().as_bytes())
        .unwrap();
}

fn check(dir: &Path, more: &[&str]) -> Exit {
    let key = signer().verifier().to_string();
    let dir = dir.display().to_string();
    let mut arguments = vec!["verify", "--dir", &dir, "--key", &key];
    arguments.extend(more);
    verify(&Args::parse_from(arguments).verify, &nowhere()).unwrap_or_else(|failure| failure.exit)
}

#[test]
fn a_log_of_every_shape_verifies_and_an_edited_entry_does_not() {
    let base = tempfile::tempdir().unwrap();
    for size in [1, 255, 256, 257, 700] {
        let dir = base.path().join(size.to_string());
        write(&dir, &(0..size).map(leaf).collect::<Vec<_>>());
        assert_eq!(
            size_of(&fs::read(dir.join("checkpoint")).unwrap()),
            u64::try_from(size).ok()
        );
        assert_eq!(check(&dir, &[]), Exit::Ok, "{size}");
    }
    let bundle = base.path().join("700/tile/entries/001");
    let mut content = fs::read(&bundle).unwrap();
    let last = content.len() - 30;
    content[last] ^= 1;
    fs::write(&bundle, content).unwrap();
    assert_eq!(check(&base.path().join("700"), &["--json"]), Exit::Failed);
}

#[test]
fn a_missing_tile_or_checkpoint_is_incomplete_and_not_verified() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("log");
    write(&dir, &(0..300).map(leaf).collect::<Vec<_>>());
    fs::remove_file(dir.join("tile/0/001.p/44")).unwrap();
    assert_eq!(check(&dir, &[]), Exit::Incomplete);
    fs::remove_file(dir.join("checkpoint")).unwrap();
    assert_eq!(check(&dir, &["--json"]), Exit::Incomplete);
}

#[test]
fn entries_that_were_archived_are_read_from_there_or_told_as_unseen() {
    let base = tempfile::tempdir().unwrap();
    let (dir, store) = (base.path().join("log"), base.path().join("store/ten/0-512"));
    write(&dir, &(0..700).map(leaf).collect::<Vec<_>>());
    let month = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    let (manifest, _) = keepgate_audit::archive::Manifest::new(ORIGIN, month, 0, 512, 700).to_bytes();
    fs::create_dir_all(store.join("tile/entries")).unwrap();
    fs::write(store.join("manifest.json"), manifest).unwrap();
    for name in ["tile/entries/000", "tile/entries/001"] {
        fs::rename(dir.join(name), store.join(name)).unwrap();
    }
    let shown = base.path().join("store").display().to_string();
    assert_eq!(check(&dir, &[]), Exit::Incomplete);
    assert_eq!(check(&dir, &["--archive", &shown]), Exit::Ok);
    assert_eq!(check(&dir, &["--archive", "/nonexistent"]), Exit::Usage);
    // An archive is believed no more than the log.
    let bundle = store.join("tile/entries/001");
    let mut content = fs::read(&bundle).unwrap();
    let good = content.clone();
    content[40] ^= 1;
    fs::write(&bundle, content).unwrap();
    assert_eq!(check(&dir, &["--archive", &shown]), Exit::Failed);
    fs::write(&bundle, good).unwrap();
    // What is wrong elsewhere is found without the archive, too.
    let last = dir.join("tile/entries/002.p/188");
    let mut content = fs::read(&last).unwrap();
    content[40] ^= 1;
    fs::write(&last, content).unwrap();
    assert_eq!(check(&dir, &["--json"]), Exit::Failed);
}

#[test]
fn an_older_checkpoint_finds_a_rewritten_history() {
    let base = tempfile::tempdir().unwrap();
    let (old, grown, forged) = (
        base.path().join("old"),
        base.path().join("grown"),
        base.path().join("forged"),
    );
    let mut entries: Vec<_> = (0..10).map(leaf).collect();
    write(&old, &entries);
    entries.extend((10..20).map(leaf));
    write(&grown, &entries);
    entries[3] = leaf(4);
    write(&forged, &entries);
    let since = old.join("checkpoint").display().to_string();
    assert_eq!(check(&grown, &["--since", &since]), Exit::Ok);
    assert_eq!(
        check(&forged, &[]),
        Exit::Ok,
        "signed again, so only the older checkpoint tells"
    );
    assert_eq!(check(&forged, &["--since", &since]), Exit::Failed);
    assert_eq!(check(&grown, &["--since", "/nonexistent"]), Exit::Usage);
}

#[test]
fn a_back_dated_entry_is_found_although_the_log_is_signed() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("log");
    write(&dir, &[leaf(0), leaf(3600), leaf(3500), leaf(3601)]);
    assert_eq!(check(&dir, &[]), Exit::Ok, "a slow transaction");
    let dir = base.path().join("back-dated");
    write(&dir, &[leaf(0), leaf(3600), leaf(60)]);
    assert_eq!(check(&dir, &[]), Exit::Failed);
}

#[test]
fn another_key_is_tampering_and_a_malformed_one_is_usage() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("log");
    write(&dir, &[leaf(0)]);
    let shown = dir.display().to_string();
    let verify_with = |key: &str| {
        let args = Args::parse_from(["verify", "--dir", &shown, "--key", key]);
        verify(&args.verify, &nowhere()).unwrap_or_else(|failure| failure.exit)
    };
    let stranger = NoteSigner::from_seed(ORIGIN.parse().unwrap(), &[8; 32])
        .unwrap()
        .verifier()
        .to_string();
    assert_eq!(verify_with(&stranger), Exit::Failed);
    assert_eq!(verify_with("nonsense"), Exit::Usage);
}

#[test]
fn a_bundle_is_checked_like_the_directory_it_holds() {
    let base = tempfile::tempdir().unwrap();
    let (dir, bundle) = (base.path().join("log"), base.path().join("b.tar"));
    write(&dir, &(0..300).map(leaf).collect::<Vec<_>>());
    let mut tar = std::process::Command::new("tar");
    tar.args(["--format=ustar", "-cf"]).arg(&bundle).arg("-C").arg(&dir);
    let files = [
        "checkpoint",
        "tile/entries/000",
        "tile/entries/001.p/44",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
    ];
    assert!(tar.args(files).status().unwrap().success());
    let (key, shown) = (signer().verifier().to_string(), bundle.display().to_string());
    let args = Args::parse_from(["verify", "--bundle", &shown, "--key", &key]);
    assert_eq!(verify(&args.verify, &nowhere()).unwrap(), Exit::Ok);
}

fn line(of: &str) -> String {
    of.to_owned() + "\n"
}

#[test]
fn witnesses_age_and_several_older_checkpoints_are_asked_for() {
    use keepgate_merkle::{
        cosignature::{Cosigner, Scheme},
        note::Note,
    };
    let base = tempfile::tempdir().unwrap();
    let (dir, old) = (base.path().join("log"), base.path().join("old"));
    let entries: Vec<_> = (0..20).map(leaf).collect();
    write(&dir, &entries);
    write(&old, &entries[..10]);
    let witness = Cosigner::from_seed("witness.example/w".parse().unwrap(), Scheme::Ed25519, &[9; 32]).unwrap();
    let policy = base.path().join("policy");
    fs::write(&policy, format!("witness w {}\nquorum w\n", witness.verifier())).unwrap();
    let (policy, since) = (
        policy.display().to_string(),
        old.join("checkpoint").display().to_string(),
    );
    assert_eq!(check(&dir, &["--policy", &policy]), Exit::Failed, "nobody cosigned");
    assert_eq!(
        check(&dir, &["--max-age", "1m"]),
        Exit::Failed,
        "dated in the future or long ago"
    );
    let note: Note = fs::read_to_string(dir.join("checkpoint")).unwrap().parse().unwrap();
    let at = u64::try_from(keepgate_kernel::Clock::now(&keepgate_kernel::SystemClock).timestamp()).unwrap();
    let signed = note
        .clone()
        .with_signature(witness.cosign(note.text(), at).unwrap())
        .unwrap();
    fs::write(dir.join("checkpoint"), signed.to_string()).unwrap();
    assert_eq!(
        check(&dir, &["--policy", &policy, "--since", &since, "--since", &since]),
        Exit::Ok
    );
    assert_eq!(check(&dir, &["--policy", "/nonexistent"]), Exit::Usage);
    // The policy may name the log's key; it must be of one log.
    let named = base.path().join("named");
    fs::write(
        &named,
        format!(
            "log {}\nwitness w {}\nquorum w\n",
            signer().verifier(),
            witness.verifier()
        ),
    )
    .unwrap();
    let args = |policy: &Path| {
        Args::parse_from([
            "verify",
            "--dir",
            &dir.display().to_string(),
            "--policy",
            &policy.display().to_string(),
        ])
    };
    assert_eq!(verify(&args(&named).verify, &nowhere()).unwrap(), Exit::Ok);
    assert_eq!(
        verify(&args(Path::new(&policy)).verify, &nowhere()).unwrap_err().exit,
        Exit::Usage
    );
}

#[test]
fn any_of_the_log_s_keys_vouches_and_keys_of_two_logs_are_usage() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("log");
    write(&dir, &[leaf(0)]);
    let next = NoteSigner::from_seed(ORIGIN.parse().unwrap(), &[8; 32])
        .unwrap()
        .verifier()
        .to_string();
    assert_eq!(check(&dir, &["--key", &next]), Exit::Ok);
    let other = NoteSigner::from_seed("elsewhere".parse().unwrap(), &[8; 32])
        .unwrap()
        .verifier()
        .to_string();
    assert_eq!(check(&dir, &["--key", &other]), Exit::Usage);
}

#[test]
fn openings_must_be_what_the_leaves_commit_to() {
    let base = tempfile::tempdir().unwrap();
    let dir = base.path().join("log");
    let opening = keepgate_audit::commitment::Opening {
        salt: [3; 32],
        value: "192.0.2.7".into(),
    };
    let mut entries: Vec<Leaf> = (0..3).map(|second| Leaf::parse(&leaf(second)).unwrap()).collect();
    entries[1]
        .commitments
        .insert("source".into(), opening.commitment("source"));
    write(&dir, &entries.iter().map(Leaf::to_bytes).collect::<Vec<_>>());
    let told = |index: u64, value: &str| {
        line(&format!(
            "{{\"index\":{index},\"field\":\"source\",\"salt\":\"{}\",\"value\":\"{value}\"}}",
            "03".repeat(32)
        ))
    };
    for (text, expected) in [
        (told(1, "192.0.2.7"), Exit::Ok),
        (told(1, "192.0.2.8"), Exit::Failed),
        (told(0, "192.0.2.7"), Exit::Failed),
        (told(9, "192.0.2.7"), Exit::Failed),
        (line("{}"), Exit::Usage),
    ] {
        fs::write(dir.join("openings.jsonl"), &text).unwrap();
        assert_eq!(check(&dir, &[]), expected, "{text}");
    }
}
