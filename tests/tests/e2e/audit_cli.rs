//! `keepgate audit`: export, and verification without trusting the service.
use std::path::{Path, PathBuf};

use keepgate_tests::{Ended, Server, message, run};
use serde_json::Value;

/// A service with some history; its owner's token, also in a private file; the verifier key.
struct Office {
    server: Server,
    owner: String,
    token: String,
    key: String,
}

async fn office() -> Office {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    for n in 0..5 {
        server.accept(&server.key(), message(&to, &n.to_string())).await;
    }
    server.whole_log(&owner).await;
    let key = server
        .get("/v1/audit/log/vkey", &owner)
        .await
        .expect(200)
        .text()
        .trim()
        .to_owned();
    let token = server.private_file("token", &owner);
    Office {
        server,
        owner,
        token,
        key,
    }
}

impl Office {
    fn path(&self, name: &str) -> PathBuf {
        self.server.dir.path().join(name)
    }

    async fn export(&self, format: &str, out: &Path) -> Ended {
        let url = self.server.info["url"].as_str().unwrap();
        let access = [
            "--url",
            url,
            "--ca-cert",
            self.server.ca_cert(),
            "--token-file",
            &self.token,
        ];
        let what = ["audit", "export", "--format", format, "--out", out.to_str().unwrap()];
        run(what.into_iter().chain(access)).await
    }

    async fn verify_url(&self, key: &str, more: &[&str]) -> Ended {
        let url = self.server.info["url"].as_str().unwrap();
        let access = [
            "audit",
            "verify",
            "--url",
            url,
            "--ca-cert",
            self.server.ca_cert(),
            "--token-file",
            &self.token,
            "--key",
            key,
        ];
        run(access.into_iter().chain(more.iter().copied())).await
    }

    /// An exported directory of tiles.
    async fn tiles(&self) -> PathBuf {
        let dir = self.path("tiles");
        self.export("tiles", &dir).await.expect(0);
        dir
    }
}

async fn verify_dir(dir: &Path, key: &str, more: &[&str]) -> Ended {
    let what = ["audit", "verify", "--dir", dir.to_str().unwrap(), "--key", key];
    run(what.into_iter().chain(more.iter().copied())).await
}

/// The file below `dir` whose path contains `part`.
fn file(dir: &Path, part: &str) -> PathBuf {
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().contains(part) {
                return path;
            }
        }
    }
    panic!("no file {part} in {}", dir.display())
}

#[tokio::test]
async fn a_running_gateway_s_log_is_verified() {
    let office = office().await;
    let told = office.verify_url(&office.key, &["--json"]).await.expect(0).out;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["result"], "verified");
    assert!(told["size"].as_u64().unwrap() > 5 && told["root"].is_string(), "{told}");
    assert!(
        office
            .verify_url(&office.key, &[])
            .await
            .expect(0)
            .out
            .starts_with("verified: ")
    );
}

#[tokio::test]
async fn an_export_is_verified_offline_with_nothing_but_the_public_key() {
    let mut office = office().await;
    let (dir, bundle) = (office.tiles().await, office.path("log.bundle"));
    office.export("bundle", &bundle).await.expect(0);
    assert_eq!(office.server.stop().await, Some(0));
    let told = verify_dir(&dir, &office.key, &["--json"]).await.expect(0).out;
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["result"], "verified");
    run([
        "audit",
        "verify",
        "--bundle",
        bundle.to_str().unwrap(),
        "--key",
        &office.key,
    ])
    .await
    .expect(0);
}

#[tokio::test]
async fn a_stopped_service_s_log_is_exported_from_its_data_directory() {
    let mut office = office().await;
    let tenant = office.server.boot["tenant"].as_str().unwrap().to_owned();
    assert_eq!(office.server.stop().await, Some(0));
    let (data, out) = (office.server.data_dir(), office.path("exported"));
    let what = ["audit", "export", "--format", "tiles", "--out", out.to_str().unwrap()];
    let from = ["--data-dir", data.to_str().unwrap(), "--tenant", &tenant];
    run(what.into_iter().chain(from)).await.expect(0);
    verify_dir(&out, &office.key, &[]).await.expect(0);
}

#[tokio::test]
async fn lines_are_exported_to_a_private_file_that_is_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let office = office().await;
    for format in ["jsonl", "csv", "ocsf", "bundle"] {
        let out = office.path(format);
        office.export(format, &out).await.expect(0);
        assert!(std::fs::metadata(&out).unwrap().len() > 100);
        assert_eq!(
            std::fs::metadata(&out).unwrap().permissions().mode() & 0o777,
            0o600,
            "{format}"
        );
        office.export(format, &out).await.failed(2);
    }
}

#[tokio::test]
async fn one_changed_byte_of_an_entry_is_found_and_its_index_named() {
    let office = office().await;
    let dir = office.tiles().await;
    let bundle = file(&dir, "tile/entries/");
    let mut content = std::fs::read(&bundle).unwrap();
    // Into the third entry: behind two lengths and entries, its own length, and a few bytes more.
    let length = |at: usize| 2 + usize::from(u16::from_be_bytes([content[at], content[at + 1]]));
    let third = length(0) + length(length(0));
    content[third + 2 + 20] ^= 1;
    std::fs::write(&bundle, content).unwrap();
    let ended = verify_dir(&dir, &office.key, &["--json"]).await.expect(1);
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (&told["result"], &told["index"]),
        (&"tampered".into(), &2.into()),
        "{told}"
    );
    let told = verify_dir(&dir, &office.key, &[]).await.failed(1);
    assert!(told.contains("index 2"), "{told}");
}

#[tokio::test]
async fn a_changed_hash_checkpoint_or_bundle_is_found() {
    let office = office().await;
    for part in ["tile/0/", "checkpoint"] {
        let dir = office.tiles().await;
        let path = file(&dir, part);
        let mut content = std::fs::read(&path).unwrap();
        let at = content.len() / 2;
        content[at] = if content[at] == b'7' { b'8' } else { b'7' };
        std::fs::write(&path, content).unwrap();
        verify_dir(&dir, &office.key, &[]).await.expect(1);
        std::fs::remove_dir_all(&dir).unwrap();
    }
    let bundle = office.path("log.bundle");
    office.export("bundle", &bundle).await.expect(0);
    let mut content = std::fs::read(&bundle).unwrap();
    let needle = b"message.accept";
    let at = content
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap();
    content[at] = b'M';
    std::fs::write(&bundle, content).unwrap();
    run([
        "audit",
        "verify",
        "--bundle",
        bundle.to_str().unwrap(),
        "--key",
        &office.key,
    ])
    .await
    .failed(1);
}

#[tokio::test]
async fn an_entry_that_the_database_s_owner_changed_is_found_and_named() {
    let office = office().await;
    let log = office.server.whole_log(&office.owner).await;
    let victim = log.iter().find(|entry| entry["action"] == "message.accept").unwrap();
    let sql = format!(
        "alter table audit.entry disable trigger nochange; \
         update audit.entry set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '\"done\"', '\"fail\"'), 'UTF8') \
         where entity = '{}' and action = 'message.accept'; alter table audit.entry enable always trigger nochange",
        victim["entity"].as_str().unwrap()
    );
    office.server.past_the_guard(&sql).await;
    let ended = office.verify_url(&office.key, &["--json"]).await.expect(1);
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (&told["result"], &told["index"]),
        (&"tampered".into(), &victim["index"]),
        "{told}"
    );
}

#[tokio::test]
async fn an_entry_that_the_database_s_owner_removed_is_found_and_named() {
    let office = office().await;
    let log = office.server.whole_log(&office.owner).await;
    let victim = log.iter().find(|entry| entry["action"] == "message.accept").unwrap();
    let entity = victim["entity"].as_str().unwrap();
    let sql = format!(
        "alter table audit.entry disable trigger nochange; delete from audit.entry where entity = '{entity}' and action = 'message.accept'; \
         alter table audit.entry enable always trigger nochange"
    );
    office.server.past_the_guard(&sql).await;
    let ended = office.verify_url(&office.key, &["--json"]).await.expect(1);
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (&told["result"], &told["index"]),
        (&"tampered".into(), &victim["index"]),
        "{told}"
    );
}

#[tokio::test]
async fn a_kept_checkpoint_proves_that_the_past_is_as_it_was() {
    let office = office().await;
    let old = office
        .server
        .get("/v1/audit/log/checkpoint", &office.owner)
        .await
        .expect(200)
        .text();
    let kept = office.path("kept");
    std::fs::write(&kept, &old).unwrap();
    office.server.person(&office.owner, 2).await;
    office.server.whole_log(&office.owner).await;
    let since = ["--since", kept.to_str().unwrap(), "--json"];
    let told: Value = serde_json::from_str(&office.verify_url(&office.key, &since).await.expect(0).out).unwrap();
    assert_eq!(
        told["since"][0].as_u64().map(|n| n.to_string()).as_deref(),
        old.lines().nth(1)
    );
    // The present as the past: a log that is shorter than it was.
    let dir = office.tiles().await;
    let longer = office.server.whole_log(&office.owner).await;
    assert!(!longer.is_empty());
    std::fs::write(
        &kept,
        office
            .server
            .get("/v1/audit/log/checkpoint", &office.owner)
            .await
            .expect(200)
            .text(),
    )
    .unwrap();
    verify_dir(&dir, &office.key, &since).await.expect(1);
}

#[tokio::test]
async fn another_key_verifies_nothing() {
    let office = office().await;
    let dir = office.tiles().await;
    let admin = office.server.admin().await;
    office.server.whole_log(&admin).await;
    let other = office
        .server
        .get("/v1/audit/log/vkey", &admin)
        .await
        .expect(200)
        .text()
        .trim()
        .to_owned();
    assert_ne!(other, office.key);
    assert_eq!(verify_dir(&dir, &other, &[]).await.code, Some(1));
    verify_dir(&dir, "nonsense", &[]).await.failed(2);
    // `name+id+base64`: the base64 part may contain a plus of its own.
    let key_at = office.key.match_indices('+').nth(1).unwrap().0 + 1;
    let mut flipped = office.key.clone().into_bytes();
    let byte = &mut flipped[key_at + 10];
    *byte = if *byte == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    assert!(matches!(verify_dir(&dir, &flipped, &[]).await.code, Some(1 | 2)));
}

#[tokio::test]
async fn what_can_t_be_reached_or_read_to_its_end_is_code_3() {
    let mut office = office().await;
    let dir = office.tiles().await;
    std::fs::remove_file(file(&dir, "tile/entries/")).unwrap();
    verify_dir(&dir, &office.key, &[]).await.failed(3);
    verify_dir(&office.path("nowhere"), &office.key, &[]).await.failed(3);
    office.server.stop().await;
    office.verify_url(&office.key, &[]).await.failed(3);
    office.export("csv", &office.path("csv")).await.failed(3);
    assert!(!office.path("csv").exists(), "an unfinished export leaves no file");
}

#[tokio::test]
async fn a_token_on_the_command_line_is_refused_and_not_repeated() {
    let office = office().await;
    let url = office.server.info["url"].as_str().unwrap();
    let key = office.server.key();
    for token in [&office.owner, &key] {
        let ended = run([
            "audit",
            "verify",
            "--url",
            url,
            "--ca-cert",
            office.server.ca_cert(),
            "--token",
            token,
            "--key",
            &office.key,
        ])
        .await;
        assert_eq!(ended.code, Some(2));
        assert!(!ended.err.contains(token.as_str()) && !ended.out.contains(token.as_str()));
    }
    std::fs::set_permissions(&office.token, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let ended = office.verify_url(&office.key, &[]).await;
    assert!(
        ended.err.contains("chmod 600"),
        "a token file that others may read is told: {}",
        ended.err
    );
}
