//! `keepgate witness`: a process that shares nothing with the gateway, whose log it cosigns.
use std::os::unix::fs::PermissionsExt;

use keepgate_kernel::{Clock, SystemClock};
use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::{CosignerKey, cosignatures},
    hash::{Hash, leaf_hash},
    note::Note,
    policy::Policy,
    tree::root_of,
    witness::{AddCheckpoint, SIZE_MEDIA_TYPE, read_answer},
};
use keepgate_tests::{Server, WitnessProcess, message, run};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::judges::{aics, ask, missing};

/// The checkpoint of a tenant's log as it is now, with everything before it.
struct Log {
    server: Server,
    owner: String,
    vkey: String,
}

async fn log() -> Log {
    let server = Server::start().await;
    let owner = server.owner().await;
    server.whole_log(&owner).await;
    let vkey = server
        .get("/v1/audit/log/vkey", &owner)
        .await
        .expect(200)
        .text()
        .trim()
        .to_owned();
    Log { server, owner, vkey }
}

impl Log {
    async fn checkpoint(&self) -> Note {
        let told = self
            .server
            .get("/v1/audit/log/checkpoint", &self.owner)
            .await
            .expect(200)
            .text();
        told.parse().unwrap()
    }

    async fn grow(&self) -> Note {
        let to = self
            .server
            .recipient(&self.owner, "internet", &self.server.me(&self.owner).await)
            .await;
        self.server.accept(&self.server.key(), message(&to, "more")).await;
        self.server.whole_log(&self.owner).await;
        self.checkpoint().await
    }

    /// The request for `note` from `old` on, with the proof that the gateway tells.
    async fn request(&self, old: u64, note: &Note) -> String {
        let size = size(note);
        let mut proof = Vec::new();
        if 0 < old && old < size {
            let path = format!("/v1/audit/proof?first={old}&second={size}");
            let told = self.server.get(&path, &self.owner).await.expect(200).json();
            let hashes = told["hashes"].as_array().unwrap();
            proof = hashes
                .iter()
                .map(|hash| hash.as_str().unwrap().parse::<Hash>().unwrap())
                .collect();
        }
        let checkpoint = note.clone();
        AddCheckpoint { old, proof, checkpoint }.to_string()
    }
}

fn size(note: &Note) -> u64 {
    note.text().parse::<Checkpoint>().unwrap().size
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn keys(witness: &WitnessProcess) -> Vec<CosignerKey> {
    witness.keys.iter().map(|key| key.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_growing_log_is_cosigned_through_a_crash_and_a_policy_accepts_it() {
    let log = log().await;
    let mut witness = WitnessProcess::start(home(), &log.vkey).await;
    let first = log.checkpoint().await;
    let (status, _, answer) = witness.add_checkpoint(&log.request(0, &first).await).await;
    assert_eq!(status, 200, "{answer}");
    let before = witness.keys.clone();
    witness = witness.kill_and_start(&log.vkey).await;
    assert_eq!(witness.keys, before, "the key outlasts the process");

    let second = log.grow().await;
    let (status, media, told) = witness.add_checkpoint(&log.request(0, &second).await).await;
    assert_eq!(
        (status, media.as_str(), told),
        (409, SIZE_MEDIA_TYPE, format!("{}\n", size(&first)))
    );
    let (status, _, answer) = witness.add_checkpoint(&log.request(size(&first), &second).await).await;
    assert_eq!(status, 200, "{answer}");
    let lines = read_answer(answer.as_bytes(), &second, &keys(&witness)).unwrap();
    assert_eq!(lines.len(), 2);

    let cosigned = lines
        .into_iter()
        .fold(second.clone(), |note, line| note.with_signature(line).unwrap());
    let policy = format!("log {}\nwitness w {}\nquorum w\n", log.vkey, witness.keys[0]);
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    assert!(policy.check(&second).is_err());
    assert_eq!(policy.check(&cosigned).unwrap().checkpoint.size, size(&second));

    let origin = cosigned.text().lines().next().unwrap().to_owned();
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&origin));
    let (status, _, kept) = witness.checkpoint(&hash).await;
    assert_eq!((status, kept), (200, cosigned.to_string()));
    assert_eq!(witness.checkpoint(&"0".repeat(64)).await.0, 404);
}

#[tokio::test]
async fn a_log_rolled_back_or_forked_by_whoever_has_its_key_is_refused_and_told_on() {
    // The thief has everything: database, signing key. Here: the key of a log of our own.
    let thief = keepgate_merkle::note::NoteSigner::from_seed("log.example/audit".parse().unwrap(), &[5; 32]).unwrap();
    let of = |fork: usize, size: usize| {
        let leaf = |index: usize| leaf_hash(format!("{index} {}", index >= fork).as_bytes());
        let root = root_of(&(0..size).map(leaf).collect::<Vec<_>>());
        let checkpoint = Checkpoint {
            origin: "log.example/audit".into(),
            size: size as u64,
            root,
        };
        checkpoint.sign(&thief).unwrap()
    };
    let witness = WitnessProcess::start(home(), &thief.verifier().to_string()).await;
    let ask = |old: usize, checkpoint: Note| {
        AddCheckpoint {
            old: old as u64,
            proof: vec![],
            checkpoint,
        }
        .to_string()
    };
    assert_eq!(witness.add_checkpoint(&ask(0, of(20, 20))).await.0, 200);
    assert_eq!(
        witness.add_checkpoint(&ask(20, of(10, 20))).await.0,
        422,
        "another root at the same size"
    );
    assert_eq!(
        witness.add_checkpoint(&ask(20, of(10, 30))).await.0,
        422,
        "another past"
    );
    assert_eq!(witness.add_checkpoint(&ask(10, of(10, 10))).await.0, 409, "a rollback");
    assert_eq!(
        witness.add_checkpoint(&ask(20, of(10, 10))).await.0,
        400,
        "a rollback that tells the truth"
    );
    assert_eq!(witness.add_checkpoint("old 20\n\nnonsense").await.0, 400);
    assert_eq!(witness.add_checkpoint(&"x".repeat(2_000_000)).await.0, 413);
    let evidence = witness.home.path().join("witness/logs");
    let kept: usize = std::fs::read_dir(evidence)
        .unwrap()
        .filter_map(|folder| std::fs::read_dir(folder.unwrap().path().join("evidence")).ok())
        .map(Iterator::count)
        .sum();
    assert_eq!(kept, 2, "both forks, as they were sent");
}

#[tokio::test]
async fn what_can_t_be_right_ends_it_with_a_code_and_a_way_out() {
    let vkey = keepgate_merkle::note::NoteSigner::from_seed("log.example/audit".parse().unwrap(), &[5; 32]);
    let vkey = vkey.unwrap().verifier().to_string();
    let first = WitnessProcess::start(home(), &vkey).await;
    let again = |more: &[&str]| {
        let mut arguments = WitnessProcess::arguments(&first.home, &vkey);
        arguments.extend(more.iter().map(|text| (*text).to_owned()));
        arguments
    };
    run(again(&["--listen", "127.0.0.1:0"])).await.failed(9);
    run(again(&["--listen", "0.0.0.0:0"])).await.failed(2);
    let other = home();
    let with = |vkey: &str| WitnessProcess::arguments(&other, vkey);
    assert_eq!(run(with("nonsense")).await.code, Some(2));
    let cosigner = first.keys[0].clone();
    assert_eq!(run(with(&cosigner)).await.code, Some(2), "a witness's key is no log's");

    let key = WitnessProcess::key_file(&first.home);
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let closed = home();
    std::fs::create_dir(closed.path().join("witness")).unwrap();
    let copy = WitnessProcess::key_file(&closed);
    std::fs::copy(&key, &copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o644)).unwrap();
    let arguments = || {
        WitnessProcess::arguments(&closed, &vkey)
            .into_iter()
            .chain(["--listen".into(), "127.0.0.1:0".into()])
    };
    run(arguments()).await.failed(4);
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&copy, [1; 31]).unwrap();
    run(arguments()).await.failed(4);
}

#[tokio::test]
async fn cosignatures_of_both_schemes_hold_for_a_checkpoint_and_no_other() {
    let log = log().await;
    let witness = WitnessProcess::start(home(), &log.vkey).await;
    let note = log.checkpoint().await;
    let (_, _, answer) = witness.add_checkpoint(&log.request(0, &note).await).await;
    let whole: Note = format!("{note}{answer}").parse().unwrap();
    let known = keys(&witness);
    let now = u64::try_from(SystemClock.now().timestamp()).unwrap();
    for seen in cosignatures(&whole, &known).unwrap() {
        assert!(seen.time.abs_diff(now) < 60, "the witness's own clock");
    }
    let other = log.grow().await;
    assert!(
        format!("{other}{answer}")
            .parse::<Note>()
            .is_ok_and(|note| cosignatures(&note, &known).is_err())
    );
}

#[tokio::test]
async fn another_verifier_replays_the_exported_log_and_counts_the_cosignature() {
    let Some(packages) = aics::packages().await else {
        return missing(aics::PACKAGE);
    };
    let log = log().await;
    let witness = WitnessProcess::start(home(), &log.vkey).await;
    let out = witness.home.path().join("tiles").to_str().unwrap().to_owned();
    let (url, token) = (log.server.url(""), log.server.private_file("token", &log.owner));
    let access = ["--url", &url, "--ca-cert", log.server.ca_cert(), "--token-file", &token];
    run(["audit", "export", "--format", "tiles", "--out", &out]
        .into_iter()
        .chain(access))
    .await
    .expect(0);
    let file = std::path::Path::new(&out).join("checkpoint");
    let note: Note = std::fs::read_to_string(&file).unwrap().parse().unwrap();
    let origin = note.text().lines().next().unwrap();
    let verdict = || async {
        let asked = json!({"vkey": log.vkey, "origin": origin, "logs": [out], "witness": witness.keys[0]});
        ask(aics::judge(&packages), &asked).await[&out].clone()
    };
    assert!(verdict().await.is_string(), "not cosigned yet");
    let (_, _, answer) = witness.add_checkpoint(&log.request(0, &note).await).await;
    std::fs::write(&file, format!("{note}{answer}")).unwrap();
    assert_eq!(verdict().await, json!(null));
    let bundle = std::path::Path::new(&out).join("tile/entries");
    let entries = std::fs::read_dir(&bundle).unwrap().next().unwrap().unwrap().path();
    let entries = std::fs::read_dir(entries).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&entries).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&entries, bytes).unwrap();
    assert!(verdict().await.is_string(), "an entry was changed");
}
