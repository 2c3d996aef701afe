//! `keepgate access review`.
use std::os::unix::fs::PermissionsExt;

use keepgate_tests::{Ended, Server, run};
use serde_json::{Value, json};

async fn review(server: &Server, token: &str, more: &[&str]) -> Ended {
    let url = server.info["url"].as_str().unwrap();
    let access = [
        "access",
        "review",
        "--url",
        url,
        "--ca-cert",
        server.ca_cert(),
        "--token-file",
        token,
    ];
    run(access.into_iter().chain(more.iter().copied())).await
}

#[tokio::test]
async fn a_review_is_written_to_standard_output_or_to_a_private_file_that_is_never_overwritten() {
    let server = Server::start().await;
    let owner = server.owner().await;
    server.issue(&owner, json!({"name": "=1+1", "level": 2})).await;
    let token = server.private_file("token", &owner);
    let api = server.all(&owner, "/v1/access").await;
    let told = review(&server, &token, &[]).await.expect(0).out;
    assert_eq!(told.lines().count(), api.len() + 1, "{told}");
    assert!(told.starts_with("id,kind,name,") && told.contains(",'=1+1,"), "{told}");
    let told = review(&server, &token, &["--format", "json"]).await.expect(0).out;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["items"], json!(api));
    for format in ["csv", "json"] {
        let out = server.dir.path().join(format);
        let name = out.to_str().unwrap();
        review(&server, &token, &["--format", format, "--out", name])
            .await
            .expect(0);
        let meta = std::fs::metadata(&out).unwrap();
        assert_eq!(
            (meta.permissions().mode() & 0o777, meta.len() > 100),
            (0o600, true),
            "{format}"
        );
        review(&server, &token, &["--format", format, "--out", name])
            .await
            .failed(2);
    }
}

#[tokio::test]
async fn every_way_to_fail_has_its_exit_code_and_leaves_no_file() {
    let mut server = Server::start().await;
    let owner = server.owner().await;
    let operator = server.person(&owner, 2).await.token;
    let (token, low) = (
        server.private_file("token", &owner),
        server.private_file("low", &operator),
    );
    run(["access", "review"]).await.failed(2);
    assert_eq!(review(&server, &token, &["--format", "xml"]).await.code, Some(2));
    review(&server, "/nowhere/token", &[]).await.failed(4);
    let out = server.dir.path().join("review");
    let to = ["--out", out.to_str().unwrap()];
    let told = review(&server, &low, &to).await.failed(3);
    assert!(told.contains("403"), "{told}");
    server.stop().await;
    for format in ["csv", "json"] {
        review(&server, &token, &[&to[..], &["--format", format]].concat())
            .await
            .failed(3);
    }
    let left = std::fs::read_dir(server.dir.path()).unwrap().flatten();
    let left: Vec<_> = left
        .filter(|file| file.file_name().to_string_lossy().starts_with("review"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
