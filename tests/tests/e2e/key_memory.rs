//! After a key was shown, its text is nowhere: not in a file, not in the log, not in the memory of the process.
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use keepgate_tests::Server;
use reqwest::{Client, Method};
use serde_json::{Value, json};

/// A core dump of the running service; `None` where there is no gcore, or the system lets nobody look.
pub fn core_dump(server: &Server) -> Option<PathBuf> {
    let pid = server.pid().as_raw_nonzero().to_string();
    let name = server.dir.path().join("memory");
    let run = Command::new("gcore").args(["-a", "-o"]).arg(&name).arg(&pid).output();
    let path = server.dir.path().join(format!("memory.{pid}"));
    if std::fs::metadata(&path).is_ok_and(|dump| dump.len() > 1 << 20) {
        return Some(path);
    }
    println!("{run:?}");
    crate::judges::missing("gcore, of gdb, and the permission to look");
    None
}

/// The files in or below `place` that hold `text`.
pub fn holding(place: &Path, text: &str) -> Vec<String> {
    let run = Command::new("grep")
        .args(["-raFl", "-e", text])
        .arg(place)
        .output()
        .unwrap();
    let found = String::from_utf8(run.stdout).unwrap();
    found.lines().map(str::to_owned).collect()
}

/// One call on a connection of its own, which ends with it.
pub async fn alone(server: &Server, method: Method, path: &str, bearer: &str, body: Option<&Value>) -> (u16, String) {
    let client: Client = server.another_client();
    let mut request = client.request(method, server.url(path)).bearer_auth(bearer);
    if let Some(body) = body {
        request = request.json(body);
    }
    let reply = request.send().await.unwrap();
    (reply.status().as_u16(), reply.text().await.unwrap())
}

/// The parts by which a key would be recognised: the whole, its secret, and either half of that.
fn parts(key: &str) -> Vec<String> {
    let secret = &key[key.rfind('_').unwrap() + 1..][..43];
    vec![
        key.to_owned(),
        secret.to_owned(),
        secret[..21].to_owned(),
        secret[22..].to_owned(),
    ]
}

/// Waits until the service has closed what the caller closed.
pub async fn settled(server: &Server, owner: &str) {
    for _ in 0..5 {
        server.get("/v1/me", owner).await.expect(200);
    }
}

#[tokio::test]
async fn the_memory_holds_no_key_after_its_issue_nor_after_its_use() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let marked = json!({"name": "name-that-stays-in-no-memory", "level": 2});
    let (status, body) = alone(&server, Method::POST, "/v1/api-keys", &owner, Some(&marked)).await;
    assert_eq!(status, 201, "{body}");
    let key = serde_json::from_str::<Value>(&body).unwrap()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    settled(&server, &owner).await;
    let Some(dump) = core_dump(&server) else { return };
    assert_eq!(holding(&dump, "keepgate").len(), 1, "the search finds what is there");
    for part in parts(&key) {
        assert!(
            holding(&dump, &part).is_empty(),
            "{} characters of the key after its issue",
            part.len()
        );
    }
    let (status, _) = alone(&server, Method::GET, "/v1/me", &key, None).await;
    assert_eq!(status, 200);
    settled(&server, &owner).await;
    let dump = core_dump(&server).unwrap();
    for part in parts(&key) {
        assert!(
            holding(&dump, &part).is_empty(),
            "{} characters of the key after its use",
            part.len()
        );
    }
}

#[tokio::test]
async fn no_file_of_a_running_service_holds_a_key_heap_log_and_wal_included() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (id, key) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    // Also with an idempotency key, for which the answer is kept: sealed.
    let again = json!({"name": "again", "level": 2});
    let kept = server
        .post_once("/v1/api-keys", &owner, "once", &again)
        .await
        .expect(201)
        .field("key");
    assert!(server.admits(&key).await && server.admits(&kept).await);
    let rotated = server
        .post(
            &format!("/v1/api-keys/{id}/rotate"),
            &owner,
            json!({"overlap_seconds": 60}),
        )
        .await
        .expect(200)
        .field("key");
    server.superuser("checkpoint").await;
    let wanted: Vec<String> = [&key, &kept, &rotated].into_iter().flat_map(|key| parts(key)).collect();
    for part in &wanted {
        assert_eq!(
            holding(server.dir.path(), part),
            [""; 0],
            "{} characters of a key",
            part.len()
        );
    }
    let wal = server.superuser("select count(*) from pg_ls_waldir()").await;
    assert_ne!(wal, "0", "there was a log to search");
    assert!(!wanted.iter().any(|part| server.printed().contains(part)));
    // The first key stands in the ready file, as documented, and nowhere else.
    let first = parts(&server.key());
    std::fs::remove_file(server.ready_file()).unwrap();
    std::fs::remove_file(server.dir.path().join("out")).unwrap();
    for part in &first {
        assert_eq!(
            holding(server.dir.path(), part),
            [""; 0],
            "{} characters of the first key",
            part.len()
        );
    }
}
