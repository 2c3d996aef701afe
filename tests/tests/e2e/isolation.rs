//! Two tenants that know nothing of each other, and a platform that reads no message.
use keepgate_tests::{PASSWORD, Server, email, in_seconds, message};
use reqwest::Method;
use serde_json::json;

/// One of everything in the first tenant: paths below which each can be asked for.
async fn one_of_everything(server: &Server, owner: &str) -> Vec<String> {
    let ann = server.person(owner, 1).await;
    let (key, _) = server.issue(owner, json!({"name": "k", "level": 2})).await;
    let to = server.recipient(owner, "internet", &ann.id).await;
    server.route(owner, "slow", &[("internet", 60, 1)], true, 600).await;
    let id = server.accept(owner, message(&to, "first tenant's")).await;
    let hook = json!({"url": "https://desk.example/hook", "events": ["message.failed"]});
    let hook = server.post("/v1/webhooks", owner, hook).await.expect(201).field("id");
    vec![
        format!("/v1/users/{}", ann.id),
        format!("/v1/api-keys/{key}"),
        format!("/v1/recipients/{to}"),
        "/v1/routes/slow".to_owned(),
        format!("/v1/messages/{id}"),
        format!("/v1/webhooks/{hook}"),
    ]
}

#[tokio::test]
async fn another_tenant_s_things_do_not_exist() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let (_, stranger) = server.second_tenant(&admin).await;
    let things = one_of_everything(&server, &owner).await;
    let mut tries: Vec<(Method, String)> = things.iter().map(|path| (Method::DELETE, path.clone())).collect();
    tries.retain(|(_, path)| !path.contains("/messages/"));
    tries.extend(
        things
            .iter()
            .filter(|path| !path.contains("/api-keys/"))
            .map(|path| (Method::GET, path.clone())),
    );
    for verb in ["ack", "cancel", "replay"] {
        tries.push((Method::POST, format!("{}/{verb}", things[4])));
    }
    tries.push((Method::POST, format!("{}/rotate", things[1])));
    tries.push((Method::PATCH, things[2].clone()));
    for (method, path) in tries {
        let body = if method == Method::PATCH {
            json!({"name": "mine"})
        } else {
            json!({})
        };
        let reply = match method {
            Method::GET | Method::DELETE => {
                server
                    .raw(method.clone(), &server.url(&path), Some(&stranger), &[], None)
                    .await
            }
            _ => server.send(method.clone(), &path, Some(&stranger), &[], &body).await,
        };
        assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text());
    }
    let change = server.patch(&things[0], &stranger, json!({"status": "disabled"})).await;
    assert_eq!(change.status, 404, "{}", change.text());
    for path in things.iter().filter(|path| !path.contains("/api-keys/")) {
        server.get(path, &owner).await.expect(200);
    }
}

#[tokio::test]
async fn what_exists_elsewhere_looks_like_what_exists_nowhere() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let (_, stranger) = server.second_tenant(&admin).await;
    let to = server.recipient(&owner, "sms", "+15005550001").await;
    let elsewhere = server.get(&format!("/v1/recipients/{to}"), &stranger).await;
    let nowhere = server
        .get("/v1/recipients/rcp_00000000000000000000000000", &stranger)
        .await;
    let strip = |reply: keepgate_tests::Reply| {
        let mut body = reply.missing();
        body["request_id"] = json!(null);
        body
    };
    assert_eq!(strip(elsewhere), strip(nowhere));
}

#[tokio::test]
async fn lists_of_two_tenants_share_nothing() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let (_, stranger) = server.second_tenant(&admin).await;
    one_of_everything(&server, &owner).await;
    one_of_everything(&server, &stranger).await;
    for list in ["users", "api-keys", "recipients", "messages", "webhooks", "sessions"] {
        let path = format!("/v1/{list}");
        let ids = |items: Vec<serde_json::Value>| -> Vec<String> {
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned())
                .collect()
        };
        let (ours, theirs) = (
            ids(server.all(&owner, &path).await),
            ids(server.all(&stranger, &path).await),
        );
        assert!(!ours.is_empty() && !theirs.is_empty(), "{list}");
        assert!(ours.iter().all(|id| !theirs.contains(id)), "{list}");
    }
}

#[tokio::test]
async fn the_log_of_a_tenant_tells_nothing_of_another() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let (tenant, stranger) = server.second_tenant(&admin).await;
    one_of_everything(&server, &owner).await;
    let ours = server.whole_log(&owner).await;
    let theirs = server.whole_log(&stranger).await;
    assert!(ours.len() > 5 && !theirs.is_empty());
    let ids = |log: &[serde_json::Value]| log.iter().map(|entry| entry["id"].clone()).collect::<Vec<_>>();
    assert!(ids(&ours).iter().all(|id| !ids(&theirs).contains(id)));
    assert!(
        !ours.iter().any(|entry| entry.to_string().contains(&tenant)),
        "the other tenant's name does not occur"
    );
    let note = |token: String| {
        let server = &server;
        async move { server.get("/v1/audit/log/checkpoint", &token).await.expect(200).text() }
    };
    let (ours, theirs) = (note(owner.clone()).await, note(stranger.clone()).await);
    assert_ne!(ours.lines().next(), theirs.lines().next(), "each log has its own name");
}

#[tokio::test]
async fn a_message_never_reaches_another_tenant_s_principal() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let (_, stranger) = server.second_tenant(&admin).await;
    let ann = server.person(&owner, 1).await;
    let to = server.recipient(&owner, "internet", &ann.id).await;
    let foreign = server.post("/v1/messages", &stranger, message(&to, "theirs")).await;
    assert!(
        matches!(foreign.status, 404 | 422),
        "another tenant's recipient: {}",
        foreign.text()
    );
    let body =
        json!({"to": [{"channel": "internet", "address": ann.id}], "payload": "dGhlaXJz", "deadline": in_seconds(60)});
    let foreign = server.post("/v1/messages", &stranger, body).await;
    assert!(matches!(foreign.status, 202 | 404 | 422), "{}", foreign.text());
    if foreign.status == 202 {
        // Accepted blindly, it is taken for delivery before ours is sent, and must not come.
        let id = foreign.field("id");
        server
            .message_when(&stranger, &id, |message| message["status"] != "accepted")
            .await;
    }
    let mut stream = server.stream(&ann.token, None).await;
    let ours = server.accept(&owner, message(&to, "ours")).await;
    assert_eq!(stream.next().await.unwrap().message(), ours);
}

#[tokio::test]
async fn the_platform_reads_no_message_and_no_recipient() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let things = one_of_everything(&server, &owner).await;
    let operator = server.person(&admin, 6).await.token;
    let log = server.whole_log(&admin).await;
    assert!(
        !log.iter()
            .any(|entry| entry["entity"].as_str().unwrap().starts_with("msg_")),
        "nor their traces"
    );
    for token in [&admin, &operator] {
        for path in [
            "/v1/messages",
            "/v1/recipients",
            "/v1/webhooks",
            "/v1/stream",
            things[2].as_str(),
            things[4].as_str(),
        ] {
            server.get(path, token).await.problem(403, "level-too-low");
        }
        let users = server.get(&things[0], token).await;
        assert!(matches!(users.status, 403 | 404), "{}", users.text());
    }
}

#[tokio::test]
async fn one_address_in_two_tenants_is_two_people() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let (tenant, stranger) = server.second_tenant(&admin).await;
    let address = email();
    let mut ids = Vec::new();
    for (token, password) in [(&owner, PASSWORD), (&stranger, "another battery staple horse 9")] {
        let made = server
            .post("/v1/users", token, json!({"email": address, "level": 2}))
            .await
            .expect(201)
            .json();
        let body = json!({"code": made["enrolment"]["code"], "password": password});
        server
            .send(Method::POST, "/v1/auth/enrol", None, &[], &body)
            .await
            .expect(200);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let login = |password: &'static str, tenant: serde_json::Value| {
        let body = json!({"email": address, "password": password, "tenant": tenant});
        let server = &server;
        async move { server.send(Method::POST, "/v1/auth/login", None, &[], &body).await }
    };
    let first = server.boot["tenant"].clone();
    let token = login(PASSWORD, first.clone()).await.expect(200).field("access_token");
    assert_eq!(server.me(&token).await, ids[0]);
    let token = login("another battery staple horse 9", json!(tenant))
        .await
        .expect(200)
        .field("access_token");
    assert_eq!(server.me(&token).await, ids[1]);
    login("another battery staple horse 9", first)
        .await
        .problem(401, "invalid-credentials");
}

#[tokio::test]
async fn the_same_idempotency_key_of_two_callers_is_two_requests() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let body = message(&to, "x");
    let first = server.post_once("/v1/messages", &owner, "k", &body).await.expect(202);
    let second = server
        .post_once("/v1/messages", &server.key(), "k", &body)
        .await
        .expect(202);
    assert_ne!(first.field("id"), second.field("id"));
    assert_eq!(second.header("idempotency-replayed"), None);
}
