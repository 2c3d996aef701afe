//! OpenBao itself.
use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use keepgate_crypto_keys::{
    KeyContext, KeyService, KeyServiceError, RootState, SecretError, SecretStore,
    testing::{KeyServiceTraits, SecretKeeper, a_key_service, a_secret_store},
};
use keepgate_key_services::openbao::{self as adapter, Auth, Settings};
use keepgate_outward::Trust;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::{LIMITS, openbao::OpenBao};

/// The policy of the documentation, so that it is tried.
const POLICY: &str = include_str!("../../../docs/security/openbao.hcl");

fn client(bao: &OpenBao, auth: Auth) -> Arc<adapter::OpenBao> {
    adapter::OpenBao::new(Settings {
        url: bao.url.parse().unwrap(),
        trust: Trust::from_pem(Some(&bao.ca_pem)).unwrap(),
        namespace: None,
        auth,
        limits: LIMITS,
    })
    .unwrap()
}

async fn with_policy(bao: &OpenBao) -> Arc<adapter::OpenBao> {
    client(bao, Auth::Token(SecretString::from(bao.token(POLICY).await).into()))
}

struct Keeper<'a>(&'a OpenBao);

#[async_trait]
impl SecretKeeper for Keeper<'_> {
    fn name(&self) -> String {
        "secret/keepgate/a b/c#word".to_owned()
    }

    fn nowhere(&self) -> String {
        "secret/keepgate/nowhere#word".to_owned()
    }

    fn never(&self) -> String {
        "99".to_owned()
    }

    async fn put(&self, value: &str) {
        self.0.put("keepgate/a%20b/c", json!({"word": value, "other": 1})).await;
    }
}

#[tokio::test]
async fn openbao_keeps_to_the_contract_under_the_documented_policy() {
    let Some(bao) = OpenBao::start().await else { return };
    bao.admin("POST", "transit/keys/keepgate", json!({})).await;
    let client = with_policy(&bao).await;
    a_key_service(
        &client.keys("transit", "keepgate").unwrap(),
        KeyServiceTraits::default(),
    )
    .await;
    a_secret_store(&client.secrets(), &Keeper(&bao)).await;
    // What the policy does not name is denied, and an unknown key is not made.
    let other = client.keys("transit", "other").unwrap();
    let context = KeyContext::new("dek", b"o", 1);
    assert!(matches!(
        other.wrap(&context, &[7; 32]).await,
        Err(KeyServiceError::Denied(_))
    ));
    let denied = client.secrets().get("secret/elsewhere#word", None).await;
    assert!(matches!(denied, Err(SecretError::Denied(_))), "{denied:?}");
    let listed = bao.admin("LIST", "transit/keys", Value::Null).await;
    assert_eq!(listed["data"]["keys"], json!(["keepgate"]));
    // Another authority is not believed.
    let stranger = adapter::OpenBao::new(Settings {
        url: bao.url.parse().unwrap(),
        trust: Trust::Public,
        namespace: None,
        auth: Auth::Token(SecretString::from("x").into()),
        limits: LIMITS,
    });
    let stranger = stranger.unwrap().secrets().get("secret/keepgate/x#y", None).await;
    assert!(matches!(stranger, Err(SecretError::Down(_))), "{stranger:?}");
}

#[tokio::test]
async fn openbao_s_versions_that_were_withdrawn_do_not_open() {
    let Some(bao) = OpenBao::start().await else { return };
    bao.admin("POST", "transit/keys/keepgate", json!({"type": "chacha20-poly1305"}))
        .await;
    let client = with_policy(&bao).await;
    let keys = client.keys("transit", "keepgate").unwrap();
    let context = KeyContext::new("dek", b"o", 1);
    let old = keys.wrap(&context, &[7; 32]).await.unwrap();
    keys.rotate().await.unwrap();
    bao.admin(
        "POST",
        "transit/keys/keepgate/config",
        json!({"min_decryption_version": 2}),
    )
    .await;
    let state = async || {
        let told = keys.describe().await.unwrap();
        told.versions
            .iter()
            .find(|version| version.kek == old.kek)
            .unwrap()
            .state
    };
    let opened = keys.unwrap(&context, &old).await;
    assert!(matches!(opened, Err(KeyServiceError::Revoked)), "{opened:?}");
    assert_eq!(state().await, RootState::Suspended);
    // Until somebody allows it again, …
    bao.admin(
        "POST",
        "transit/keys/keepgate/config",
        json!({"min_decryption_version": 1}),
    )
    .await;
    assert_eq!(*keys.unwrap(&context, &old).await.unwrap(), [7; 32]);
    // … or trims it away.
    let least = json!({"min_decryption_version": 2, "min_encryption_version": 2});
    bao.admin("POST", "transit/keys/keepgate/config", least).await;
    bao.admin(
        "POST",
        "transit/keys/keepgate/trim",
        json!({"min_available_version": 2}),
    )
    .await;
    let opened = keys.unwrap(&context, &old).await;
    assert!(matches!(opened, Err(KeyServiceError::Revoked)), "{opened:?}");
    assert_eq!(state().await, RootState::Destroyed);
    // Deleted and made anew under its name, it is another key.
    let new = keys.wrap(&context, &[7; 32]).await.unwrap();
    bao.admin(
        "POST",
        "transit/keys/keepgate/config",
        json!({"deletion_allowed": true}),
    )
    .await;
    bao.admin("DELETE", "transit/keys/keepgate", Value::Null).await;
    assert!(matches!(keys.unwrap(&context, &new).await, Err(KeyServiceError::NoKey)));
    assert!(matches!(keys.describe().await, Err(KeyServiceError::NoKey)));
    assert!(matches!(
        keys.wrap(&context, &[7; 32]).await,
        Err(KeyServiceError::NoKey)
    ));
    bao.admin("POST", "transit/keys/keepgate", json!({"type": "chacha20-poly1305"}))
        .await;
    bao.admin("POST", "transit/keys/keepgate/rotate", json!({})).await;
    assert!(matches!(
        keys.unwrap(&context, &new).await,
        Err(KeyServiceError::WrongKey)
    ));
}

#[tokio::test]
async fn openbao_s_secrets_that_were_deleted_are_not_used() {
    let Some(bao) = OpenBao::start().await else { return };
    let store = with_policy(&bao).await.secrets();
    for word in ["one", "two", "three"] {
        bao.put("keepgate/a", json!({"word": word})).await;
    }
    bao.admin("POST", "secret/delete/keepgate/a", json!({"versions": [1]}))
        .await;
    bao.admin("POST", "secret/destroy/keepgate/a", json!({"versions": [2]}))
        .await;
    for version in ["1", "2"] {
        let answer = store.get("secret/keepgate/a#word", Some(version)).await;
        assert!(matches!(answer, Err(SecretError::Revoked)), "{version}: {answer:?}");
    }
    assert_eq!(store.get("secret/keepgate/a#word", None).await.unwrap().version, "3");
    bao.admin("DELETE", "secret/data/keepgate/a", Value::Null).await;
    let answer = store.get("secret/keepgate/a#word", None).await;
    assert!(matches!(answer, Err(SecretError::Revoked)), "{answer:?}");
    let unmounted = store.get("secret2/keepgate/a#word", None).await;
    assert!(matches!(unmounted, Err(SecretError::Denied(_))), "{unmounted:?}");
}

/// Reads a secret as often as it takes to outlive two leases of two seconds.
async fn outlives_its_lease(store: &dyn SecretStore) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while std::time::Instant::now() < until {
        store.get("secret/keepgate/a#word", None).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn openbao_lets_us_in_by_a_role_and_by_a_signed_token() {
    let Some(bao) = OpenBao::start().await else { return };
    bao.token(POLICY).await;
    bao.put("keepgate/a", json!({"word": "x"})).await;
    bao.admin("POST", "sys/auth/approle", json!({"type": "approle"})).await;
    let role = json!({"token_policies": ["keepgate"], "token_ttl": "2s", "token_max_ttl": "3s"});
    bao.admin("POST", "auth/approle/role/keepgate", role).await;
    let role_id = bao
        .admin("GET", "auth/approle/role/keepgate/role-id", Value::Null)
        .await;
    let secret_id = bao
        .admin("POST", "auth/approle/role/keepgate/secret-id", json!({}))
        .await;
    let by_role = |secret_id: &str| Auth::AppRole {
        mount: "approle".to_owned(),
        role_id: role_id["data"]["role_id"].as_str().unwrap().to_owned(),
        secret_id: SecretString::from(secret_id).into(),
    };
    let wrong = client(&bao, by_role("wrong"))
        .secrets()
        .get("secret/keepgate/a#word", None)
        .await;
    assert!(matches!(wrong, Err(SecretError::Denied(_))), "{wrong:?}");
    let store = client(&bao, by_role(secret_id["data"]["secret_id"].as_str().unwrap())).secrets();
    outlives_its_lease(&store).await;
    // Everything the role ever got is revoked: a new session takes over.
    bao.admin("PUT", "sys/leases/revoke-prefix/auth/approle/login", json!({}))
        .await;
    store.get("secret/keepgate/a#word", None).await.unwrap();

    let key = Ed25519KeyPair::generate().unwrap();
    let spki = [
        &data_encoding::HEXLOWER.decode(b"302a300506032b6570032100").unwrap(),
        key.public_key().as_ref(),
    ]
    .concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        BASE64.encode(&spki)
    );
    bao.admin("POST", "sys/auth/jwt", json!({"type": "jwt"})).await;
    let config = json!({"jwt_validation_pubkeys": [pem], "jwt_supported_algs": ["EdDSA"]});
    bao.admin("POST", "auth/jwt/config", config).await;
    let role = json!({"role_type": "jwt", "bound_audiences": ["bao"], "bound_subject": "system:serviceaccount:kg:keepgate",
        "user_claim": "sub", "token_policies": ["keepgate"], "token_ttl": "1h"});
    bao.admin("POST", "auth/jwt/role/keepgate", role).await;
    let jwt = |subject: &str| {
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let claims = json!({"aud": "bao", "sub": subject, "iat": now, "nbf": now - 1, "exp": now + 300});
        let text = format!("{}.{}", part(json!({"alg": "EdDSA", "typ": "JWT"})), part(claims));
        let signature = BASE64URL_NOPAD.encode(key.sign(text.as_bytes()).as_ref());
        Auth::Jwt {
            mount: "jwt".to_owned(),
            role: "keepgate".to_owned(),
            jwt: SecretString::from(format!("{text}.{signature}")).into(),
        }
    };
    let store = client(&bao, jwt("system:serviceaccount:kg:keepgate")).secrets();
    store.get("secret/keepgate/a#word", None).await.unwrap();
    let other = client(&bao, jwt("system:serviceaccount:kg:other")).secrets();
    let denied = other.get("secret/keepgate/a#word", None).await;
    assert!(matches!(denied, Err(SecretError::Denied(_))), "{denied:?}");
}
