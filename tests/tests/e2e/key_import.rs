//! Keys that another system made.
use keepgate_tests::Server;
use serde_json::{Value, json};

/// A key of the other system, and what its database holds of it: made by crypt(3) of libxcrypt, which nobody here wrote.
const TEXT: &str = "acme_live_ab12cd34.9f7e7d6c5b4a3928";
const HASH: &str = "$2b$10$abcdefghijklmnopqrstuu5XngPhV9WlXmvKf7ocqhUPkQVXYKXCS";

fn foreign(lookup: &str, hash: &str) -> Value {
    json!({"name": "billing", "level": 2, "lookup": lookup, "bcrypt": hash})
}

#[tokio::test]
async fn an_imported_key_goes_on_working_and_its_hash_becomes_argon2id() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let import = server
        .post("/v1/api-keys:import", &owner, foreign("acme_live_ab12", HASH))
        .await
        .expect(201);
    let (id, own) = (import.field("id"), import.field("key"));
    let stored = async || {
        server
            .superuser("select bcrypt is not null, phc is not null from identity.imported_key")
            .await
    };
    assert_eq!(stored().await, "t|f");
    let me = server.get("/v1/me", TEXT).await.expect(200).json();
    assert_eq!((&me["principal"]["type"], &me["level"]), (&json!("service"), &json!(2)));
    assert_eq!(stored().await, "f|t", "the first use replaces the hash");
    assert!(server.admits(TEXT).await && server.admits(&own).await);
    let keys = server.all(&owner, "/v1/api-keys").await;
    let item = keys.iter().find(|item| item["id"] == *id).unwrap();
    assert_eq!(item["imported"], "acme_live_ab12");
    assert!(item["last_used_at"].is_string());
    assert!(!server.admits(&TEXT.replace('7', "8")).await);
    server.delete(&format!("/v1/api-keys/{id}"), &owner).await.expect(204);
    assert!(
        !server.admits(TEXT).await && !server.admits(&own).await,
        "revoked with its key"
    );
}

#[tokio::test]
async fn what_can_t_be_imported_is_refused_with_its_place() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let costly = HASH.replace("$10$", "$16$");
    for (lookup, hash, pointer) in [
        ("short", HASH, "/lookup"),
        ("kgl_0123456789", HASH, "/lookup"),
        ("acme_ab12", "not a hash", "/bcrypt"),
        ("acme_ab12", &costly, "/bcrypt"),
    ] {
        let reply = server
            .post("/v1/api-keys:import", &owner, foreign(lookup, hash))
            .await
            .expect(422);
        assert_eq!(reply.json()["errors"][0]["pointer"], pointer, "{lookup} {hash}");
    }
    server
        .post("/v1/api-keys:import", &owner, foreign("acme_ab12", HASH))
        .await
        .expect(201);
    server
        .post("/v1/api-keys:import", &owner, foreign("acme_ab12cd", HASH))
        .await
        .problem(409, "lookup-taken");
    let low = server.person(&owner, 3).await.token;
    server
        .post("/v1/api-keys:import", &low, foreign("other_ab12", HASH))
        .await
        .problem(403, "level-too-low");
    server
        .post("/v1/api-keys:import", &server.key(), foreign("other_ab12", HASH))
        .await
        .expect(403);
}

#[tokio::test]
async fn whoever_guesses_imported_keys_has_to_wait() {
    let server = Server::start().await;
    let owner = server.owner().await;
    server
        .post("/v1/api-keys:import", &owner, foreign("acme_live_ab12", HASH))
        .await
        .expect(201);
    let mut refused = 0;
    for n in 0..25 {
        let reply = server.get("/v1/me", &format!("acme_live_ab12.guess-number-{n}")).await;
        assert!(matches!(reply.status, 401 | 429), "{}", reply.status);
        refused += u32::from(reply.status == 429 && reply.header("retry-after").is_some());
    }
    assert_eq!(refused, 5);
    assert!(
        server.admits(&server.key()).await,
        "keys of Keepgate's own are none of its business"
    );
}
