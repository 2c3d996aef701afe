//! What wants a fresh proof of identity is refused to an old session and done after a step-up.
use keepgate_tests::{PASSWORD, Server, email};
use serde_json::json;

/// Lets six minutes pass for the session of `token`, in the database; the token goes on claiming that it is new.
pub async fn age(server: &Server, token: &str) {
    let session = server.get("/v1/me", token).await.expect(200).field("session_id");
    let id = session.parse::<keepgate_kernel::SessionId>().unwrap().uuid();
    let (quiet, loud) = ("disable trigger audited", "enable always trigger audited");
    let sql = format!(
        "begin; alter table identity.session {quiet}; update identity.session set created_at = created_at - interval '6 minutes', \
         expires_at = expires_at - interval '6 minutes' where sid = '{id}'; alter table identity.session {loud}; commit"
    );
    server.past_the_guard(&sql).await;
}

#[tokio::test]
async fn a_step_up_makes_a_new_session_and_ends_the_old() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    let before = server.get("/v1/me", &ann.token).await.expect(200).json();
    server
        .post("/v1/auth/step-up", &ann.token, json!({"password": "wrong wrong wrong"}))
        .await
        .problem(401, "invalid-credentials");
    server
        .post("/v1/auth/step-up", &ann.token, json!({}))
        .await
        .problem(422, "second-factor-missing");
    let renewed = server
        .post("/v1/auth/step-up", &ann.token, json!({"password": PASSWORD}))
        .await
        .expect(200);
    assert!(!server.admits(&ann.token).await, "the old session is over");
    let after = server
        .get("/v1/me", &renewed.field("access_token"))
        .await
        .expect(200)
        .json();
    assert_ne!(before["session_id"], after["session_id"]);
    assert_eq!(
        (&before["principal"], &after["factors"]),
        (&after["principal"], &json!("one"))
    );
    let key = server.key();
    server
        .post("/v1/auth/step-up", &key, json!({"password": PASSWORD}))
        .await
        .problem(403, "not-for-api-keys");
}

#[tokio::test]
async fn where_a_factor_is_on_record_the_password_alone_is_not_enough() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    let (mut app, codes) = server.add_app(&ann.token).await;
    server
        .post("/v1/auth/step-up", &ann.token, json!({"password": PASSWORD}))
        .await
        .problem(422, "second-factor-missing");
    let two = json!({"password": PASSWORD, "totp": app.code().await});
    let token = server
        .post("/v1/auth/step-up", &ann.token, two)
        .await
        .expect(200)
        .field("access_token");
    assert_eq!(server.get("/v1/me", &token).await.expect(200).json()["factors"], "two");
    let recovery = json!({"recovery": codes[0]});
    let token = server
        .post("/v1/auth/step-up", &token, recovery)
        .await
        .expect(200)
        .field("access_token");
    server
        .post("/v1/auth/step-up", &token, json!({"recovery": codes[0]}))
        .await
        .problem(401, "invalid-credentials");
}

#[tokio::test]
async fn guesses_of_a_stolen_session_are_counted() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    server.add_app(&ann.token).await;
    let mut tries = 0;
    let reply = loop {
        let reply = server
            .post("/v1/auth/step-up", &ann.token, json!({"totp": "000000"}))
            .await;
        if reply.status == 429 {
            break reply;
        }
        reply.problem(401, "invalid-credentials");
        tries += 1;
        assert!(tries < 20, "nobody counts");
    };
    assert!(reply.header("retry-after").is_some());
    reply.problem(429, "locked-out");
    server.login(&ann.email, PASSWORD).await.expect(200);
}

/// The database has the last word on freshness: the token still says that it is fresh.
#[tokio::test]
async fn the_database_refuses_an_old_session_even_where_its_token_claims_to_be_fresh() {
    let server = Server::start().await;
    let owner = server.owner().await;
    age(&server, &owner).await;
    let refused = server
        .post("/v1/users", &owner, json!({"email": email(), "level": 1}))
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let fresh = server
        .post("/v1/auth/step-up", &owner, json!({"password": PASSWORD}))
        .await
        .expect(200)
        .field("access_token");
    server
        .post("/v1/users", &fresh, json!({"email": email(), "level": 1}))
        .await
        .expect(201);
}
