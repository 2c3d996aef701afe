//! A running service.
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use reqwest::{Certificate, Client, Method};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::Reply;

/// The binary under test.
#[expect(clippy::disallowed_methods, reason = "the test runner names the binary in the environment")]
pub fn binary() -> PathBuf {
    std::env::var_os("KEEPGATE_BIN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/keepgate"),
        PathBuf::from,
    )
}

/// What a test wants different.
#[derive(Default, Clone)]
pub struct Options {
    /// More lines of the configuration file.
    pub config: String,
}

pub struct Server {
    pub dir: tempfile::TempDir,
    pub info: Value,
    /// The `bootstrap` part of the very first ready file.
    pub boot: Value,
    options: Options,
    child: Child,
    client: Client,
    ready_after: Duration,
}

fn scratch() -> tempfile::TempDir {
    let home = if Path::new("/dev/shm").is_dir() { PathBuf::from("/dev/shm") } else { std::env::temp_dir() };
    let dir = tempfile::Builder::new().prefix("kge").tempdir_in(home).unwrap();
    // The database server runs as another user when the tests run as root.
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let dir = scratch();
        let (child, info, ready_after) = spawn(dir.path(), &options).await;
        let client = client(&info);
        let boot = info["bootstrap"].clone();
        assert!(boot.is_object(), "the first start tells the bootstrap secrets: {info}");
        Self { dir, info, boot, options, child, client, ready_after }
    }

    /// Starts again on the same data directory.
    pub async fn start_again(&mut self) {
        let (child, info, ready_after) = spawn(self.dir.path(), &self.options).await;
        assert!(info.get("bootstrap").is_none(), "the secrets are told once");
        self.client = client(&info);
        (self.child, self.info, self.ready_after) = (child, info, ready_after);
    }

    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id().expect("the service runs")).unwrap()).unwrap()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// What it printed on standard output.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("out")).unwrap_or_default()
    }

    /// SIGTERM, and the exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        kill_process(self.pid(), Signal::TERM).unwrap();
        self.child.wait().await.unwrap().code()
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// The postmaster of its embedded database.
    pub fn postmaster(&self) -> Option<Pid> {
        let file = find(&self.data_dir(), "postmaster.pid")?;
        Pid::from_raw(std::fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()?)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.info["url"].as_str().unwrap())
    }

    pub fn admin_url(&self, path: &str) -> String {
        format!("{}{path}", self.info["admin_url"].as_str().unwrap())
    }

    /// A client that trusts the service's certificate and nothing else.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    pub async fn raw(&self, method: Method, url: &str, bearer: Option<&str>, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> Reply {
        self.attempt(method, url, bearer, headers, body).await.expect("the service answers")
    }

    /// As [`Server::raw`], for when the service may be gone.
    pub async fn attempt(&self, method: Method, url: &str, bearer: Option<&str>, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> reqwest::Result<Reply> {
        let mut request = self.client.request(method, url);
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply { status, headers, body: response.bytes().await?.to_vec() })
    }

    pub async fn get(&self, path: &str, bearer: &str) -> Reply {
        self.raw(Method::GET, &self.url(path), Some(bearer), &[], None).await
    }

    pub async fn delete(&self, path: &str, bearer: &str) -> Reply {
        self.raw(Method::DELETE, &self.url(path), Some(bearer), &[], None).await
    }

    pub async fn send(&self, method: Method, path: &str, bearer: Option<&str>, headers: &[(&str, &str)], body: &Value) -> Reply {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.raw(method, &self.url(path), bearer, &headers, Some(body.to_string().into_bytes())).await
    }

    pub async fn post(&self, path: &str, bearer: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(bearer), &[], &body).await
    }

    pub async fn put(&self, path: &str, bearer: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Some(bearer), &[], &body).await
    }

    pub async fn patch(&self, path: &str, bearer: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, Some(bearer), &[], &body).await
    }

    /// Runs another command of the binary: exit code, standard output, standard error.
    pub async fn command(args: &[&str]) -> (i32, String, String) {
        let out = Command::new(binary()).args(args).stdin(Stdio::null()).output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
    }
}

impl Drop for Server {
    /// A graceful end, so that its database goes with it.
    fn drop(&mut self) {
        let Some(id) = self.child.id() else { return };
        let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) else { return };
        let _gone = kill_process(pid, Signal::TERM);
        let started = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && started.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

async fn spawn(home: &Path, options: &Options) -> (Child, Value, Duration) {
    let started = Instant::now();
    let ready = home.join("ready.json");
    let _none = std::fs::remove_file(&ready);
    let open = |name| std::fs::File::options().create(true).append(true).open(home.join(name)).unwrap();
    std::fs::write(home.join("keepgate.toml"), &options.config).unwrap();
    let mut child = Command::new(binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .arg("--config")
        .arg(home.join("keepgate.toml"))
        .arg("--data-dir")
        .arg(home.join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(open("out"))
        .stderr(open("log"))
        .spawn()
        .expect("the binary starts; `cargo xtask test` builds it");
    while !ready.exists() {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("serve ended with {status}: {}", std::fs::read_to_string(home.join("log")).unwrap_or_default());
        }
        assert!(started.elapsed() < Duration::from_secs(90), "serve was not ready in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let info = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    (child, info, started.elapsed())
}

fn client(info: &Value) -> Client {
    let ca = std::fs::read(info["ca_cert"].as_str().unwrap()).unwrap();
    Client::builder()
        .tls_certs_only([Certificate::from_pem(&ca).unwrap()])
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    let direct = dir.join(name);
    if direct.exists() {
        return Some(direct);
    }
    std::fs::read_dir(dir).ok()?.flatten().filter(|entry| entry.path().is_dir()).map(|entry| entry.path().join(name)).find(|path| path.exists())
}

/// Looks again until `probe` finds something, for at most 30 seconds.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut probe: impl FnMut() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "never came: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
