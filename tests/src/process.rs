//! Processes of the binary under test.
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::process::{Child, Command};

/// The binary under test.
#[expect(
    clippy::disallowed_methods,
    reason = "the test runner names the binary in the environment"
)]
pub fn binary() -> PathBuf {
    std::env::var_os("KEEPGATE_BIN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/keepgate"),
        PathBuf::from,
    )
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The process itself, provided it ended with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Asserts that it failed with `code` and said so in the three lines every failure has; the lines.
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        let ended = self.expect(code);
        let last: Vec<&str> = ended.err.lines().filter(|line| !line.starts_with('{')).collect();
        let starts = ["keepgate: ", "why: ", "what to do: "];
        let told = starts
            .iter()
            .all(|start| last.iter().any(|line| line.starts_with(start)));
        assert!(told, "not in three lines: {}", ended.err);
        ended.err
    }
}

/// `keepgate` with nothing of this process's environment that could lead it to another database.
pub(crate) fn keepgate() -> Command {
    let mut command = Command::new(binary());
    command
        .env_remove("DATABASE_URL")
        .env_remove("PGPASSWORD")
        .stdin(Stdio::null());
    command
}

/// `keepgate serve` on the files of `home`.
pub(crate) fn serve(home: &Path) -> Command {
    let mut command = keepgate();
    command
        .arg("serve")
        .arg("--config")
        .arg(home.join("keepgate.toml"))
        .arg("--data-dir")
        .arg(home.join("data"))
        .arg("--ready-file")
        .arg(home.join("ready.json"));
    command
}

/// Runs a command of the binary to its end, for at most a minute.
pub async fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Ended {
    let mut command = keepgate();
    command.args(args);
    ended(command).await
}

/// Runs `serve` on `home` until it ends by itself. `listen` and `environment` are what this start has of its own.
pub async fn serve_until_end(home: &Path, listen: &str, environment: &[(&str, &str)]) -> Ended {
    let mut command = serve(home);
    command.args(["--listen", listen, "--admin-listen", "127.0.0.1:0"]);
    command.envs(environment.iter().copied());
    ended(command).await
}

/// Starts `serve` on `home` and kills it as soon as `file` of its data directory is there; whether it died before it
/// was ready.
pub async fn kill_at(home: &Path, file: &str) -> bool {
    let (stage, ready) = (home.join("data").join(file), home.join("ready.json"));
    let mut command = serve(home);
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !stage.exists() && !ready.exists() {
        assert!(started.elapsed() < Duration::from_secs(30), "never came: {file}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    child.kill().await.unwrap();
    !ready.exists()
}

async fn ended(mut command: Command) -> Ended {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child: Child = command
        .spawn()
        .expect("the binary starts; `cargo xtask test` builds it");
    let out = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await;
    let out = out.expect("the process ends by itself within a minute").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended {
        code: out.status.code(),
        out: text(out.stdout),
        err: text(out.stderr),
    }
}
