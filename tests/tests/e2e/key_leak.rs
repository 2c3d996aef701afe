//! Reports of leaked keys.
use keepgate_tests::{Reply, Server};
use reqwest::Method;
use serde_json::json;

async fn report(server: &Server, key: &str) -> Reply {
    server
        .send(
            Method::POST,
            "/v1/api-keys:report-leak",
            None,
            &[],
            &json!({"key": key}),
        )
        .await
}

#[tokio::test]
async fn a_reported_key_is_dead_and_its_tenant_knows() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (id, key) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    assert!(server.admits(&key).await);
    report(&server, &key).await.expect(202);
    assert!(!server.admits(&key).await, "at the next request");
    let entries = server.entries(&owner, "action=apikey.report-leak", 1).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["entity"], &entries[0]["outcome"]),
        (&json!(id), &json!("done"))
    );
    let keys = server.all(&owner, "/v1/api-keys").await;
    let item = keys.iter().find(|item| item["id"] == *id).unwrap();
    assert!(item["revoked_at"].is_string());
    assert!(server.admits(&server.key()).await, "other keys go on");
}

#[tokio::test]
async fn whatever_is_reported_the_answer_is_the_same() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (_, key) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let genuine = report(&server, &key).await.expect(202);
    let example = "kgl_000000000000_EXAMPLE000000000000000000000000000000000000000000000001MTKiH";
    let mistyped = format!("{}x", &key[..key.len() - 1]);
    for other in [key.as_str(), example, &mistyped, "nonsense", "", &"x".repeat(4096)] {
        let reply = report(&server, other).await.expect(202);
        assert_eq!(reply.body, genuine.body, "{other:.20}");
        let names = |reply: &Reply| {
            let mut names: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
            names.sort();
            names
        };
        assert_eq!(names(&reply), names(&genuine), "{other:.20}");
    }
    report(&server, &"x".repeat(4097)).await.expect(422);
}

#[tokio::test]
async fn a_secret_that_was_rotated_away_ends_nothing() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (id, old) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let rotate = format!("/v1/api-keys/{id}/rotate");
    let new = server
        .post(&rotate, &owner, json!({"overlap_seconds": 0}))
        .await
        .expect(200)
        .field("key");
    report(&server, &old).await.expect(202);
    assert!(
        server.admits(&new).await,
        "the old text opens nothing, so it is worth nothing to report"
    );
    report(&server, &new).await.expect(202);
    assert!(!server.admits(&new).await);
}
