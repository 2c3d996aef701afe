//! The gateway takes its checkpoints to witnesses that share nothing with it.
use keepgate_merkle::{checkpoint::Checkpoint, note::Note, policy::Policy};
use keepgate_tests::{Options, Server, WitnessProcess, eventually, message};
use serde_json::Value;

use crate::{
    judges::{aics_witness, aics_witness::AicsWitness, missing},
    sink_judges::Authority,
};

/// A gateway with a policy that asks nobody yet, and the key of its log.
async fn gateway() -> (Server, String, String) {
    gateway_with("", &[]).await
}

/// The same with more configuration and files.
async fn gateway_with(more: &str, files: &[(&str, String)]) -> (Server, String, String) {
    let config = "audit.witness_policy = \"{dir}/policy\"\naudit.witness_timeout_ms = 5000\n";
    let options = Options::config(&format!("{config}{more}"));
    let dir = Server::home(&options);
    for (name, content) in files {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    std::fs::write(dir.path().join("policy"), "quorum none\n").unwrap();
    let server = Server::on(dir, options).await;
    let owner = server.owner().await;
    server.whole_log(&owner).await;
    let vkey = server.get("/v1/audit/log/vkey", &owner).await.expect(200).text();
    (server, owner, vkey.lines().next().unwrap().to_owned())
}

/// Starts it again with this policy.
async fn with_policy(server: &mut Server, policy: &str) {
    assert_eq!(server.stop().await, Some(0));
    std::fs::write(server.dir.path().join("policy"), policy).unwrap();
    server.start_again().await;
}

/// The latest checkpoint that met the quorum, once its size is `at_least`.
async fn witnessed(server: &Server, owner: &str, at_least: u64) -> Note {
    eventually("a cosigned checkpoint", || async {
        let reply = server.get("/v1/audit/log/checkpoint?witnessed=true", owner).await;
        let note: Note = (reply.status == 200).then(|| reply.text().parse().unwrap())?;
        (size(&note) >= at_least).then_some(note)
    })
    .await
}

fn size(note: &Note) -> u64 {
    note.text().parse::<Checkpoint>().unwrap().size
}

async fn grow(server: &Server, owner: &str) {
    let to = server.recipient(owner, "internet", &server.me(owner).await).await;
    server.accept(&server.key(), message(&to, "more")).await;
}

async fn metrics(server: &Server) -> String {
    let reply = server
        .another_client()
        .get(server.admin_url("/metrics"))
        .send()
        .await
        .unwrap();
    reply.text().await.unwrap()
}

#[tokio::test]
async fn checkpoints_carry_the_cosignatures_of_a_quorum_and_nobody_waits_for_a_witness() {
    let (mut server, owner, vkey) = gateway().await;
    let home = || tempfile::tempdir().unwrap();
    let witness = WitnessProcess::start(home(), &vkey).await;
    let (own, pq) = (&witness.keys[0], &witness.keys[1]);
    // Both keys of ours, and one that never answers: two of the three are enough.
    let absent = WitnessProcess::start(home(), &vkey).await;
    let text = format!(
        "log {vkey}\nwitness a {own} {url}\nwitness b {pq} {url}\nwitness gone {gone} {away}\ngroup two 2 a b gone\nquorum two\n",
        url = witness.url,
        gone = absent.keys[0],
        away = absent.url,
    );
    drop(absent);
    let policy = Policy::parse(text.as_bytes()).unwrap();
    with_policy(&mut server, &text).await;
    let first = witnessed(&server, &owner, 1).await;
    assert_eq!(policy.check(&first).unwrap().witnesses.len(), 2);
    grow(&server, &owner).await;
    let second = witnessed(&server, &owner, size(&first) + 1).await;
    policy.check(&second).unwrap();
    // A proof and an export carry them too.
    let index = size(&second) - 1;
    eventually("a proof under a cosigned checkpoint", || async {
        let proof = server
            .get(&format!("/v1/audit/proof?index={index}"), &owner)
            .await
            .expect(200)
            .text();
        let note: Note = proof.split_once("\n\n").unwrap().1.parse().unwrap();
        policy.check(&note).ok()
    })
    .await;
    let told = metrics(&server).await;
    assert!(
        told.contains(r#"answer="cosigned""#) && told.contains(r#"answer="unreachable""#),
        "{told}"
    );
    assert!(told.contains("keepgate_audit_unwitnessed_seconds"), "{told}");

    // Without any witness the log goes on, and says nothing false.
    drop(witness);
    let before = witnessed(&server, &owner, 1).await;
    grow(&server, &owner).await;
    eventually("a longer log", || async {
        let note: Note = server
            .get("/v1/audit/log/checkpoint", &owner)
            .await
            .expect(200)
            .text()
            .parse()
            .unwrap();
        (size(&note) > size(&before) && policy.check(&note).is_err()).then_some(())
    })
    .await;
    let ready = server
        .another_client()
        .get(server.admin_url("/readyz"))
        .send()
        .await
        .unwrap();
    assert_eq!(ready.status(), 200, "a witness that is away stops nobody");
    eventually("the warning", || async {
        server
            .log()
            .contains("the latest checkpoint has no quorum of witnesses")
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_witness_that_nobody_here_wrote_cosigns_and_gives_a_rolled_back_database_away() {
    let Some(packages) = aics_witness::packages().await else {
        return missing(aics_witness::PACKAGE);
    };
    let (mut server, owner, vkey) = gateway().await;
    let witness = AicsWitness::start(packages, &vkey).await;
    let text = format!("log {vkey}\nwitness w {} {}\nquorum w\n", witness.vkey, witness.url);
    with_policy(&mut server, &text).await;
    let yesterday = witnessed(&server, &owner, 1).await;
    assert_eq!(server.stop().await, Some(0));
    let pgdata = server.data_dir().join("pgdata");
    let backup = server.dir.path().join("backup");
    copy(&pgdata, &backup).await;
    server.start_again().await;
    grow(&server, &owner).await;
    let today = witnessed(&server, &owner, size(&yesterday) + 1).await;
    Policy::parse(text.as_bytes()).unwrap().check(&today).unwrap();
    assert_eq!(witness.evidence().await, serde_json::json!([]));

    assert_eq!(server.stop().await, Some(0));
    std::fs::remove_dir_all(&pgdata).unwrap();
    copy(&backup, &pgdata).await;
    server.start_again().await;
    let problem = eventually("the alarm", || async {
        let reply = server
            .another_client()
            .get(server.admin_url("/readyz"))
            .send()
            .await
            .unwrap();
        let told: Value = (reply.status() == 503).then_some(reply.json().await.ok()?)?;
        let told = told.to_string();
        told.contains("witness w contradicts").then_some(told)
    })
    .await;
    assert!(problem.contains("ahead"), "{problem}");
    let kept = eventually("the evidence", || async {
        let rows = server
            .superuser("select kind || ' ' || told || ' ' || (request like 'old %') from audit.witness_alarm")
            .await;
        (!rows.is_empty()).then_some(rows)
    })
    .await;
    // Asking for the checkpoint was logged, so the witness saw a little more than `today`.
    let told: u64 = kept
        .strip_prefix("ahead ")
        .and_then(|rest| rest.strip_suffix(" true"))
        .unwrap()
        .parse()
        .unwrap();
    assert!(told >= size(&today), "{kept}");
    let leaf = server
        .superuser("select outcome || ' ' || entity from audit.entry where action = 'witness.alarm'")
        .await;
    assert_eq!(leaf, format!("done witness:w/ahead/{told}"));
    assert!(server.log().contains("A WITNESS SAW ANOTHER PAST"));
}

/// With owners and modes: the database server runs as another user.
async fn copy(from: &std::path::Path, to: &std::path::Path) {
    let done = tokio::process::Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .await
        .unwrap();
    assert!(done.success());
}

#[tokio::test]
async fn a_policy_that_can_t_be_used_ends_the_start_with_a_way_out() {
    let vkey = keepgate_merkle::note::NoteSigner::from_seed("log.example/audit".parse().unwrap(), &[5; 32]).unwrap();
    let key = vkey.verifier().to_string();
    let cosigner = keepgate_merkle::cosignature::Cosigner::from_seed(
        "w.example/1".parse().unwrap(),
        keepgate_merkle::cosignature::Scheme::Ed25519,
        &[1; 32],
    );
    let witness = cosigner.unwrap().verifier().to_string();
    for policy in [
        "nonsense\n".to_owned(),
        format!("log {key}\nwitness w {key} https://w.example\nquorum w\n"),
        format!("log {key}\nwitness w {witness} http://w.example\nquorum w\n"),
        format!("log {key}\nwitness w {witness} https://user:pass@w.example\nquorum w\n"),
    ] {
        let options = Options {
            config: "audit.witness_policy = \"{dir}/policy\"\n".into(),
            files: vec![("policy".into(), policy)],
        };
        let dir = Server::home(&options);
        let ended = keepgate_tests::serve_until_end(dir.path(), "127.0.0.1:0", &[])
            .await
            .expect(2);
        assert!(ended.err.contains("witness policy"), "{}", ended.err);
    }
}

#[tokio::test]
async fn the_log_of_logs_is_cosigned_too_and_witnesses_are_called_over_tls() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (mut server, owner, vkey) = gateway_with(
        "audit.witness_ca_file = \"{dir}/witness.pem\"\n",
        &[("witness.pem", stranger.pem())],
    )
    .await;
    let meta = server.get("/v1/audit/meta/vkey", &owner).await.expect(200).text();
    let meta = meta.lines().next().unwrap();
    let home = tempfile::tempdir().unwrap();
    let (cert, key) = authority.issue();
    let witness = WitnessProcess::start_tls(home, &[&vkey, meta], &cert, &key).await;
    assert!(witness.url.starts_with("https://"), "{}", witness.url);
    let text = format!(
        "log {vkey}\nlog {meta}\nwitness w {} {}\nquorum w\n",
        witness.keys[0], witness.url
    );
    let policy = Policy::parse(text.as_bytes()).unwrap();
    // Its certificate is nobody's whom this machine trusts.
    with_policy(&mut server, &text).await;
    eventually("no answer that counts", || async {
        metrics(&server).await.contains(r#"answer="unreachable""#).then_some(())
    })
    .await;
    let before = server.get("/v1/audit/meta/checkpoint", &owner).await.expect(200).text();
    policy.check(&before.parse().unwrap()).unwrap_err();

    assert_eq!(server.stop().await, Some(0));
    std::fs::write(server.dir.path().join("witness.pem"), authority.pem()).unwrap();
    server.start_again().await;
    let first = witnessed(&server, &owner, 1).await;
    policy.check(&first).unwrap();
    let latest = |path: &'static str| {
        let (server, owner, policy) = (&server, &owner, &policy);
        async move {
            let note: Note = server.get(path, owner).await.expect(200).text().parse().unwrap();
            policy.check(&note).is_ok().then_some(note)
        }
    };
    let of_logs = eventually("the log of logs with a quorum", || {
        latest("/v1/audit/meta/checkpoint?witnessed=true")
    })
    .await;
    assert!(of_logs.text().contains("/audit/meta\n"));
    // The latest shows them as well, and so does the proof that leads to it.
    eventually("cosignatures with the latest", || latest("/v1/audit/meta/checkpoint")).await;
    let path = format!("/v1/audit/meta/proof?size={}", size(&of_logs));
    let reply = server.get(&path, &owner).await;
    let proof: keepgate_merkle::tlog_proof::TlogProof = reply.expect(200).text().parse().unwrap();
    policy.check(&proof.checkpoint).unwrap();
}
