//! Tokens: what they are, who can check them, and which are not believed.
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use keepgate_tests::{Server, b64, hmac_sha256, jwt_part, unb64};
use serde_json::{Value, json};

/// The published key that `token` names.
async fn published(server: &Server, token: &str) -> Value {
    let set = server.open("/.well-known/jwks.json").await.expect(200).json();
    let kid = jwt_part(token, 0)["kid"].clone();
    set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == kid)
        .expect("the key is published")
        .clone()
}

#[tokio::test]
async fn the_published_key_verifies_a_token() {
    let server = Server::start().await;
    let token = server.owner().await;
    assert_eq!(jwt_part(&token, 0)["alg"], "EdDSA");
    let key = published(&server, &token).await;
    assert_eq!(
        (&key["kty"], &key["crv"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("sig"))
    );
    assert!(key.get("d").is_none(), "the private half is not published");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let public = UnparsedPublicKey::new(&ED25519, unb64(key["x"].as_str().unwrap()));
    public
        .verify(signed.as_bytes(), &unb64(signature))
        .expect("the signature holds");
    assert!(
        public
            .verify(format!("{signed}x").as_bytes(), &unb64(signature))
            .is_err()
    );
    let claims = jwt_part(&token, 1);
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((1..=28_800).contains(&life), "a token lives 8 hours at most");
    for personal in ["email", "name", "password"] {
        assert!(claims.get(personal).is_none(), "{claims}");
    }
}

#[tokio::test]
async fn tokens_outlive_a_restart() {
    let mut server = Server::start().await;
    let owner = server.owner().await;
    server.stop().await;
    server.start_again().await;
    assert!(server.admits(&owner).await);
}

#[tokio::test]
async fn forged_and_altered_tokens_are_not_believed() {
    let server = Server::start().await;
    let token = server.owner().await;
    let parts: Vec<&str> = token.split('.').collect();
    let (header, claims) = (jwt_part(&token, 0), jwt_part(&token, 1));
    let with = |value: &Value, name: &str, new: Value| {
        let mut value = value.clone();
        value[name] = new;
        b64(value.to_string().as_bytes())
    };
    let public = unb64(published(&server, &token).await["x"].as_str().unwrap());
    let hs256 = with(&header, "alg", json!("HS256"));
    let confused = format!("{hs256}.{}", parts[1]);
    let mac = b64(&data_encoding::BASE64
        .decode(hmac_sha256(&public, confused.as_bytes()).as_bytes())
        .unwrap());
    let mut flipped = unb64(parts[2]);
    flipped[0] ^= 1;
    let forged = [
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        (
            "alg none",
            format!("{}.{}.", with(&header, "alg", json!("none")), parts[1]),
        ),
        (
            "alg none with the old signature",
            format!("{}.{}.{}", with(&header, "alg", json!("none")), parts[1], parts[2]),
        ),
        ("the public key as an HMAC key", format!("{confused}.{mac}")),
        (
            "a flipped bit of the signature",
            format!("{}.{}.{}", parts[0], parts[1], b64(&flipped)),
        ),
        (
            "a higher level",
            format!("{}.{}.{}", parts[0], with(&claims, "lvl", json!(7)), parts[2]),
        ),
        (
            "another subject",
            format!(
                "{}.{}.{}",
                parts[0],
                with(&claims, "sub", json!("usr_00000000000000000000000000")),
                parts[2]
            ),
        ),
        (
            "a later end",
            format!(
                "{}.{}.{}",
                parts[0],
                with(&claims, "exp", json!(4_000_000_000_u32)),
                parts[2]
            ),
        ),
        (
            "an unknown key",
            format!("{}.{}.{}", with(&header, "kid", json!("nobody")), parts[1], parts[2]),
        ),
        (
            "a key of its own",
            format!(
                "{}.{}.{}",
                with(&header, "jwk", json!({"kty": "OKP"})),
                parts[1],
                parts[2]
            ),
        ),
        ("four parts", format!("{token}.x")),
        ("one part", parts[0].to_owned()),
        ("nonsense", "nonsense".to_owned()),
    ];
    for (what, forged) in forged {
        let reply = server.get("/v1/me", &forged).await;
        assert_eq!(reply.status, 401, "{what}: {}", reply.text());
        assert!(
            reply.header("www-authenticate").unwrap().starts_with("Bearer"),
            "{what}"
        );
        assert!(!reply.text().contains(&forged), "{what}: the token is repeated");
    }
    assert!(server.admits(&token).await);
}

#[tokio::test]
async fn only_one_bearer_credential_in_the_header_is_read() {
    let server = Server::start().await;
    let token = server.owner().await;
    let url = server.url("/v1/me");
    let get = reqwest::Method::GET;
    for value in [
        "",
        "Bearer",
        "Bearer ",
        &format!("Basic {token}"),
        &token,
        &format!("Bearer {token} {token}"),
    ] {
        let reply = server
            .raw(get.clone(), &url, None, &[("authorization", value)], None)
            .await;
        assert_eq!(reply.status, 401, "{value:.12}");
    }
    for query in ["access_token", "token", "key"] {
        let reply = server.open(&format!("/v1/me?{query}={token}")).await;
        assert!(matches!(reply.status, 401 | 422), "a credential in a URL is not read");
    }
    let lower = format!("bearer {token}");
    server
        .raw(get, &url, None, &[("authorization", &lower)], None)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_session_that_ended_in_the_database_is_refused_though_its_token_has_not() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    let principal = jwt_part(&ann.token, 1);
    assert!(principal["exp"].is_i64());
    let (quiet, loud) = ("disable trigger audited", "enable always trigger audited");
    let sql = format!(
        "begin; alter table identity.session {quiet}; \
         update identity.session set expires_at = now() - interval '1 second' where principal_id = \
         (select id from rbac.principal where email = '{}'); alter table identity.session {loud}; commit",
        ann.email
    );
    server.past_the_guard(&sql).await;
    keepgate_tests::eventually("the end of the session", || async {
        (!server.admits(&ann.token).await).then_some(())
    })
    .await;
}
