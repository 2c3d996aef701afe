//! Bodies at and beyond the limits: what is wrong is named with its place, and nothing of it is repeated.
use keepgate_tests::{Server, in_seconds, message};
use reqwest::Method;
use serde_json::{Value, json};

fn contact(channel: &str, address: &str) -> Value {
    json!([{"channel": channel, "address": address}])
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_named_with_its_place() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let with = |name: &str, value: Value| {
        let mut body = message(&to, "x");
        body[name] = value;
        body
    };
    let bare = |contacts: Value| json!({"to": contacts, "payload": "aGk="});
    let table = [
        (json!([]), ""),
        (with("payload", json!("%%%")), "/payload"),
        (with("payload", json!("aGk")), "/payload"),
        (with("payload", json!(5)), "/payload"),
        (with("recipient", json!("rcp_nonsense")), "/recipient"),
        (with("recipient", json!("msg_00000000000000000000000000")), "/recipient"),
        (with("priority", json!("shouting")), "/priority"),
        (with("content_type", json!("text")), "/content_type"),
        (with("deadline", json!("tomorrow")), "/deadline"),
        (with("deadline", json!("2020-01-01T00:00:00Z")), "/deadline"),
        (with("deadline", json!(in_seconds(8 * 86_400))), "/deadline"),
        (with("require_ack", json!("yes")), "/require_ack"),
        (with("route", json!("no such route")), "/route"),
        (with("nosuch", json!(1)), "/nosuch"),
        (with("to", contact("sms", "+15005550001")), "/recipient"),
        (bare(json!([])), "/to"),
        (bare(contact("sms", "5550001")), "/to/0"),
        (bare(contact("pigeon", "+15005550001")), "/to/0/channel"),
        (bare(contact("internet", "http://desk.example/hook")), "/to/0"),
        (json!({"payload": "aGk="}), "/recipient"),
    ];
    let mut wrong = Vec::new();
    for (body, pointer) in table {
        let reply = server.post("/v1/messages", &owner, body.clone()).await;
        let answer = reply.json();
        let found = answer["errors"][0]["pointer"].as_str().unwrap_or("none").to_owned();
        let named = found == pointer || (pointer.starts_with("/to/0") && found.starts_with("/to/0"));
        if reply.status != 422 || !named {
            wrong.push(format!("{body}: wanted {pointer:?}, got {} {answer}", reply.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(server.all(&owner, "/v1/messages").await.is_empty());
}

#[tokio::test]
async fn a_route_or_recipient_that_nobody_defined_is_refused() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let mut body = message(&to, "x");
    body["route"] = json!("nowhere");
    let reply = server.post("/v1/messages", &owner, body).await;
    assert!(matches!(reply.status, 404 | 422), "{}", reply.text());
    let reply = server
        .post("/v1/messages", &owner, message("rcp_00000000000000000000000000", "x"))
        .await;
    assert!(matches!(reply.status, 404 | 422), "{}", reply.text());
}

#[tokio::test]
async fn a_payload_has_at_most_256_kib() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let largest = "x".repeat(256 * 1024);
    let mut stream = server.stream(&owner, None).await;
    server.accept(&owner, message(&to, &largest)).await;
    let event = stream.next().await.unwrap();
    let payload = data_encoding::BASE64
        .decode(event.data["payload"].as_str().unwrap().as_bytes())
        .unwrap();
    assert_eq!(payload, largest.as_bytes(), "it arrives whole");
    let reply = server
        .post("/v1/messages", &owner, message(&to, &format!("{largest}x")))
        .await;
    assert_eq!(reply.invalid(), "/payload");
}

#[tokio::test]
async fn a_text_has_at_most_1600_characters() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let mut body = message(&to, "x");
    body["text"] = json!("é".repeat(1600));
    server.accept(&owner, body.clone()).await;
    for bad in ["é".repeat(1601), String::new()] {
        body["text"] = json!(bad);
        assert_eq!(
            server.post("/v1/messages", &owner, body.clone()).await.invalid(),
            "/text"
        );
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_one_that_is_not_json_415() {
    let server = Server::start().await;
    let key = server.key();
    let url = server.url("/v1/messages");
    let json = [("content-type", "application/json")];
    let huge = vec![b' '; 2 * 1024 * 1024 + 1];
    server
        .raw(Method::POST, &url, Some(&key), &json, Some(huge))
        .await
        .problem(413, "body-too-large");
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let reply = server
            .raw(
                Method::POST,
                &url,
                Some(&key),
                &[("content-type", kind)],
                Some(b"{}".to_vec()),
            )
            .await;
        reply.problem(415, "unsupported-media-type");
    }
    server
        .raw(Method::POST, &url, Some(&key), &[], Some(b"{}".to_vec()))
        .await
        .problem(415, "unsupported-media-type");
    for broken in [&b"{"[..], b"", b"\xff", b"{} {}"] {
        let reply = server
            .raw(Method::POST, &url, Some(&key), &json, Some(broken.to_vec()))
            .await;
        reply.invalid();
    }
}

#[tokio::test]
async fn a_wrong_value_is_not_repeated_in_the_answer() {
    let server = Server::start().await;
    let owner = server.owner().await;
    for (path, body) in [
        (
            "/v1/messages",
            json!({"recipient": "hunter2", "payload": "hunter2hunter2!"}),
        ),
        ("/v1/users", json!({"email": "hunter2", "level": "hunter2"})),
        (
            "/v1/recipients",
            json!({"name": "r", "contacts": [{"channel": "sms", "address": "hunter2"}]}),
        ),
        ("/v1/api-keys", json!({"name": "k", "level": "hunter2"})),
        ("/v1/auth/login", json!({"email": "hunter2", "password": 5})),
    ] {
        let reply = server.post(path, &owner, body).await;
        assert!((400..500).contains(&reply.status), "{path}: {}", reply.status);
        assert!(!reply.text().contains("hunter2"), "{path}: {}", reply.text());
    }
}

#[tokio::test]
async fn an_idempotency_key_is_up_to_255_visible_characters() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let body = message(&to, "x");
    server
        .post_once("/v1/messages", &owner, &"k".repeat(255), &body)
        .await
        .expect(202);
    for bad in ["", &"k".repeat(256)] {
        let reply = server.post_once("/v1/messages", &owner, bad, &body).await;
        reply.problem(400, "invalid-idempotency-key");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_recipient_or_a_route_is_refused() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let good = contact("sms", "+15005550001");
    for body in [
        json!({"name": "", "contacts": good}),
        json!({"name": "r"}),
        json!({"name": "r", "contacts": []}),
        json!({"name": "r", "contacts": vec![good[0].clone(); 21]}),
        json!({"name": "r", "contacts": contact("voice", "112")}),
        json!({"name": "r", "contacts": contact("email", "nobody")}),
        json!({"name": "r", "contacts": good, "locale": "german"}),
        json!({"name": "r", "contacts": good, "quiet_hours": {"start": "25:00", "end": "07:00", "timezone": "UTC"}}),
    ] {
        server.post("/v1/recipients", &owner, body).await.invalid();
    }
    let step = |wait: u32| json!({"channel": "sms", "wait_seconds": wait});
    for (name, body) in [
        ("r", json!({"steps": [], "require_ack": true, "deadline_seconds": 60})),
        (
            "r",
            json!({"steps": [step(60), step(0)], "require_ack": true, "deadline_seconds": 60}),
        ),
        (
            "r",
            json!({"steps": [step(1)], "require_ack": true, "deadline_seconds": 0}),
        ),
        (
            "r",
            json!({"steps": [step(1)], "require_ack": true, "deadline_seconds": 604_801}),
        ),
        (
            "UPPER",
            json!({"steps": [step(1)], "require_ack": true, "deadline_seconds": 60}),
        ),
    ] {
        let reply = server.put(&format!("/v1/routes/{name}"), &owner, body).await;
        assert_eq!(reply.status, 422, "{}", reply.text());
    }
}
