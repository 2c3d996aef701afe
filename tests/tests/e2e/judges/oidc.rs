//! An OpenID provider.
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{installed, missing, npm};

/// The OpenID provider and its exact version.
const PROVIDER: &str = "oidc-provider@9.13.3";
/// Where it sends people back to.
pub const REDIRECT: &str = "https://gw.example/v1/auth/sso/callback";

/// The folder of node_modules with the provider. A folder of its own for each version: npm removes what another package does not name.
async fn modules() -> Option<PathBuf> {
    let root = installed(PROVIDER, "node_modules/oidc-provider/package.json", |aside| {
        npm(aside, PROVIDER)
    });
    root.await.map(|root| root.join("node_modules"))
}

/// Two OpenID providers on loopback with the same people; gone when dropped.
pub struct Providers {
    /// Their issuers.
    pub issuers: [String; 2],
    _child: Child,
}

/// Starts them; `None`, with a word, where there is no npm.
pub async fn providers() -> Option<Providers> {
    let Some(modules) = modules().await else {
        missing(PROVIDER);
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/op.mjs");
    let mut child = Command::new("node")
        .arg(script)
        .arg(modules)
        .arg(REDIRECT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("node starts");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Ok(told) = serde_json::from_str::<Value>(&line) {
                return told;
            }
        }
        panic!("the providers ended instead");
    };
    let told = tokio::time::timeout(std::time::Duration::from_secs(60), ready)
        .await
        .expect("they get ready in time");
    let issuers = [0, 1].map(|index| told["issuers"][index].as_str().unwrap().to_owned());
    Some(Providers { issuers, _child: child })
}
