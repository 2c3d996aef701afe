//! A running service.
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use reqwest::{Certificate, Client};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::Child;

use crate::{Ended, process, run, serve_until_end};

/// What a test wants different.
#[derive(Default, Clone)]
pub struct Options {
    /// More lines of the configuration file; `{dir}` stands for the scratch directory.
    pub config: String,
    /// Files of the scratch directory, mode 0600: name and content.
    pub files: Vec<(String, String)>,
}

pub struct Server {
    pub dir: tempfile::TempDir,
    pub info: Value,
    /// The `bootstrap` part of the very first ready file.
    pub boot: Value,
    options: Options,
    child: Child,
    client: Client,
}

/// A directory that the database server, which runs as another user under root, can reach.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let dir = tempfile::Builder::new().prefix("kge").tempdir_in(home).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

impl Options {
    /// More lines of the configuration file, and nothing else.
    pub fn config(text: &str) -> Self {
        Self {
            config: text.to_owned(),
            files: Vec::new(),
        }
    }

    /// Writes what a start on `home` reads.
    pub(crate) fn write(&self, home: &Path) {
        // A second is long for a test that waits for the log; those about signing say how often.
        let soon = if self.config.contains("checkpoint_ms") {
            ""
        } else {
            "audit.checkpoint_ms = 100\n"
        };
        let config = self.config.replace("{dir}", home.to_str().unwrap());
        std::fs::write(home.join("keepgate.toml"), format!("{soon}{config}")).unwrap();
        for (name, content) in &self.files {
            let file = home.join(name);
            std::fs::write(&file, content).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        Self::on(scratch(), options).await
    }

    /// A scratch directory with the files of `options`, for starts that are meant to fail.
    pub fn home(options: &Options) -> tempfile::TempDir {
        let dir = scratch();
        options.write(dir.path());
        dir
    }

    /// The first start on `dir` that comes to its end.
    pub async fn on(dir: tempfile::TempDir, options: Options) -> Self {
        let (child, info) = spawn(dir.path(), &options).await;
        let client = client(&info);
        let boot = info["bootstrap"].clone();
        assert!(boot.is_object(), "the first start tells the bootstrap secrets");
        Self {
            dir,
            info,
            boot,
            options,
            child,
            client,
        }
    }

    /// A start on `dir` that finds a database with everything in it; `boot` is what its bootstrap told.
    pub async fn joining(dir: tempfile::TempDir, options: Options, boot: Value) -> Self {
        let (child, info) = spawn(dir.path(), &options).await;
        let client = client(&info);
        Self {
            dir,
            info,
            boot,
            options,
            child,
            client,
        }
    }

    /// Swaps a file of the scratch directory for another one of mode 0600, in one step.
    pub fn swap_file(&self, name: &str, content: &str) {
        swap_file(&self.dir.path().join(name), content);
    }

    /// SIGHUP.
    pub fn look_again(&self) {
        kill_process(self.pid(), Signal::HUP).unwrap();
    }

    /// The next start reads `options` instead.
    pub fn reconfigure(&mut self, options: Options) {
        options.write(self.dir.path());
        self.options = options;
    }

    /// Starts again on the same data directory.
    pub async fn start_again(&mut self) {
        let (child, info) = spawn(self.dir.path(), &self.options).await;
        assert!(info.get("bootstrap").is_none(), "the secrets are told once");
        self.client = client(&info);
        (self.child, self.info) = (child, info);
    }

    /// Tries to start on the same data directory, and waits for the failure.
    pub async fn start_in_vain(&self) -> Ended {
        serve_until_end(self.dir.path(), "127.0.0.1:0", &[]).await
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn ready_file(&self) -> PathBuf {
        self.dir.path().join("ready.json")
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id().expect("the service runs")).unwrap()).unwrap()
    }

    /// What it logged, of all its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// What it printed on standard output, of all its starts.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("out")).unwrap_or_default()
    }

    /// SIGTERM, and the exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        kill_process(self.pid(), Signal::TERM).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        ended.expect("it ends within a minute of SIGTERM").unwrap().code()
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// The postmaster of its embedded database.
    pub fn postmaster(&self) -> Option<Pid> {
        let file = std::fs::read_to_string(self.data_dir().join("pgdata/postmaster.pid")).ok()?;
        Pid::from_raw(file.lines().next()?.trim().parse().ok()?)
    }

    /// Runs SQL in the embedded database as `role`: psql's exit code, rows without decoration, messages.
    pub async fn sql(&self, role: &str, sql: &str) -> Ended {
        let data = self.data_dir();
        let data = data.to_str().unwrap();
        let psql = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql];
        run(["db", "shell", "--data-dir", data, "--role", role, "--"]
            .into_iter()
            .chain(psql))
        .await
    }

    /// As [`Server::sql`] as the superuser, provided it succeeds; the rows.
    pub async fn superuser(&self, sql: &str) -> String {
        self.sql("superuser", sql).await.expect(0).out.trim().to_owned()
    }

    /// As [`Server::superuser`], with the event triggers that refuse changes of the schema out of the way meanwhile.
    pub async fn past_the_guard(&self, sql: &str) -> String {
        let both = |state: &str| format!("alter event trigger kg_ddl {state}; alter event trigger kg_drop {state}");
        let sql = format!("{}; {sql}; {}", both("disable"), both("enable always"));
        self.superuser(&sql).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.info["url"].as_str().unwrap())
    }

    pub fn admin_url(&self, path: &str) -> String {
        format!("{}{path}", self.info["admin_url"].as_str().unwrap())
    }

    pub fn ca_cert(&self) -> &str {
        self.info["ca_cert"].as_str().unwrap()
    }

    /// A client that trusts the service's certificate and nothing else.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Another such client: its connections end with it.
    pub fn another_client(&self) -> Client {
        client(&self.info)
    }

    /// Writes a private file into the scratch directory; its path.
    pub fn private_file(&self, name: &str, content: &str) -> String {
        let file = self.dir.path().join(name);
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    /// A graceful end, so that its database goes with it. The second signal says that nobody waits for open connections:
    /// the client's side of them stands still here.
    fn drop(&mut self) {
        let Some(id) = self.child.id() else { return };
        let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) else {
            return;
        };
        let _gone = kill_process(pid, Signal::TERM);
        let started = Instant::now();
        let mut told_again = false;
        while matches!(self.child.try_wait(), Ok(None)) && started.elapsed() < Duration::from_secs(30) {
            if !told_again && started.elapsed() > Duration::from_millis(150) {
                told_again = true;
                let _gone = kill_process(pid, Signal::TERM);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn swap_file(path: &Path, content: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, content).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(new, path).unwrap();
}

async fn spawn(home: &Path, options: &Options) -> (Child, Value) {
    let started = Instant::now();
    let ready = home.join("ready.json");
    let _none = std::fs::remove_file(&ready);
    let open = |name| {
        std::fs::File::options()
            .create(true)
            .append(true)
            .open(home.join(name))
            .unwrap()
    };
    options.write(home);
    let mut child = process::serve(home)
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .stdout(open("out"))
        .stderr(open("log"))
        .spawn()
        .expect("the binary starts; `cargo xtask test` builds it");
    while !ready.exists() {
        if let Some(status) = child.try_wait().unwrap() {
            panic!(
                "serve ended with {status}: {}",
                std::fs::read_to_string(home.join("log")).unwrap_or_default()
            );
        }
        assert!(
            started.elapsed() < Duration::from_secs(90),
            "serve was not ready in time"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let info = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    (child, info)
}

#[expect(
    clippy::disallowed_methods,
    reason = "it talks to the service under test and to nobody else"
)]
fn client(info: &Value) -> Client {
    let ca = std::fs::read(info["ca_cert"].as_str().unwrap()).unwrap();
    Client::builder()
        .tls_certs_only([Certificate::from_pem(&ca).unwrap()])
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

/// Looks again until `probe` finds something, for at most 30 seconds.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, probe: impl FnMut() -> F) -> T {
    within(Duration::from_secs(30), what, probe).await
}

/// The same for at most `patience`.
pub async fn within<T, F: Future<Output = Option<T>>>(
    patience: Duration,
    what: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(started.elapsed() < patience, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
