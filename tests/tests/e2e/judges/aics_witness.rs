//! aics-witness: a witness that nobody here wrote, over HTTP, with a database of its own.
use std::{path::PathBuf, process::Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::install::installed;

/// The judge and its exact version.
pub const PACKAGE: &str = "aics-witness==0.1.0";

/// Fetches it. Like aics-tlog it works with the Python of Debian 12.
pub async fn packages() -> Option<PathBuf> {
    let all = "python3 -m pip install --quiet --disable-pip-version-check --target \"$1\" 'cryptography>=50' && \
        python3 -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --target \"$1\" \"$2\" \"$3\"";
    installed(PACKAGE, "aics_witness/__init__.py", |aside| {
        let mut pip = Command::new("sh");
        pip.args(["-c", all, "sh"])
            .arg(aside)
            .arg(super::aics::PACKAGE)
            .arg(PACKAGE);
        pip
    })
    .await
}

/// A running one.
pub struct AicsWitness {
    _child: Child,
    home: TempDir,
    packages: PathBuf,
    pub url: String,
    pub vkey: String,
}

impl AicsWitness {
    /// Starts one that trusts the log `vkey`.
    pub async fn start(packages: PathBuf, vkey: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let origin = vkey.split('+').next().unwrap();
        let said = told(&packages, &home, &["init", "--name", "witness.example/aics"]).await;
        let own = said
            .lines()
            .find(|line| line.starts_with("witness.example/aics+"))
            .unwrap()
            .to_owned();
        told(&packages, &home, &["add-log", "--origin", origin, "--vkey", vkey]).await;
        let mut child = command(&packages, &home, &["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = loop {
            let line = lines.next_line().await.unwrap().expect("it says where it listens");
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split(' ').next().unwrap().to_owned();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            _child: child,
            home,
            packages,
            url,
            vkey: own,
        }
    }

    /// The requests that it kept because they contradict what it had cosigned.
    pub async fn evidence(&self) -> Value {
        serde_json::from_str(&told(&self.packages, &self.home, &["evidence"]).await).unwrap()
    }
}

fn command(packages: &PathBuf, home: &TempDir, arguments: &[&str]) -> Command {
    let mut python = Command::new("python3");
    python.args(["-m", "aics_witness"]).args(arguments);
    python
        .env("PYTHONPATH", packages)
        .env("AICS_WITNESS_CONFIG", home.path().join("witness.json"));
    python
}

async fn told(packages: &PathBuf, home: &TempDir, arguments: &[&str]) -> String {
    let out = command(packages, home, arguments).output().await.unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}
