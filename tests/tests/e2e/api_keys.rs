//! API keys: their life, and how little they may do.
use keepgate_tests::{Server, eventually, in_seconds, message};
use serde_json::json;

#[tokio::test]
async fn a_key_is_shown_once_and_used_until_revoked() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (id, key) = server.issue(&owner, json!({"name": "desk", "level": 2})).await;
    assert!(id.starts_with("key_") && key.starts_with("kgl_"), "{id}");
    let me = server.get("/v1/me", &key).await.expect(200).json();
    assert_eq!((&me["principal"]["type"], &me["level"]), (&json!("service"), &json!(2)));
    let list = server.get("/v1/api-keys", &owner).await.expect(200);
    let secret = key.rsplit('_').next().unwrap();
    assert!(!list.text().contains(secret), "the secret is told once");
    let listed = list.json();
    let item = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["id"] == *id)
        .unwrap();
    assert_eq!((&item["name"], &item["level"]), (&json!("desk"), &json!(2)));
    server.delete(&format!("/v1/api-keys/{id}"), &owner).await.expect(204);
    assert!(!server.admits(&key).await, "refused at the next request");
    assert!(server.admits(&server.key()).await, "other keys go on");
}

#[tokio::test]
async fn last_used_at_tells_when_a_key_was_used() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (id, key) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let item = || async {
        let keys = server.all(&owner, "/v1/api-keys").await;
        keys.into_iter().find(|item| item["id"] == *id).unwrap()
    };
    assert!(item().await["last_used_at"].is_null());
    assert!(server.admits(&key).await);
    eventually("last_used_at", || async {
        item().await["last_used_at"].as_str().map(str::to_owned)
    })
    .await;
}

#[tokio::test]
async fn a_rotated_key_works_beside_the_new_one_until_the_overlap_ends() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (id, old) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let rotate = format!("/v1/api-keys/{id}/rotate");
    let new = server
        .post(&rotate, &owner, json!({"overlap_seconds": 2}))
        .await
        .expect(200)
        .field("key");
    assert_ne!(new, old);
    assert!(
        server.admits(&new).await && server.admits(&old).await,
        "both, during the overlap"
    );
    eventually("the end of the old key", || async {
        (!server.admits(&old).await).then_some(())
    })
    .await;
    assert!(server.admits(&new).await);
    let newest = server
        .post(&rotate, &owner, json!({"overlap_seconds": 0}))
        .await
        .expect(200)
        .field("key");
    assert!(!server.admits(&new).await, "no overlap, no old key");
    assert!(server.admits(&newest).await);
}

#[tokio::test]
async fn revoking_a_key_during_its_overlap_ends_both_secrets() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (id, old) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let rotate = format!("/v1/api-keys/{id}/rotate");
    let new = server
        .post(&rotate, &owner, json!({"overlap_seconds": 3600}))
        .await
        .expect(200)
        .field("key");
    assert!(server.admits(&old).await && server.admits(&new).await);
    server.delete(&format!("/v1/api-keys/{id}"), &owner).await.expect(204);
    assert!(!server.admits(&old).await && !server.admits(&new).await);
}

#[tokio::test]
async fn scopes_narrow_what_a_key_may_do() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let (_, key) = server
        .issue(
            &owner,
            json!({"name": "k", "level": 2, "scopes": ["message.accept", "message.read"]}),
        )
        .await;
    let id = server.accept(&key, message(&to, "x")).await;
    server.get(&format!("/v1/messages/{id}"), &key).await.expect(200);
    server.get("/v1/recipients", &key).await.problem(403, "scope-missing");
    server
        .press(&format!("/v1/messages/{id}/cancel"), &key)
        .await
        .problem(403, "scope-missing");
    let reply = server
        .post(
            "/v1/api-keys",
            &owner,
            json!({"name": "k", "level": 2, "scopes": ["no.such"]}),
        )
        .await;
    reply.invalid();
}

#[tokio::test]
async fn a_key_never_manages_people_keys_or_sessions() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (_, key) = server.issue(&owner, json!({"name": "k", "level": 4})).await;
    let user = json!({"email": "x@example.org", "level": 1});
    server
        .post("/v1/users", &key, user)
        .await
        .problem(403, "not-for-api-keys");
    server
        .post("/v1/api-keys", &key, json!({"name": "k", "level": 1}))
        .await
        .problem(403, "not-for-api-keys");
    server.get("/v1/api-keys", &key).await.problem(403, "not-for-api-keys");
    server.get("/v1/sessions", &key).await.problem(403, "not-for-api-keys");
    server
        .press("/v1/auth/logout", &key)
        .await
        .problem(403, "not-for-api-keys");
    server.get("/v1/audit", &key).await.problem(403, "not-for-api-keys");
}

#[tokio::test]
async fn a_key_stays_below_its_owner() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let reply = server
        .post("/v1/api-keys", &owner, json!({"name": "k", "level": 5}))
        .await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    let admin = server.person(&owner, 4).await;
    let reply = server
        .post("/v1/api-keys", &admin.token, json!({"name": "k", "level": 4}))
        .await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    let (_, key) = server.issue(&admin.token, json!({"name": "k", "level": 3})).await;
    server.get("/v1/recipients", &key).await.expect(200);
    let body = json!({"name": "r", "contacts": [{"channel": "sms", "address": "+15005550001"}]});
    server.post("/v1/recipients", &key, body.clone()).await.expect(201);
    // The owner of the key comes down to 2, so the key has level 1 now, which creates no recipients.
    server
        .patch(&format!("/v1/users/{}", admin.id), &owner, json!({"level": 2}))
        .await
        .expect(200);
    let reply = server.post("/v1/recipients", &key, body).await;
    assert!(matches!(reply.status, 401 | 403), "{}", reply.text());
}

#[tokio::test]
async fn a_disabled_owner_takes_its_keys_along() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.person(&owner, 4).await;
    let (_, key) = server.issue(&admin.token, json!({"name": "k", "level": 2})).await;
    assert!(server.admits(&key).await);
    server
        .patch(
            &format!("/v1/users/{}", admin.id),
            &owner,
            json!({"status": "disabled"}),
        )
        .await
        .expect(200);
    assert!(!server.admits(&key).await);
}

#[tokio::test]
async fn a_key_ends_when_it_said_it_would() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (_, key) = server
        .issue(&owner, json!({"name": "k", "level": 2, "expires_at": in_seconds(2)}))
        .await;
    assert!(server.admits(&key).await);
    eventually("the end of the key", || async {
        (!server.admits(&key).await).then_some(())
    })
    .await;
    let past = json!({"name": "k", "level": 2, "expires_at": "2020-01-01T00:00:00Z"});
    server.post("/v1/api-keys", &owner, past).await.invalid();
}

#[tokio::test]
async fn a_key_works_from_its_own_networks_only() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (_, far) = server
        .issue(
            &owner,
            json!({"name": "k", "level": 2, "allowed_cidrs": ["10.0.0.0/8"]}),
        )
        .await;
    let (_, near) = server
        .issue(
            &owner,
            json!({"name": "k", "level": 2, "allowed_cidrs": ["127.0.0.0/8"]}),
        )
        .await;
    let reply = server.get("/v1/me", &far).await;
    assert!(matches!(reply.status, 401 | 403), "{}", reply.text());
    assert!(server.admits(&near).await);
    let odd = json!({"name": "k", "level": 2, "allowed_cidrs": ["10.0.0.0/40"]});
    server.post("/v1/api-keys", &owner, odd).await.invalid();
}

#[tokio::test]
async fn a_mistyped_key_is_refused() {
    let server = Server::start().await;
    let key = server.key();
    let mut typo = key.clone().into_bytes();
    let at = typo.len() - 12;
    typo[at] = if typo[at] == b'a' { b'b' } else { b'a' };
    let cut = &key[..key.len() - 1];
    for bad in [
        std::str::from_utf8(&typo).unwrap(),
        cut,
        &format!("{key}x"),
        "kg_live_x",
        "kgl_x",
        &key.to_uppercase(),
    ] {
        server.get("/v1/me", bad).await.expect(401);
    }
    assert!(server.admits(&key).await);
}
