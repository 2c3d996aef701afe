//! `docs/audit-format.md` is enough: a short Python program written from it alone reads an evidence bundle.
use std::path::Path;

use keepgate_tests::{Server, message};
use tokio::process::Command;

use crate::judges::missing;

/// What the program says of the bundle: the number of entries, or what is wrong.
async fn judged(bundle: &Path) -> Option<Result<usize, String>> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/audit_format.py");
    let told = Command::new("python3").arg(program).arg(bundle).output().await.ok()?;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Some(if told.status.success() {
        Ok(text(told.stdout).trim().parse().unwrap())
    } else {
        Err(text(told.stderr))
    })
}

#[tokio::test]
async fn a_program_written_from_the_document_alone_reads_a_bundle_and_finds_a_changed_byte() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    // More than one bundle, and things said by the caller's own clock.
    for n in 0..260 {
        server.accept(&server.key(), message(&to, &n.to_string())).await;
    }
    let told = [("occurred-at", "2026-02-03T04:05:06.789Z")];
    let me = server.url("/v1/me");
    server
        .raw(reqwest::Method::GET, &me, Some(&owner), &told, None)
        .await
        .expect(200);
    let bad = [("occurred-at", "yesterday")];
    server
        .raw(reqwest::Method::GET, &me, Some(&owner), &bad, None)
        .await
        .expect(422);
    let log = server.whole_log(&owner).await;
    let claimed: Vec<_> = log.iter().filter(|entry| entry["occurred_at"].is_string()).collect();
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    assert_eq!(claimed[0]["action"], "me.read");
    assert_eq!(claimed[0]["occurred_at"], "2026-02-03T04:05:06.789000Z");

    let bytes = server
        .get("/v1/audit/export?format=bundle", &owner)
        .await
        .expect(200)
        .body;
    let bundle = server.dir.path().join("bundle.tar");
    std::fs::write(&bundle, &bytes).unwrap();
    let Some(verdict) = judged(&bundle).await else {
        return missing("python3");
    };
    assert!(verdict.clone().is_ok_and(|size| size >= log.len()), "{verdict:?}");
    let needle = b"message.accept";
    let place = bytes
        .windows(needle.len())
        .rposition(|window| window == needle)
        .unwrap();
    let mut changed = bytes.to_vec();
    changed[place] = b'n';
    std::fs::write(&bundle, changed).unwrap();
    let found = judged(&bundle).await.unwrap().unwrap_err();
    assert!(found.contains("not the leaf of the tile"), "{found}");
}
