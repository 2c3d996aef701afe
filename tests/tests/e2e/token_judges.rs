//! Two JWT libraries of other people, in other languages, against the published keys of the real binary.
use keepgate_tests::{PASSWORD, Server, b64, eventually, jwt_part, unb64};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::judges::{ask, installed, missing, npm, pip};

const JOSE: &str = "jose@6.2.17";
const PYJWT: [&str; 2] = ["PyJWT==2.15.1", "cryptography>=44"];

/// Tokens of the former and the present key, and what was made of one of them.
async fn asked(server: &Server) -> (Value, Value) {
    let (owner, admin) = (server.owner().await, server.admin().await);
    let ann = server.person(&owner, 2).await;
    server
        .post("/v1/signing-keys:rotate", &admin, json!({"emergency": true}))
        .await
        .expect(200);
    let first = jwt_part(&ann.token, 0)["kid"].clone();
    let second = eventually("the ring turns", || async {
        let token = server
            .login(&ann.email, PASSWORD)
            .await
            .expect(200)
            .field("access_token");
        (jwt_part(&token, 0)["kid"] != first).then_some(token)
    })
    .await;
    let parts: Vec<&str> = second.split('.').collect();
    let with = |nth: usize, name: &str, value: Value| {
        let mut part = jwt_part(&second, nth);
        part[name] = value;
        b64(part.to_string().as_bytes())
    };
    let mut flipped = unb64(parts[2]);
    flipped[0] ^= 1;
    let tokens = json!({
        "former key": ann.token,
        "present key": second,
        "higher level": format!("{}.{}.{}", parts[0], with(1, "lvl", json!(7)), parts[2]),
        "flipped signature": format!("{}.{}.{}", parts[0], parts[1], b64(&flipped)),
        "other key's name": format!("{}.{}.{}", with(0, "kid", first), parts[1], parts[2]),
        "unknown key": format!("{}.{}.{}", with(0, "kid", json!("nobody")), parts[1], parts[2]),
        "no signature": format!("{}.{}.", with(0, "alg", json!("none")), parts[1]),
    });
    let claims = jwt_part(&second, 1);
    let asked = json!({
        "jwks": server.url("/.well-known/jwks.json"), "ca": server.ca_cert(),
        "issuer": claims["iss"], "audience": claims["aud"], "tokens": tokens,
    });
    let mut right = json!({"former key": ann.id, "present key": ann.id});
    for forged in [
        "higher level",
        "flipped signature",
        "other key's name",
        "unknown key",
        "no signature",
    ] {
        right[forged] = Value::Null;
    }
    (asked, right)
}

#[tokio::test]
async fn jose_believes_our_tokens_and_no_forged_one() {
    let found = installed("jose", "node_modules/jose/package.json", |aside| npm(aside, JOSE));
    let Some(root) = found.await else { return missing(JOSE) };
    let server = Server::start().await;
    let (asked, right) = asked(&server).await;
    let mut node = Command::new("node");
    node.arg(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/jose.mjs"));
    node.arg(root.join("node_modules"))
        .env("NODE_EXTRA_CA_CERTS", server.ca_cert());
    assert_eq!(ask(node, &asked).await, right);
}

#[tokio::test]
async fn pyjwt_believes_our_tokens_and_no_forged_one() {
    let found = installed("pyjwt", "jwt/__init__.py", |aside| pip(aside, &PYJWT));
    let Some(root) = found.await else {
        return missing(PYJWT[0]);
    };
    let server = Server::start().await;
    let (asked, right) = asked(&server).await;
    let mut python = Command::new("python3");
    python.arg(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/pyjwt.py"));
    python.env("PYTHONPATH", root);
    assert_eq!(ask(python, &asked).await, right);
}
