//! The keys that sign tokens, over the API and over instances.
use keepgate_tests::{Fleet, PASSWORD, Server, eventually, jwt_part, unb64};
use serde_json::{Value, json};

async fn published(server: &Server) -> Vec<String> {
    let reply = server.open("/.well-known/jwks.json").await.expect(200);
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    let kids = reply.json()["keys"].as_array().unwrap().clone();
    kids.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(token: &str) -> String {
    jwt_part(token, 0)["kid"].as_str().unwrap().to_owned()
}

async fn rotate(server: &Server, admin: &str, body: Value) -> Vec<(String, String)> {
    let keys = server
        .post("/v1/signing-keys:rotate", admin, body)
        .await
        .expect(200)
        .json();
    states(&keys)
}

fn states(keys: &Value) -> Vec<(String, String)> {
    let one = |key: &Value| {
        let word = |name: &str| key[name].as_str().unwrap().to_owned();
        (word("state"), word("kid"))
    };
    let mut states: Vec<_> = keys["items"].as_array().unwrap().iter().map(one).collect();
    states.sort();
    states
}

fn in_state<'a>(states: &'a [(String, String)], state: &str) -> &'a str {
    &states
        .iter()
        .find(|(word, _)| word == state)
        .expect("a key in that state")
        .1
}

#[tokio::test]
async fn a_key_is_published_for_a_day_before_it_signs_and_the_former_one_verifies_on() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let ann = server.person(&owner, 2).await;
    let first = kid(&ann.token);
    assert_eq!(published(&server).await, std::slice::from_ref(&first));
    let pending = rotate(&server, &admin, json!({})).await;
    assert_eq!(in_state(&pending, "active"), first);
    let next = in_state(&pending, "pending").to_owned();
    eventually("the pending key is published", || async {
        (published(&server).await == [first.clone(), next.clone()]).then_some(())
    })
    .await;
    let early = server.post("/v1/signing-keys:rotate", &admin, json!({})).await;
    early.problem(409, "signing-key-too-young");
    assert_eq!(
        kid(&server
            .login(&ann.email, PASSWORD)
            .await
            .expect(200)
            .field("access_token")),
        first
    );

    // A day passes.
    server
        .past_the_guard(
            "begin; alter table identity.signing_key disable trigger user; \
             update identity.signing_key set created_at = created_at - interval '24 hours', activated_at = activated_at - interval '24 hours'; \
             alter table identity.signing_key enable always trigger guard; alter table identity.signing_key enable always trigger nodelete; \
             alter table identity.signing_key enable always trigger notruncate; alter table identity.signing_key enable always trigger audited; \
             alter table identity.signing_key enable always trigger revoke; commit",
        )
        .await;
    let turned = rotate(&server, &admin, json!({})).await;
    assert_eq!(
        (in_state(&turned, "active"), in_state(&turned, "retired")),
        (next.as_str(), first.as_str())
    );
    let token = eventually("the ring turns", || async {
        let token = server
            .login(&ann.email, PASSWORD)
            .await
            .expect(200)
            .field("access_token");
        (kid(&token) == next).then_some(token)
    })
    .await;
    assert!(
        server.admits(&token).await && server.admits(&ann.token).await,
        "both verify"
    );
    let seeds = server
        .superuser("select count(*) from identity.signing_key where sealed is not null")
        .await;
    assert_eq!(seeds, "1", "a retired key has no seed any more");

    // Its last token has ended.
    server
        .past_the_guard(
            "begin; alter table identity.signing_key disable trigger user; \
             update identity.signing_key set retired_at = retired_at - interval '8 hours 5 minutes' where retired_at is not null; \
             alter table identity.signing_key enable always trigger guard; alter table identity.signing_key enable always trigger nodelete; \
             alter table identity.signing_key enable always trigger notruncate; alter table identity.signing_key enable always trigger audited; \
             alter table identity.signing_key enable always trigger revoke; commit",
        )
        .await;
    let mut server = server;
    server.stop().await;
    server.start_again().await;
    assert_eq!(published(&server).await, [next]);
    assert!(!server.admits(&ann.token).await && server.admits(&token).await);
}

#[tokio::test]
async fn an_emergency_turns_the_ring_of_every_instance_and_a_revoked_kid_is_dead_everywhere() {
    let fleet = Fleet::start(3).await;
    let [one, two, three] = [0, 1, 2].map(|n| &fleet.instances[n].server);
    let (owner, admin) = (one.owner().await, two.admin().await);
    let first = kid(&owner);
    let turned = rotate(one, &admin, json!({"emergency": true})).await;
    let second = in_state(&turned, "active").to_owned();
    assert_ne!(second, first);
    for server in [one, two, three] {
        eventually("the ring turns", || async {
            (published(server).await == [second.clone(), first.clone()]).then_some(())
        })
        .await;
        assert!(server.admits(&owner).await, "the former key's tokens go on");
    }
    let order = json!({"kind": "kid", "id": first, "reason": "the seed was seen"});
    three.post("/v1/revocations", &admin, order.clone()).await.expect(201);
    for server in [one, two, three] {
        assert!(!server.admits(&owner).await && !server.admits(&admin).await);
        eventually("the key is gone", || async {
            (published(server).await == [second.clone()]).then_some(())
        })
        .await;
    }
    let shown = fleet
        .sql("select count(*) from identity.session where revoked_at is null and expires_at > now()")
        .await;
    assert_eq!(shown, "0", "the door refuses their sessions as well");
}

#[tokio::test]
async fn revoking_the_key_that_signs_puts_another_in_its_place() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let ann = server.person(&owner, 2).await;
    let first = kid(&admin);
    let order = json!({"kind": "kid", "id": first, "reason": "the seed was seen"});
    server
        .post("/v1/revocations", &owner, order.clone())
        .await
        .problem(403, "out-of-reach");
    server.post("/v1/revocations", &admin, order).await.expect(201);
    for token in [&owner, &admin, &ann.token] {
        assert!(!server.admits(token).await);
    }
    let token = eventually("another key signs", || async {
        let reply = server.login(&ann.email, PASSWORD).await.expect(200);
        let token = reply.field("access_token");
        server.admits(&token).await.then_some(token)
    })
    .await;
    assert_ne!(kid(&token), first);
    assert_eq!(published(&server).await, [kid(&token)]);
}

#[tokio::test]
async fn the_command_line_rotates_as_the_api_does() {
    let server = Server::start().await;
    let token = server.private_file("admin.token", &server.admin().await);
    let url = server.url("");
    let rotate = [
        "admin",
        "rotate-signing-keys",
        "--url",
        &url,
        "--ca-cert",
        server.ca_cert(),
        "--token-file",
        &token,
    ];
    let done = keepgate_tests::run(rotate).await.expect(0).out;
    assert!(done.contains("pending ") && done.contains("active "), "{done}");
    let refused = keepgate_tests::run(rotate).await.failed(1);
    assert!(refused.contains("409"), "{refused}");
    keepgate_tests::run(["admin", "rotate-signing-keys"]).await.failed(2);
}

#[tokio::test]
async fn states_are_for_the_platform_and_private_halves_for_nobody() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    server.get("/v1/signing-keys", &owner).await.expect(403);
    server
        .post("/v1/signing-keys:rotate", &owner, json!({}))
        .await
        .expect(403);
    let body = json!({"emergency": true, "kid": "x"});
    server.post("/v1/signing-keys:rotate", &admin, body).await.invalid();
    let shown = server.get("/v1/signing-keys", &admin).await.expect(200);
    for secret in ["seed", "sealed", "\"d\"", "kek"] {
        assert!(!shown.text().contains(secret), "{}", shown.text());
    }
    let app = server.sql("kg_app", "select * from identity.signing_key").await;
    assert_ne!(app.code, Some(0));
    let app = server.sql("kg_app", "select * from gate.signing_keys()").await;
    assert_eq!(app.out.trim(), "", "nobody without a sealed context: {}", app.err);
}

#[tokio::test]
async fn what_an_earlier_version_signed_goes_on_until_it_ends() {
    let mut server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    // As if there had never been a stored key: a database of an earlier version, with people logged in.
    server
        .past_the_guard(
            "begin; alter table identity.signing_key disable trigger user; delete from identity.signing_key; \
             alter table identity.signing_key enable always trigger guard; alter table identity.signing_key enable always trigger nodelete; \
             alter table identity.signing_key enable always trigger notruncate; alter table identity.signing_key enable always trigger audited; \
             alter table identity.signing_key enable always trigger revoke; commit",
        )
        .await;
    server.stop().await;
    server.start_again().await;
    let former = published(&server).await;
    assert_eq!(former.len(), 1);
    assert_ne!(
        former[0],
        kid(&admin),
        "not a new random key, but the one derived from the key file"
    );
    server.stop().await;
    server.start_again().await;
    assert_eq!(published(&server).await, former, "it was put on record once");
    assert!(
        !server.admits(&owner).await,
        "the key of before this test is unknown now"
    );
    assert_eq!(unb64(jwt_part(&owner, 1)["jti"].as_str().unwrap()).len(), 16);
}
