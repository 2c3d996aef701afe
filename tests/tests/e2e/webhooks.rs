//! Webhooks: what the back office gets, signed as Standard Webhooks says, and where they may not lead.
use keepgate_tests::{Answer, Heard, Options, Server, StandIn, hmac_sha256, message, signed_by};
use serde_json::{Value, json};

const LOOPBACK: &str = "[webhooks]\nallow_loopback = true\n";

/// A service that may call this machine, its owner, a webhook on `office` with its secret, and a recipient that is the webhook.
async fn desk(office: &StandIn, events: Value) -> (Server, String, String, String) {
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    let url = format!("{}/hook", office.url);
    let made = server
        .post("/v1/webhooks", &owner, json!({"url": url, "events": events}))
        .await
        .expect(201)
        .json();
    let secret = made["secret"].as_str().unwrap().to_owned();
    let to = server.recipient(&owner, "internet", &url).await;
    (server, owner, secret, to)
}

/// Asserts what the Standard Webhooks specification asks of a request.
#[track_caller]
fn verify(heard: &Heard, secret: &str) {
    let key = data_encoding::BASE64
        .decode(secret.strip_prefix("whsec_").expect("whsec_").as_bytes())
        .unwrap();
    assert!((24..=64).contains(&key.len()));
    let (id, at) = (
        heard.header("webhook-id").unwrap(),
        heard.header("webhook-timestamp").unwrap(),
    );
    assert!(at.parse::<u64>().is_ok() && !id.contains('.'), "{id} {at}");
    let content = [format!("{id}.{at}.").as_bytes(), &heard.body].concat();
    let wanted = format!("v1,{}", hmac_sha256(&key, &content));
    let signatures = heard.header("webhook-signature").unwrap();
    assert!(
        signatures.split(' ').any(|signature| signature == wanted),
        "{signatures}"
    );
}

#[tokio::test]
async fn a_webhook_is_signed_so_that_anybody_can_verify_it() {
    let office = StandIn::start(|_| Some(Answer::new(200, "{}"))).await;
    let (server, owner, _, to) = desk(&office, json!([])).await;
    let listed = server.get("/v1/webhooks", &owner).await.expect(200).json();
    let shown = &listed["items"][0];
    assert_eq!(shown["public_keys"].as_array().unwrap().len(), 1, "{shown}");
    let path = format!("/v1/webhooks/{}", shown["id"].as_str().unwrap());
    assert_eq!(
        server.get(&path, &owner).await.expect(200).json()["public_keys"],
        shown["public_keys"]
    );
    let mut body = message(&to, "for the office");
    body["require_ack"] = json!(false);
    server.accept(&owner, body).await;
    let heard = office.wait_for(1).await;
    assert!(signed_by(&heard[0], shown["public_keys"][0].as_str().unwrap()).await);
}

/// Who signs calls by now, as anybody who may read webhooks is told.
async fn published(server: &Server, owner: &str) -> Vec<String> {
    let listed = server.get("/v1/webhooks", owner).await.expect(200).json();
    let keys = listed["items"][0]["public_keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_receiver_that_knew_the_next_key_verifies_every_call_before_during_and_after_a_rotation() {
    let office = StandIn::start(|_| Some(Answer::new(200, "{}"))).await;
    let (server, owner, secret, to) = desk(&office, json!([])).await;
    let (mut known, mut calls) = (published(&server, &owner).await, 0);
    let first = known[0].clone();
    for turn in 0..3 {
        let mut body = message(&to, &format!("turn {turn}"));
        body["require_ack"] = json!(false);
        server.accept(&owner, body).await;
        calls += 1;
        let heard = office.wait_for(calls).await.pop().unwrap();
        verify(&heard, &secret);
        let now = published(&server, &owner).await;
        assert_eq!(now.len(), (turn + 1).min(2));
        for key in &now {
            assert!(signed_by(&heard, key).await, "turn {turn}");
        }
        // Whoever fetched the keys one rotation ago has one that signs still.
        assert!(known.contains(now.last().unwrap()), "turn {turn}");
        assert_eq!(signed_by(&heard, &first).await, turn < 2, "turn {turn}");
        known = now;
        server.post("/v1/keys:rotate", &owner, json!({})).await.expect(201);
    }
}

#[tokio::test]
async fn a_message_to_a_webhook_arrives_whole_and_signed() {
    let office = StandIn::start(|_| Some(Answer::new(200, "{}"))).await;
    let (server, owner, secret, to) = desk(&office, json!([])).await;
    let mut body = message(&to, "for the office");
    body["require_ack"] = json!(false);
    let id = server.accept(&owner, body).await;
    let heard = office.wait_for(1).await;
    verify(&heard[0], &secret);
    assert_eq!(heard[0].body, b"for the office", "byte for byte");
    assert!(
        heard[0].headers.iter().any(|(_, value)| *value == id),
        "it says which message it is: {:?}",
        heard[0].headers
    );
    let ended = server.message_is(&owner, &id, "delivered").await;
    assert_eq!(ended["attempts"][0]["provider"], "webhook");
}

#[tokio::test]
async fn a_webhook_that_fails_is_tried_again_under_the_same_id() {
    let count = std::sync::atomic::AtomicU32::new(0);
    let office = StandIn::start(
        move |_| match count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Some(Answer::new(500, "{}")),
            _ => Some(Answer::new(200, "{}")),
        },
    )
    .await;
    let (server, owner, secret, to) = desk(&office, json!([])).await;
    let mut body = message(&to, "x");
    body["require_ack"] = json!(false);
    let id = server.accept(&owner, body).await;
    let heard = office.wait_for(2).await;
    let ids: Vec<_> = heard.iter().map(|heard| heard.header("webhook-id").unwrap()).collect();
    assert_eq!(ids[0], ids[1], "a receiver can tell that it is the same");
    assert_eq!(heard[0].body, heard[1].body);
    verify(&heard[0], &secret);
    verify(&heard[1], &secret);
    let ended = server.message_is(&owner, &id, "delivered").await;
    assert_eq!(
        ended["attempts"].as_array().unwrap().len(),
        1,
        "one attempt, sent twice"
    );
}

#[tokio::test]
async fn a_webhook_that_breaks_off_is_tried_again() {
    let count = std::sync::atomic::AtomicU32::new(0);
    let office = StandIn::start(
        move |_| match count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => None,
            _ => Some(Answer::new(204, "")),
        },
    )
    .await;
    let (server, owner, secret, to) = desk(&office, json!([])).await;
    server.accept(&owner, message(&to, "x")).await;
    let heard = office.wait_for(2).await;
    assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
    verify(&heard[1], &secret);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let inner = StandIn::start(|_| Some(Answer::new(200, "{}"))).await;
    let target = format!("{}/inner", inner.url);
    let office = StandIn::start(move |_| {
        let mut answer = Answer::new(307, "{}");
        answer.headers.push(("location", target.clone()));
        Some(answer)
    })
    .await;
    let (server, owner, _, to) = desk(&office, json!([])).await;
    let id = server.accept(&owner, message(&to, "x")).await;
    office.wait_for(1).await;
    server
        .message_when(&owner, &id, |message| message["attempts"][0]["state"] != "intent")
        .await;
    assert!(inner.heard().is_empty(), "it went where the answer sent it");
    assert_ne!(server.message(&owner, &id).await["attempts"][0]["state"], "delivered");
}

#[tokio::test]
async fn without_leave_webhooks_do_not_reach_into_this_machine_or_its_network() {
    let inner = StandIn::start(|_| Some(Answer::new(200, "{}"))).await;
    let server = Server::start().await;
    let owner = server.owner().await;
    let port = inner.url.rsplit(':').next().unwrap();
    for url in [
        format!("{}/hook", inner.url),
        format!("https://127.0.0.1:{port}/hook"),
        format!("https://localhost:{port}/hook"),
    ] {
        let made = server
            .post("/v1/webhooks", &owner, json!({"url": url, "events": []}))
            .await;
        if made.status == 422 {
            continue;
        }
        made.expect(201);
        let to = server.recipient(&owner, "internet", &url).await;
        let id = server.accept(&owner, message(&to, "x")).await;
        server
            .message_when(&owner, &id, |message| {
                !matches!(message["attempts"][0]["state"].as_str(), None | Some("intent"))
            })
            .await;
        assert_ne!(
            server.message(&owner, &id).await["attempts"][0]["state"],
            "delivered",
            "{url}"
        );
    }
    assert!(inner.heard().is_empty(), "{:?}", inner.heard());
}

#[tokio::test]
async fn only_registered_webhooks_are_called() {
    let office = StandIn::start(|_| Some(Answer::new(200, "{}"))).await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    let to = server
        .recipient(&owner, "internet", &format!("{}/never-registered", office.url))
        .await;
    server.route(&owner, "one", &[("internet", 60, 1)], true, 600).await;
    let mut body = message(&to, "x");
    body["route"] = json!("one");
    let id = server.accept(&owner, body).await;
    let ended = server.message_is(&owner, &id, "failed").await;
    assert_eq!(ended["attempts"][0]["reason"], "no-webhook");
    assert!(office.heard().is_empty());
}

#[tokio::test]
async fn the_secret_of_a_webhook_is_told_once() {
    let office = StandIn::start(|_| Some(Answer::new(200, "{}"))).await;
    let (server, owner, secret, _) = desk(&office, json!(["message.failed"])).await;
    let list = server.get("/v1/webhooks", &owner).await.expect(200);
    assert!(!list.text().contains(&secret) && !list.text().contains("whsec_"));
    let id = list.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let shown = server.get(&format!("/v1/webhooks/{id}"), &owner).await.expect(200);
    assert!(!shown.text().contains("whsec_"));
    let twice = json!({"url": format!("{}/hook", office.url), "events": []});
    server.post("/v1/webhooks", &owner, twice).await.expect(409);
    server
        .post(
            "/v1/webhooks",
            &owner,
            json!({"url": "http://desk.example/", "events": []}),
        )
        .await
        .invalid();
    server
        .post(
            "/v1/webhooks",
            &owner,
            json!({"url": "https://desk.example/", "events": ["no.such"]}),
        )
        .await
        .invalid();
    server.delete(&format!("/v1/webhooks/{id}"), &owner).await.expect(204);
    server.get(&format!("/v1/webhooks/{id}"), &owner).await.missing();
}
