//! What OpenBao's answers mean.
use std::sync::Arc;

use data_encoding::BASE64;
use keepgate_crypto_keys::Wrapped;
use keepgate_key_services::openbao::{Auth, OpenBao, Settings};
use keepgate_outward::Trust;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use crate::{
    stand_in::{Reply, StandIn, says},
    table::{CANARY, LIMITS, each_call, everywhere, got, key_word, unwrapped, wraps},
};

pub fn bao(url: Url, auth: Auth) -> Arc<OpenBao> {
    OpenBao::new(Settings {
        url,
        trust: Trust::Public,
        namespace: Some("team/a".to_owned()),
        auth,
        limits: LIMITS,
    })
    .unwrap()
}

fn with_token(url: Url) -> Arc<OpenBao> {
    bao(url, Auth::Token(SecretString::from(CANARY).into()))
}

const SELF: &str = r#"{"data":{"ttl":0,"renewable":false}}"#;

/// Knows the token, and answers everything else with `reply`.
async fn answering(reply: Reply) -> StandIn {
    StandIn::start(move |heard| match heard.is("lookup-self") {
        true => says(200, SELF),
        false => reply.clone(),
    })
    .await
}

fn wrapped() -> Wrapped {
    Wrapped {
        kek: "openbao:transit/root:v3".to_owned(),
        bytes: b"vault:v3:AAAA".to_vec(),
    }
}

fn key(change: impl Fn(&mut Value)) -> String {
    let mut key = json!({"data": {"type": "aes256-gcm96", "derived": false, "keys": {"2": 1_795_366_914, "3": 1_795_366_914},
        "latest_version": 3, "min_decryption_version": 2, "min_available_version": 1, "soft_deleted": false}});
    change(&mut key["data"]);
    key.to_string()
}

#[tokio::test]
async fn what_every_service_may_answer_is_understood() {
    for (reply, word) in everywhere() {
        let there = answering(reply.clone()).await;
        let bao = with_token(there.url.clone());
        for (call, error) in each_call(&bao.keys("transit", "root").unwrap(), &wrapped()).await {
            assert_eq!(key_word(&error.unwrap()), word, "{call}: {reply:?}");
        }
        assert_eq!(got(&bao.secrets(), "kv/a/b#field", None).await, word, "{reply:?}");
        assert!(there.heard("elsewhere").is_empty());
        for heard in there.heard("") {
            assert_eq!(heard.header("x-vault-token"), Some(CANARY));
            assert_eq!(heard.header("x-vault-namespace"), Some("team/a"));
        }
    }
    let gone = with_token("http://127.0.0.1:9".parse().unwrap());
    assert_eq!(wraps(&gone.keys("transit", "root").unwrap()).await, "down");
}

#[tokio::test]
async fn refusals_of_the_transit_engine_are_told_apart() {
    for (error, word) in [
        ("cipher: message authentication failed", "wrong-key"),
        ("invalid ciphertext: no prefix", "wrong-key"),
        (
            "ciphertext or signature version is disallowed by policy (too old)",
            "revoked",
        ),
        ("encryption key not found", "no-key"),
        ("something new", "strange"),
    ] {
        let there = answering(says(400, json!({"errors": [error]}).to_string())).await;
        let keys = with_token(there.url.clone()).keys("transit", "root").unwrap();
        assert_eq!(unwrapped(&keys, &wrapped()).await, word, "{error}");
    }
    let there = answering(says(404, r#"{"errors":[]}"#)).await;
    let keys = with_token(there.url.clone()).keys("transit", "root").unwrap();
    assert_eq!(wraps(&keys).await, "no-key");
    assert!(there.heard("/encrypt/").is_empty(), "OpenBao would have made a key");
}

#[tokio::test]
async fn a_key_of_an_unfit_kind_is_not_used() {
    for (name, value, word) in [
        ("type", json!("aes128-gcm96"), "unsupported"),
        ("type", json!("rsa-4096"), "unsupported"),
        ("derived", json!(true), "unsupported"),
        ("soft_deleted", json!(true), "revoked"),
    ] {
        let there = answering(says(200, key(|key| key[name] = value.clone()))).await;
        let keys = with_token(there.url.clone()).keys("transit", "root").unwrap();
        assert_eq!(wraps(&keys).await, word, "{name} {value}");
    }
}

#[tokio::test]
async fn a_row_does_not_choose_another_key_or_version() {
    let there = answering(says(
        200,
        json!({"data": {"plaintext": BASE64.encode(&[7; 32])}}).to_string(),
    ))
    .await;
    let keys = with_token(there.url.clone()).keys("transit", "root").unwrap();
    assert_eq!(unwrapped(&keys, &wrapped()).await, "ok");
    let asked = there.heard("").len();
    for (kek, bytes) in [
        ("openbao:transit/other:v3", "vault:v3:AAAA"),
        ("openbao:transit/root:v2", "vault:v3:AAAA"),
        ("openbao:transit/root:v03", "vault:v03:AAAA"),
        ("openbao:transit/root:v3", "vault:vx:AAAA"),
        ("openbao:transit/root:v3", "AAAA"),
        ("0011223344556677", "vault:v3:AAAA"),
    ] {
        let (kek, bytes) = (kek.to_owned(), bytes.as_bytes().to_vec());
        assert_eq!(unwrapped(&keys, &Wrapped { kek, bytes }).await, "wrong-key");
    }
    assert_eq!(there.heard("").len(), asked, "none of them is sent");
}

#[tokio::test]
async fn an_opened_key_has_32_bytes() {
    for (plaintext, word) in [(BASE64.encode(&[7; 31]), "wrong-key"), ("!".to_owned(), "strange")] {
        let there = answering(says(200, json!({"data": {"plaintext": plaintext}}).to_string())).await;
        let keys = with_token(there.url.clone()).keys("transit", "root").unwrap();
        assert_eq!(unwrapped(&keys, &wrapped()).await, word);
    }
}

fn secret(fields: Value, deleted: &str, destroyed: bool) -> String {
    json!({"data": {"data": fields, "metadata": {"version": 4, "deletion_time": deleted, "destroyed": destroyed}}})
        .to_string()
}

#[tokio::test]
async fn answers_of_the_kv_engine_are_told_apart() {
    let large = "x".repeat(65_537);
    for (reply, word) in [
        (says(200, secret(json!({"field": CANARY}), "", false)), "ok"),
        (says(200, secret(json!({"other": CANARY}), "", false)), "not-found"),
        (says(200, secret(json!({"field": 5}), "", false)), "unusable"),
        (
            says(200, secret(json!({"field": {"x": CANARY}}), "", false)),
            "unusable",
        ),
        (says(200, secret(json!({"field": ""}), "", false)), "unusable"),
        (says(200, secret(json!({"field": large}), "", false)), "unusable"),
        // All of it would be understood, were there not so much of it.
        (
            says(
                200,
                secret(json!({"field": CANARY, "pad": "x".repeat(300 * 1024)}), "", false),
            ),
            "strange",
        ),
        (says(200, json!({"data": {"field": CANARY}}).to_string()), "strange"),
        (says(404, secret(Value::Null, "2026-11-22T17:01:54Z", false)), "revoked"),
        (says(404, secret(Value::Null, "", true)), "revoked"),
        (says(404, r#"{"errors":[]}"#), "not-found"),
    ] {
        let there = answering(reply.clone()).await;
        let store = with_token(there.url.clone()).secrets();
        assert_eq!(got(&store, "kv/a b/c#field", Some("4")).await, word, "{reply:?}");
        assert_eq!(there.heard("GET /v1/kv/data/a%20b/c?version=4 ").len(), 1);
    }
}

#[tokio::test]
async fn a_name_stays_below_its_mount() {
    let there = answering(says(200, secret(json!({"field": CANARY}), "", false))).await;
    let store = with_token(there.url.clone()).secrets();
    for name in [
        "",
        "kv",
        "kv#field",
        "kv/a",
        "kv/a#",
        "/kv/a#f",
        "kv/../sys#f",
        "kv//a#f",
    ] {
        assert_eq!(got(&store, name, None).await, "unusable", "{name}");
    }
    for version in ["0", "-1", "x", "1&x=2"] {
        assert_eq!(got(&store, "kv/a#field", Some(version)).await, "not-found", "{version}");
    }
    assert!(there.heard("").is_empty());
}
