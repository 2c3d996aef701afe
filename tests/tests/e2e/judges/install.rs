//! Judges are fetched once and kept beside the other build products.
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

#[expect(
    clippy::disallowed_methods,
    reason = "where a judge is missing, only the runner of the tests knows whether that is a failure"
)]
fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}

/// Where judges are kept.
fn home() -> PathBuf {
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

/// Runs an installer once into a folder of its own; that folder, if it is there afterwards.
pub async fn installed(name: &str, proof: &str, installer: impl FnOnce(&Path) -> Command) -> Option<PathBuf> {
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

/// Hands `asked` to a judge as JSON, and reads its verdict.
pub async fn ask(mut command: Command, asked: &Value) -> Value {
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

/// Runs `npm install` of `package` into a folder.
pub fn npm(into: &Path, package: &str) -> Command {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
    npm.arg(into).arg(package);
    npm
}

/// Runs `pip install` of `packages` into a folder.
pub fn pip(into: &Path, packages: &[&str]) -> Command {
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--target",
    ]);
    pip.arg(into).args(packages);
    pip
}
