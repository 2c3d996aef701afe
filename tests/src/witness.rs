//! A witness of the binary under test: a process of its own, with a directory of its own.
use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Child;

use crate::process::keepgate;

/// A running `keepgate witness`, which ends with this.
pub struct WitnessProcess {
    child: Child,
    pub home: TempDir,
    pub url: String,
    /// Its verifier keys: Ed25519, ML-DSA-44.
    pub keys: [String; 2],
}

impl WitnessProcess {
    /// Its name.
    pub const NAME: &'static str = "witness.example/w1";

    /// The arguments of one in `home` that watches the log with the key `vkey`.
    pub fn arguments(home: &TempDir, vkey: &str) -> Vec<String> {
        let dir = home.path().join("witness").to_str().unwrap().to_owned();
        let ready = home.path().join("ready.json").to_str().unwrap().to_owned();
        [
            "witness",
            "--dir",
            &dir,
            "--name",
            Self::NAME,
            "--log",
            vkey,
            "--ready-file",
            &ready,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// Where the file with its key is.
    pub fn key_file(home: &TempDir) -> PathBuf {
        home.path().join("witness/key")
    }

    /// Starts one and waits until it serves.
    pub async fn start(home: TempDir, vkey: &str) -> Self {
        Self::start_with(home, vkey, &[]).await
    }

    /// The same over TLS, for several logs.
    pub async fn start_tls(home: TempDir, vkeys: &[&str], cert: &str, key: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let (cert_file, key_file) = (home.path().join("tls.pem"), home.path().join("tls.key"));
        std::fs::write(&cert_file, cert).unwrap();
        std::fs::write(&key_file, key).unwrap();
        std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut more = vec![
            "--tls-cert".to_owned(),
            cert_file.to_str().unwrap().to_owned(),
            "--tls-key".to_owned(),
            key_file.to_str().unwrap().to_owned(),
        ];
        for vkey in &vkeys[1..] {
            more.extend(["--log".to_owned(), (*vkey).to_owned()]);
        }
        Self::start_with(home, vkeys[0], &more).await
    }

    async fn start_with(home: TempDir, vkey: &str, more: &[String]) -> Self {
        let ready = home.path().join("ready.json");
        let _none = std::fs::remove_file(&ready);
        let child = keepgate()
            .args(Self::arguments(&home, vkey))
            .args(["--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts; `cargo xtask test` builds it");
        let started = Instant::now();
        while !ready.exists() {
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "the witness was not ready in time"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let told: Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
        Self {
            child,
            home,
            url: told["url"].as_str().unwrap().to_owned(),
            keys: [0, 1].map(|nth| told["keys"][nth].as_str().unwrap().to_owned()),
        }
    }

    /// Kills it as a power cut would, and starts it again.
    pub async fn kill_and_start(mut self, vkey: &str) -> Self {
        self.child.kill().await.unwrap();
        Self::start(self.home, vkey).await
    }

    /// `add-checkpoint`: status, media type, body.
    pub async fn add_checkpoint(&self, body: &str) -> (u16, String, String) {
        let reply = client()
            .post(format!("{}/add-checkpoint", self.url))
            .body(body.to_owned())
            .send();
        told(reply.await.unwrap()).await
    }

    /// The last cosigned checkpoint of a log.
    pub async fn checkpoint(&self, origin_hash: &str) -> (u16, String, String) {
        let reply = client().get(format!("{}/{origin_hash}/checkpoint", self.url)).send();
        told(reply.await.unwrap()).await
    }
}

async fn told(reply: reqwest::Response) -> (u16, String, String) {
    let media = reply
        .headers()
        .get("content-type")
        .map(|media| media.to_str().unwrap().to_owned());
    (
        reply.status().as_u16(),
        media.unwrap_or_default(),
        reply.text().await.unwrap(),
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "it talks to the witness under test and to nobody else"
)]
fn client() -> Client {
    Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}
