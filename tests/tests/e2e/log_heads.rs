//! A service whose database was taken back, and one whose log moves to another key.
use std::process::Command;

use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::{CosignerKey, Scheme, cosignatures},
    hash::leaf_hash,
    note::{Note, VerifierKey},
    tlog_proof::TlogProof,
};
use keepgate_tests::{Fleet, Options, Server, eventually, run};
use reqwest::Method;
use serde_json::{Value, json};

async fn text(server: &Server, owner: &str, path: &str) -> String {
    server.get(path, owner).await.expect(200).text()
}

async fn keys(server: &Server, owner: &str) -> Vec<String> {
    let told = text(server, owner, "/v1/audit/log/vkey").await;
    told.lines().map(str::to_owned).collect()
}

async fn checkpoint(server: &Server, owner: &str) -> (String, Checkpoint) {
    let note = text(server, owner, "/v1/audit/log/checkpoint").await;
    let parsed: Note = note.parse().unwrap();
    (note, parsed.text().parse().unwrap())
}

fn opens(note: &str, key: &str) -> bool {
    let key: VerifierKey = key.parse().unwrap();
    Checkpoint::open(note.as_bytes(), key.name().as_str(), std::slice::from_ref(&key)).is_ok()
}

/// The service's database as it stands, or one taken earlier put in its place. The service must not run.
fn copy(server: &Server, from: &str, to: &str) {
    let data = server.data_dir();
    let into = data.join(to);
    let _none = std::fs::remove_dir_all(&into);
    let done = Command::new("cp")
        .arg("-a")
        .arg(data.join(from))
        .arg(into)
        .status()
        .unwrap();
    assert!(done.success());
}

fn tenant(server: &Server, which: &str) -> String {
    server.boot[which].as_str().unwrap().to_owned()
}

/// The size of a log that the service remembers having signed last; more than was read when it went on until it stopped.
fn remembered(server: &Server, origin: &str) -> String {
    let heads = std::fs::read_to_string(server.data_dir().join("log-heads/heads")).unwrap();
    let start = format!("log {origin} ");
    let line = heads.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
    line.split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_database_restored_from_a_backup_is_signed_only_when_somebody_says_that_it_is_meant() {
    let mut server = Server::start().await;
    let owner = server.owner().await;
    server.whole_log(&owner).await;
    assert_eq!(server.stop().await, Some(0));
    copy(&server, "pgdata", "backup");
    server.start_again().await;
    for _ in 0..3 {
        server.whole_log(&owner).await;
    }
    let (newest, lost) = checkpoint(&server, &owner).await;
    assert_eq!(server.stop().await, Some(0));
    let signed = remembered(&server, &lost.origin);
    copy(&server, "backup", "pgdata");

    server.start_again().await;
    let ready = eventually("it is said that the log was taken back", || async {
        let ready = server.open("/readyz").await;
        (ready.status == 503).then_some(ready)
    })
    .await;
    assert!(ready.text().contains("can't go on"), "{}", ready.text());
    let metrics = server
        .raw(Method::GET, &server.admin_url("/metrics"), None, &[], None)
        .await
        .text();
    let held = metrics
        .lines()
        .find(|line| line.starts_with("keepgate_audit_held_logs "));
    assert!(held.is_some_and(|line| !line.ends_with(" 0")), "{held:?}");
    let log = server.log();
    assert!(
        log.contains("the log had") && log.contains("audit log can't go on"),
        "{log}"
    );
    // Reading goes on and is logged; nothing is signed.
    for _ in 0..20 {
        server.get("/v1/me", &owner).await.expect(200);
    }
    let (_, stuck) = checkpoint(&server, &owner).await;
    assert!(stuck.size < lost.size);
    let data = server.data_dir().to_str().unwrap().to_owned();
    let doctor = run(["doctor", "--data-dir", &data]).await.expect(1).out;
    assert!(
        doctor.contains("signed logs") && doctor.contains("reset-head"),
        "{doctor}"
    );

    let reset = |which: Vec<String>| {
        let data = data.clone();
        async move {
            let args = ["audit", "reset-head", "--data-dir", data.as_str()].map(str::to_owned);
            run(args.into_iter().chain(which)).await
        }
    };
    let own = vec!["--tenant".to_owned(), tenant(&server, "tenant")];
    let accept = |mut which: Vec<String>| {
        which.push("--accept-fork".into());
        which
    };
    reset(accept(own.clone())).await.failed(9);
    assert_eq!(server.stop().await, Some(0));
    let told = reset(own.clone()).await.failed(2);
    assert!(told.contains("--accept-fork") && told.contains(&signed), "{told}");
    let platform = vec!["--tenant".to_owned(), tenant(&server, "platform_tenant")];
    for which in [own.clone(), platform, vec!["--meta".to_owned()]] {
        reset(accept(which)).await.expect(0);
    }
    reset(accept(own)).await.failed(1);

    server.start_again().await;
    let said = server.whole_log(&owner).await;
    let told: Vec<&Value> = said
        .iter()
        .filter(|entry| entry["action"] == "integrity.alarm")
        .collect();
    assert_eq!(told.len(), 1);
    let entity = format!("log-head-abandoned:own-{signed}");
    assert!(
        told[0]["entity"].as_str().unwrap().ends_with(&format!("own-{signed}")),
        "{} {entity}",
        told[0]
    );
    eventually("it is ready again", || async {
        (server.open("/readyz").await.status == 200).then_some(())
    })
    .await;
    // Whoever kept the newer checkpoint can show the fork.
    eventually("the log is longer than it was", || async {
        server.whole_log(&owner).await;
        let (_, now) = checkpoint(&server, &owner).await;
        (now.size >= lost.size).then_some(())
    })
    .await;
    let kept = server.private_file("kept", &newest);
    let (token, url) = (
        server.private_file("token", &owner),
        server.info["url"].as_str().unwrap(),
    );
    let key = keys(&server, &owner).await.remove(0);
    let verify = [
        "audit",
        "verify",
        "--url",
        url,
        "--ca-cert",
        server.ca_cert(),
        "--token-file",
        &token,
        "--key",
        &key,
    ];
    run(verify).await.expect(0);
    run(verify.into_iter().chain(["--since", &kept])).await.expect(1);
}

#[tokio::test]
async fn a_log_moves_to_a_new_key_with_both_signatures_and_the_old_seed_is_destroyed() {
    let mut server = Server::with(Options::config("audit.ml_dsa = true\n")).await;
    let owner = server.owner().await;
    server.whole_log(&owner).await;
    let [first, second_kind] = keys(&server, &owner).await.try_into().unwrap();
    let (old, _) = checkpoint(&server, &owner).await;
    assert!(opens(&old, &first));
    let cosigner: CosignerKey = second_kind.parse().unwrap();
    assert_eq!(cosigner.scheme(), Scheme::MlDsa44);
    assert_eq!(cosignatures(&old.parse().unwrap(), &[cosigner]).unwrap().len(), 1);

    let rotate = |emergency: bool| server.post("/v1/log-keys:rotate", &owner, json!({"emergency": emergency}));
    let answer = rotate(false).await.expect(200).json();
    let states = |answer: &Value| -> Vec<String> {
        let items = answer["items"].as_array().unwrap().iter();
        let own = items.filter(|key| key["log"] == "own");
        own.map(|key| key["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(&answer), ["active", "retiring"]);
    let both = eventually("both keys sign", || async {
        server.whole_log(&owner).await;
        let told = keys(&server, &owner).await;
        let (note, _) = checkpoint(&server, &owner).await;
        (told.len() == 4 && opens(&note, &told[0]) && opens(&note, &told[1])).then_some(told)
    })
    .await;
    assert_eq!(both[1], first, "the newest comes first");
    rotate(false).await.problem(409, "log-key-overlap");
    the_command_line_tells_the_same(&server, &owner, &first).await;
    assert_eq!(
        states(&rotate(true).await.expect(200).json()),
        ["active", "gone", "retiring"]
    );
    eventually("the stolen one signs no more", || async {
        server.whole_log(&owner).await;
        let told = keys(&server, &owner).await;
        let (note, _) = checkpoint(&server, &owner).await;
        (opens(&note, &told[0]) && !opens(&note, &both[0]) && opens(&note, &first)).then_some(())
    })
    .await;
    assert!(opens(&old, &first), "an old checkpoint verifies for ever");
    let rotated: Vec<Value> = server
        .whole_log(&owner)
        .await
        .into_iter()
        .filter(|entry| entry["action"] == "log-key.rotate")
        .collect();
    assert_eq!(rotated.len(), 5, "two that were done and three that were refused");

    // The first look for ended keys is at the start.
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    let seeds =
        "select version || ' ' || (wrapped is null) from keys.signing_key k join rbac.tenant t on t.id = k.tenant_id
        where t.kind = 'customer' order by version";
    eventually("the ended key's seed is destroyed", || async {
        (server.superuser(seeds).await == "1 false\n2 true\n3 false").then_some(())
    })
    .await;
    server.get("/v1/log-keys", &server.key()).await.expect(403);
    let listed = server.get("/v1/log-keys", &owner).await.expect(200).json();
    assert!(
        listed["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|key| key["vkey"] == *first)
    );
    assert!(!listed.to_string().contains("wrapped"));
}

async fn the_command_line_tells_the_same(server: &Server, owner: &str, first: &str) {
    let (url, token) = (server.url(""), server.private_file("log-keys.token", owner));
    let keys = async |more: &[&'static str]| {
        let base = [
            "audit",
            "log-keys",
            "--url",
            &url,
            "--ca-cert",
            server.ca_cert(),
            "--token-file",
            &token,
        ];
        run(base.into_iter().chain(more.iter().copied())).await
    };
    let listed = keys(&[]).await.expect(0).out;
    let mut lines = listed.lines();
    assert!(lines.next().unwrap().starts_with("own    2 active   - "), "{listed}");
    let former = lines.next().unwrap();
    assert!(
        former.starts_with("own    1 retiring 20") && former.ends_with(first),
        "{listed}"
    );
    let json: Value = serde_json::from_str(&keys(&["--json"]).await.expect(0).out).unwrap();
    assert_eq!(json["items"][1]["vkey"], *first);
    let refused = keys(&["--rotate"]).await.failed(1);
    assert!(refused.contains("409"), "{refused}");
    keys(&["--rotate", "--meta"]).await.failed(1);
    keys(&["--meta"]).await.expect(2);
    run(["audit", "log-keys"]).await.failed(2);
}

#[tokio::test]
async fn a_tenant_proves_its_log_s_state_in_the_log_of_logs_and_sees_no_other_s() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.admin().await;
    server.whole_log(&owner).await;
    let meta: VerifierKey = text(&server, &owner, "/v1/audit/meta/vkey")
        .await
        .trim()
        .parse()
        .unwrap();
    assert!(meta.name().as_str().ends_with("/audit/meta"));
    let mut places = Vec::new();
    for bearer in [&owner, &admin] {
        let file: TlogProof = text(&server, bearer, "/v1/audit/meta/proof").await.parse().unwrap();
        let note = String::from_utf8(file.extra.clone()).unwrap();
        let own = text(&server, bearer, "/v1/audit/log/vkey").await;
        assert!(
            opens(&note, own.trim()),
            "the extra data is the tenant's own checkpoint"
        );
        let leaf = leaf_hash(note.parse::<Note>().unwrap().text().as_bytes());
        file.verify(&leaf, meta.name().as_str(), std::slice::from_ref(&meta))
            .unwrap();
        places.push(file.index);
    }
    assert_ne!(places[0], places[1]);
    let note = text(&server, &owner, "/v1/audit/meta/checkpoint").await;
    assert!(opens(&note, &meta.to_string()));
    assert!(!note.contains("/audit/0"), "no tenant is named");
    server.get("/v1/audit/meta/tile/0/000.p/1", &owner).await.expect(200);
    server
        .get("/v1/audit/meta/tile/entries/000.p/1", &owner)
        .await
        .expect(404);
    server.get("/v1/audit/meta/proof", &server.key()).await.expect(403);
}

/// The log verifies with its first key, entry by entry.
async fn verified(server: &Server, owner: &str) {
    let (token, url) = (
        server.private_file("token", owner),
        server.info["url"].as_str().unwrap(),
    );
    let key = keys(server, owner).await.remove(0);
    let verify = [
        "audit",
        "verify",
        "--url",
        url,
        "--ca-cert",
        server.ca_cert(),
        "--token-file",
        &token,
        "--key",
        &key,
    ];
    run(verify).await.expect(0);
}

/// Whether a dump could be made; a build server must have the programs.
#[expect(clippy::disallowed_methods, reason = "a build server says so in the environment")]
fn without_tools() {
    assert!(std::env::var("CI").is_err(), "pg_dump and pg_restore are missing");
    eprintln!("skipped: pg_dump and pg_restore are missing");
}

#[tokio::test]
async fn a_dump_restored_into_another_cluster_goes_on_without_a_gap() {
    let mut fleet = Fleet::start(1).await;
    let owner = fleet.first().owner().await;
    fleet.first().whole_log(&owner).await;
    // Transaction numbers begin again in a new cluster: the next entries come before the old ones.
    fleet
        .sql("do $$ begin for i in 1..50 loop perform pg_current_xact_id(); end loop; end $$")
        .await;
    assert_eq!(fleet.instances[0].server.stop().await, Some(0));
    if !fleet.move_to_another_cluster().await {
        return without_tools();
    }
    fleet.instances[0].server.start_again().await;
    let before = fleet.first().whole_log(&owner).await.len();
    for _ in 0..3 {
        fleet.first().get("/v1/me", &owner).await.expect(200);
    }
    let log = fleet.first().whole_log(&owner).await;
    assert!(log.len() >= before + 4, "nothing is left out");
    verified(fleet.first(), &owner).await;
    fleet.first().open("/readyz").await.expect(200);
}
