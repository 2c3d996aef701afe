//! Judges that nobody here wrote, fetched once and kept beside the other build products.
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::Mutex,
};

/// The OpenID provider and its exact version.
const PROVIDER: &str = "oidc-provider@9.13.3";
/// Where it sends people back to.
pub const REDIRECT: &str = "https://gw.example/v1/auth/sso/callback";

#[expect(
    clippy::disallowed_methods,
    reason = "where a judge is missing, only the runner of the tests knows whether that is a failure"
)]
fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}

/// Where judges are kept.
pub fn home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("the target directory")
        .join("judges")
}

/// Says that `what` can't be had here; a failure in CI.
pub fn missing(what: &str) {
    assert!(!in_ci(), "{what} can't be installed");
    println!("{what} can't be installed here: not judged");
}

/// The folder of node_modules with the provider.
async fn modules() -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _alone = ONE_AT_A_TIME.lock().await;
    // A folder of its own: npm removes what another test's package.json does not name.
    let root = home().join("oidc");
    let found = || {
        let manifest = std::fs::read_to_string(root.join("node_modules/oidc-provider/package.json")).ok()?;
        manifest
            .contains(&format!("\"version\": \"{}\"", PROVIDER.rsplit('@').next()?))
            .then(|| root.join("node_modules"))
    };
    if let Some(found) = found() {
        return Some(found);
    }
    // Tests run as processes of their own: each installs aside, and whoever is first moves it into place.
    std::fs::create_dir_all(&root).unwrap();
    let aside = tempfile::tempdir_in(home()).unwrap();
    let npm = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(aside.path())
        .arg(PROVIDER)
        .output()
        .await;
    if npm.is_ok_and(|npm| npm.status.success()) {
        let _another_was_first = std::fs::rename(aside.path().join("node_modules"), root.join("node_modules"));
    }
    found()
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

/// The SCIM judge and its exact version.
const SCIM: &str = "scim2-tester==0.5.2";

/// A Python with the SCIM judge.
pub struct Python {
    /// The interpreter.
    pub interpreter: &'static str,
    /// Where its packages are.
    pub packages: PathBuf,
}

/// Fetches the SCIM judge; `None`, with a word, where there is no Python for it.
pub async fn scim_tester() -> Option<Python> {
    let packages = home().join("scim");
    let python = || Python {
        interpreter: "python3",
        packages: packages.clone(),
    };
    if packages.join("scim2_tester").is_dir() {
        return Some(python());
    }
    std::fs::create_dir_all(home()).unwrap();
    let aside = tempfile::tempdir_in(home()).unwrap();
    let pip = Command::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--target",
        ])
        .arg(aside.path().join("scim"))
        .args([SCIM, "scim2-client[httpx2]"])
        .output()
        .await;
    if pip.is_ok_and(|pip| pip.status.success()) {
        let _another_was_first = std::fs::rename(aside.path().join("scim"), &packages);
    }
    if packages.join("scim2_tester").is_dir() {
        Some(python())
    } else {
        missing(SCIM);
        None
    }
}
