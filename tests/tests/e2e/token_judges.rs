//! Two JWT libraries of other people, in other languages, against the published keys of the real binary.
use std::{path::PathBuf, process::Stdio};

use keepgate_tests::{PASSWORD, Server, b64, eventually, jwt_part, unb64};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::judges::{home, missing};

const JOSE: &str = "jose@6.2.17";
const PYJWT: [&str; 2] = ["PyJWT==2.15.1", "cryptography>=44"];

/// Runs an installer once into a folder of its own; that folder, if it is there afterwards.
async fn installed(name: &str, proof: &str, mut installer: impl FnMut(&std::path::Path) -> Command) -> Option<PathBuf> {
    let root = home().join(name);
    if root.join(proof).exists() {
        return Some(root);
    }
    std::fs::create_dir_all(home()).unwrap();
    let aside = tempfile::tempdir_in(home()).unwrap();
    let done = installer(aside.path()).output().await;
    if done.is_ok_and(|done| done.status.success()) {
        let _another_was_first = std::fs::rename(aside.path(), &root);
    }
    root.join(proof).exists().then_some(root)
}

async fn judge(mut command: Command, asked: &Value) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(asked.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let out = child.wait_with_output().await.unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

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
    let found = installed("jose", "node_modules/jose/package.json", |aside| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        npm.arg(aside).arg(JOSE);
        npm
    });
    let Some(root) = found.await else { return missing(JOSE) };
    let server = Server::start().await;
    let (asked, right) = asked(&server).await;
    let mut node = Command::new("node");
    node.arg(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/jose.mjs"));
    node.arg(root.join("node_modules"))
        .env("NODE_EXTRA_CA_CERTS", server.ca_cert());
    assert_eq!(judge(node, &asked).await, right);
}

#[tokio::test]
async fn pyjwt_believes_our_tokens_and_no_forged_one() {
    let found = installed("pyjwt", "jwt/__init__.py", |aside| {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--target",
        ]);
        pip.arg(aside).args(PYJWT);
        pip
    });
    let Some(root) = found.await else {
        return missing(PYJWT[0]);
    };
    let server = Server::start().await;
    let (asked, right) = asked(&server).await;
    let mut python = Command::new("python3");
    python.arg(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/pyjwt.py"));
    python.env("PYTHONPATH", root);
    assert_eq!(judge(python, &asked).await, right);
}
