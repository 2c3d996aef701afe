//! No room left: told as what it is, and over when there is room again.
//!
//! A small file system is mounted for these, which takes root and a kernel that lets us; elsewhere they say so and end.
use std::process::Command;

use keepgate_tests::{Options, Server, eventually, serve_until_end};
use serde_json::json;

/// A file system of `megabytes`, mounted over a scratch directory.
struct Small {
    dir: Option<tempfile::TempDir>,
}

impl Small {
    fn new(megabytes: u32) -> Option<Self> {
        let dir = Server::home(&Options::default());
        let size = format!("size={megabytes}m,mode=755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(dir.path())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { dir: Some(dir) });
        }
        eprintln!("no file system can be mounted here: not tried");
        None
    }

    fn path(&self) -> &std::path::Path {
        self.dir.as_ref().unwrap().path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        if let Some(dir) = &self.dir {
            let _gone = Command::new("umount").arg("-l").arg(dir.path()).status();
        }
    }
}

#[tokio::test]
async fn a_start_without_room_ends_with_code_8() {
    let Some(small) = Small::new(8) else { return };
    std::fs::write(small.path().join("keepgate.toml"), "").unwrap();
    let told = serve_until_end(small.path(), "127.0.0.1:0", &[]).await.failed(8);
    assert!(told.contains("disk space"), "{told}");
}

#[tokio::test]
async fn a_full_disk_is_503_and_nothing_is_lost_when_there_is_room_again() {
    let Some(mut small) = Small::new(96) else { return };
    let dir = small.dir.take().unwrap();
    let mount = dir.path().to_owned();
    let server = Server::on(dir, Options::default()).await;
    let (key, to) = (server.key(), json!([{"channel": "sms", "address": "+15005550006"}]));
    let message = || json!({"to": to.clone(), "payload": "aGVsbG8="});
    let kept = server
        .post("/v1/messages", &key, message())
        .await
        .expect(202)
        .field("id");

    let filler = mount.join("filler");
    let _full = Command::new("dd")
        .args(["if=/dev/zero", "bs=64K"])
        .arg(format!("of={}", filler.display()))
        .output()
        .unwrap();
    let large = json!({"to": to.clone(), "payload": data_encoding::BASE64.encode(&vec![7; 200_000])});
    let refused = eventually("a refusal for want of room", || async {
        let reply = server.post("/v1/messages", &key, large.clone()).await;
        (reply.status != 202).then_some(reply)
    })
    .await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.header("retry-after").is_some());

    std::fs::remove_file(&filler).unwrap();
    let later = eventually("room again", || async {
        let reply = server.post("/v1/messages", &key, message()).await;
        (reply.status == 202).then(|| reply.field("id"))
    })
    .await;
    for id in [kept, later] {
        server.get(&format!("/v1/messages/{id}"), &key).await.expect(200);
    }
    drop(server);
    let _gone = Command::new("umount").arg("-l").arg(&mount).status();
}
