//! What must stand in no log, no metric and no file.
use keepgate_tests::{Options, PASSWORD, Server, StandIn, message};
use reqwest::Method;
use serde_json::json;

/// Everything that was secret in a busy run, and what was personal in it.
async fn busy_run(server: &Server) -> (Vec<String>, Vec<String>) {
    let owner = server.owner().await;
    let ann = server.person(&owner, 2).await;
    server.login(&ann.email, "a wrong password 12345").await.expect(401);
    let (id, key) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let rotated = server
        .post(
            &format!("/v1/api-keys/{id}/rotate"),
            &owner,
            json!({"overlap_seconds": 5}),
        )
        .await
        .expect(200)
        .field("key");
    let contacts = json!([{"channel": "internet", "address": ann.id}, {"channel": "sms", "address": "+15005550123"}]);
    let to = server.recipient_with(&owner, contacts).await;
    server
        .route(&owner, "quick", &[("internet", 1, 1), ("sms", 1, 1)], true, 60)
        .await;
    let mut body = message(&to, "the payload of a busy run");
    body["text"] = json!("the text of a busy run");
    body["route"] = json!("quick");
    let mut stream = server.stream(&ann.token, None).await;
    let sent = server
        .post_once("/v1/messages", &key, "an idempotency key", &body)
        .await
        .expect(202)
        .field("id");
    stream.next().await.unwrap();
    server.message_is(&owner, &sent, "failed").await;
    let hook = json!({"url": "https://desk.example/hook?token=hidden-in-the-url", "events": ["message.failed"]});
    let hook = server
        .post("/v1/webhooks", &owner, hook)
        .await
        .expect(201)
        .field("secret");
    server
        .post("/v1/messages", &owner, json!({"payload": "the payload of a busy run"}))
        .await
        .expect(422);
    server
        .post(&format!("/v1/messages/{sent}/replay"), &owner, json!({}))
        .await;
    server.get("/v1/audit/export?format=csv", &owner).await.expect(200);
    server
        .get("/v1/me", "kg_test_00000000000000000000000000_notakeyatall000000000000")
        .await
        .expect(401);
    let secret = |text: &str| text.rsplit('_').next().unwrap().to_owned();
    let secrets = vec![
        "the payload of a busy run".into(),
        data_encoding::BASE64.encode(b"the payload of a busy run"),
        "the text of a busy run".into(),
        "a wrong password 12345".into(),
        PASSWORD.into(),
        owner.split('.').nth(2).unwrap().into(),
        ann.token.split('.').nth(2).unwrap().into(),
        secret(&key),
        secret(&rotated),
        secret(&server.key()),
        secret(&hook),
        server.boot["owner_enrolment"].as_str().unwrap().into(),
        keepgate_tests::AUTH_TOKEN.into(),
    ];
    let personal = [
        ann.email.as_str(),
        "5005550123",
        "hidden-in-the-url",
        "an idempotency key",
    ];
    (secrets, personal.map(str::to_owned).to_vec())
}

#[tokio::test]
async fn no_log_line_or_metric_of_a_busy_run_holds_a_secret_a_payload_or_a_personal_address() {
    let twilio = StandIn::twilio().await;
    let mut server = Server::with(Options::twilio(&twilio)).await;
    let (mut secrets, personal) = busy_run(&server).await;
    let metrics = server
        .raw(Method::GET, &server.admin_url("/metrics"), None, &[], None)
        .await
        .expect(200)
        .text();
    server.stop().await;
    let log = server.log();
    assert!(log.lines().count() > 20, "the log was written");
    secrets.extend(personal);
    for secret in &secrets {
        let line = log.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "{secret:.20}… stands in the log: {line:?}");
        assert!(!metrics.contains(secret.as_str()), "{secret:.20}… is in the metrics");
    }
    let bugs: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("panicked") || line.contains("\"level\":\"ERROR\""))
        .collect();
    assert!(bugs.is_empty(), "{bugs:?}");
}

#[tokio::test]
async fn no_file_of_the_data_directory_holds_a_secret_or_a_payload() {
    let twilio = StandIn::twilio().await;
    let mut server = Server::with(Options::twilio(&twilio)).await;
    let (secrets, _) = busy_run(&server).await;
    server.stop().await;
    let mut folders = vec![server.data_dir()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let content = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).into_owned();
            for secret in &secrets {
                assert!(
                    !content.contains(secret.as_str()),
                    "{secret:.20}… lies in {}",
                    entry.path().display()
                );
            }
        }
    }
}
