//! moto: AWS as its own SDK knows it.
use std::path::{Path, PathBuf};

use tokio::process::{Child, Command};

use super::{
    install::{installed, missing, pip},
    processes::{free_port, listens, quiet},
};

/// The judge and its exact version.
const MOTO: &str = "moto==5.2.5";

/// moto with what it needs to serve, and botocore; `None`, with a word, where it can't be had.
pub async fn moto() -> Option<PathBuf> {
    let packages = installed(MOTO, "moto", |aside| {
        pip(aside, &["moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.2"])
    })
    .await;
    if packages.is_none() {
        missing(MOTO);
    }
    packages
}

/// Starts it; its port.
pub async fn moto_server(packages: &Path) -> (Child, u16) {
    let port = free_port();
    let mut command = Command::new("python3");
    command
        .env("PYTHONPATH", packages)
        .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
    let child = quiet(command);
    listens(port).await;
    (child, port)
}
