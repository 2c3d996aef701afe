//! Sending: acceptance, receipts, repeats, batches, and what the list shows.
use futures_util::future::join_all;
use keepgate_tests::{Server, in_seconds, message};
use serde_json::{Value, json};

/// A service, its owner, and a recipient whose stream is the owner's own.
async fn desk() -> (Server, String, String) {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    (server, owner, to)
}

fn ids(items: &[Value]) -> Vec<String> {
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_accepted_message_has_an_id_a_receipt_and_a_journey() {
    let (server, _, to) = desk().await;
    let key = server.key();
    let mut body = message(&to, "hello");
    body["text"] = json!("hi");
    let accepted = server.post("/v1/messages", &key, body).await.expect(202).json();
    assert_eq!(accepted["status"], "accepted");
    let id = accepted["id"].as_str().unwrap();
    assert!(id.starts_with("msg_"));
    let shown = server.message(&key, id).await;
    assert_eq!((&shown["id"], &shown["recipient"]), (&accepted["id"], &json!(to)));
    assert!(shown["attempts"].is_array());
    assert!(
        !shown.to_string().contains("aGVsbG8"),
        "the journey does not repeat the payload: {shown}"
    );
}

#[tokio::test]
async fn the_receipt_is_the_audit_entry_of_the_acceptance() {
    let (server, owner, to) = desk().await;
    let accepted = server
        .post("/v1/messages", &server.key(), message(&to, "hello"))
        .await
        .expect(202)
        .json();
    let id = accepted["id"].as_str().unwrap();
    let entries = server
        .entries(&owner, &format!("entity={id}&action=message.accept"), 1)
        .await;
    assert_eq!(entries[0]["id"], accepted["audit"]["entry_id"]);
    assert_eq!(entries[0]["leaf_hash"], accepted["audit"]["leaf_hash"]);
    assert_eq!(
        (&entries[0]["outcome"], &entries[0]["actor"]["type"]),
        (&json!("done"), &json!("service"))
    );
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_sends_nothing_twice() {
    let (server, _, to) = desk().await;
    let key = server.key();
    let body = message(&to, "hello");
    let first = server.post_once("/v1/messages", &key, "once", &body).await.expect(202);
    let again = server.post_once("/v1/messages", &key, "once", &body).await.expect(202);
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.body, again.body, "byte for byte");
    assert_eq!(server.all(&key, "/v1/messages").await.len(), 1);
    let other = server
        .post_once("/v1/messages", &key, "another", &body)
        .await
        .expect(202);
    assert_ne!(other.field("id"), first.field("id"));
}

#[tokio::test]
async fn a_key_that_was_used_for_another_body_is_a_conflict() {
    let (server, _, to) = desk().await;
    let key = server.key();
    server
        .post_once("/v1/messages", &key, "once", &message(&to, "hello"))
        .await
        .expect(202);
    let reply = server
        .post_once("/v1/messages", &key, "once", &message(&to, "other"))
        .await;
    assert_eq!(reply.status, 409, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    assert_eq!(server.all(&key, "/v1/messages").await.len(), 1);
}

#[tokio::test]
async fn twins_that_come_at_once_are_one_message() {
    let (server, _, to) = desk().await;
    let key = server.key();
    let body = message(&to, "hello");
    let replies = join_all((0..16).map(|_| server.post_once("/v1/messages", &key, "twins", &body))).await;
    let mut ids = Vec::new();
    let mut fresh = 0;
    for reply in replies {
        let reply = reply.expect(202);
        fresh += usize::from(reply.header("idempotency-replayed").is_none());
        ids.push(reply.field("id"));
    }
    ids.dedup();
    assert_eq!((ids.len(), fresh), (1, 1));
    assert_eq!(server.all(&key, "/v1/messages").await.len(), 1);
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    let (server, _, to) = desk().await;
    let key = server.key();
    server
        .post_once("/v1/messages", &key, "once", &json!({}))
        .await
        .expect(422);
    let fresh = server
        .post_once("/v1/messages", &key, "once", &message(&to, "x"))
        .await
        .expect(202);
    assert_eq!(fresh.header("idempotency-replayed"), None);
}

#[tokio::test]
async fn every_creation_can_be_repeated_safely() {
    let (server, owner, _) = desk().await;
    let contacts = json!([{"channel": "sms", "address": "+15005550001"}]);
    for (path, body) in [
        ("/v1/recipients", json!({"name": "r", "contacts": contacts})),
        ("/v1/users", json!({"email": "ann@example.org", "level": 2})),
        ("/v1/api-keys", json!({"name": "k", "level": 2})),
        (
            "/v1/webhooks",
            json!({"url": "https://desk.example/hook", "events": ["message.failed"]}),
        ),
    ] {
        let first = server.post_once(path, &owner, "once", &body).await.expect(201);
        let again = server.post_once(path, &owner, "once", &body).await.expect(201);
        assert_eq!(
            (first.body, again.header("idempotency-replayed")),
            (again.body.clone(), Some("true")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn idempotency_survives_a_restart() {
    let (mut server, _, to) = desk().await;
    let (key, body) = (server.key(), message(&to, "hello"));
    let first = server.post_once("/v1/messages", &key, "once", &body).await.expect(202);
    server.kill().await;
    server.start_again().await;
    let again = server.post_once("/v1/messages", &key, "once", &body).await.expect(202);
    assert_eq!(
        (first.body, again.header("idempotency-replayed")),
        (again.body.clone(), Some("true"))
    );
}

#[tokio::test]
async fn a_batch_answers_each_message_in_its_place() {
    let (server, _, to) = desk().await;
    let key = server.key();
    let nobody = "rcp_00000000000000000000000000";
    let messages =
        json!([message(&to, "a"), message(nobody, "b"), {"recipient": to, "payload": "%%%"}, message(&to, "c")]);
    let answer = server
        .post("/v1/messages:batch", &key, json!({"messages": messages}))
        .await
        .expect(202)
        .json();
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    assert!(items[0]["id"].is_string() && items[3]["id"].is_string(), "{answer}");
    for (nth, status) in [(1, [404, 422]), (2, [422, 422])] {
        let problem = &items[nth]["problem"];
        assert!(items[nth].get("id").is_none_or(Value::is_null), "{answer}");
        assert!(
            status.contains(&u16::try_from(problem["status"].as_u64().unwrap()).unwrap()),
            "{answer}"
        );
        assert!(problem["type"].as_str().unwrap().starts_with("/problems/"), "{answer}");
    }
    let listed = ids(&server.all(&key, "/v1/messages").await);
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&items[0]["id"].as_str().unwrap().to_owned()));
}

#[tokio::test]
async fn five_hundred_messages_go_into_a_batch_and_not_one_more() {
    let (server, owner, to) = desk().await;
    let batch = |count: usize| json!({"messages": vec![message(&to, "x"); count]});
    server.post("/v1/messages:batch", &owner, batch(501)).await.invalid();
    server.post("/v1/messages:batch", &owner, batch(0)).await.invalid();
    let answer = server
        .post("/v1/messages:batch", &owner, batch(500))
        .await
        .expect(202)
        .json();
    let accepted = ids(answer["items"].as_array().unwrap());
    let listed = ids(&server.all(&owner, "/v1/messages").await);
    assert_eq!(listed.len(), 500);
    assert!(accepted.iter().all(|id| listed.contains(id)));
}

#[tokio::test]
async fn pages_hold_every_message_once_though_new_ones_come_in_between() {
    let (server, owner, to) = desk().await;
    let mut sent = Vec::new();
    for n in 0..7 {
        sent.push(server.accept(&owner, message(&to, &n.to_string())).await);
    }
    let mut seen = Vec::new();
    let mut path = "/v1/messages?limit=3".to_owned();
    loop {
        let page = server.get(&path, &owner).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        seen.extend(ids(items));
        server.accept(&owner, message(&to, "between")).await;
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        assert!(seen.len() < 40, "the list never ends");
        path = format!("/v1/messages?limit=3&cursor={cursor}");
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "a message is on two pages");
    assert!(sent.iter().all(|id| seen.contains(id)), "a message is on no page");
}

#[tokio::test]
async fn filters_select_by_status_recipient_and_time() {
    let (server, owner, to) = desk().await;
    let other = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let first = server.accept(&owner, message(&to, "a")).await;
    let second = server.accept(&owner, message(&other, "b")).await;
    server
        .press(&format!("/v1/messages/{first}/cancel"), &owner)
        .await
        .expect(200);
    let select = |query: String| {
        let (server, owner) = (&server, owner.clone());
        async move { ids(&server.all(&owner, &format!("/v1/messages?{query}")).await) }
    };
    assert_eq!(select("status=cancelled".into()).await, std::slice::from_ref(&first));
    assert_eq!(
        select(format!("recipient={other}")).await,
        std::slice::from_ref(&second)
    );
    assert_eq!(
        select(format!("status=cancelled&recipient={other}")).await,
        [] as [String; 0]
    );
    let at = server.message(&owner, &second).await["accepted_at"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(select(format!("from={at}")).await, std::slice::from_ref(&second));
    assert_eq!(select(format!("to={at}")).await, [first]);
    assert_eq!(select(format!("from={}", in_seconds(60))).await, [] as [String; 0]);
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_refused() {
    let (server, owner, _) = desk().await;
    for query in [
        "nosuch=1",
        "limit=0",
        "limit=501",
        "limit=x",
        "cursor=nonsense",
        "status=lost",
        "from=yesterday",
        "recipient=msg_1",
    ] {
        for list in [
            "/v1/messages",
            "/v1/recipients",
            "/v1/audit",
            "/v1/users",
            "/v1/routes",
            "/v1/webhooks",
            "/v1/api-keys",
            "/v1/sessions",
        ] {
            let known = match query.split('=').next().unwrap() {
                "status" | "recipient" => list == "/v1/messages",
                "from" => matches!(list, "/v1/messages" | "/v1/audit"),
                _ => true,
            };
            if known {
                server.get(&format!("{list}?{query}"), &owner).await.invalid();
            }
        }
    }
}
