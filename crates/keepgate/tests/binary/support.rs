//! Running the binary in scratch directories.
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// What a command left behind.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The form every error has.
    pub fn assert_three_lines(&self) {
        let lines: Vec<&str> = self.err.lines().collect();
        let form = matches!(lines.as_slice(), [what, why, help]
            if what.starts_with("keepgate: ") && why.starts_with("why: ") && help.starts_with("what to do: "));
        assert!(form, "{}", self.err);
    }
}

/// A scratch directory that the database's user can pass through.
pub fn scratch() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// The binary, without the environment of whoever runs the tests.
pub fn keepgate(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepgate"));
    command
        .args(args)
        .env_remove("DATABASE_URL")
        .env_remove("PGPASSWORD")
        .stdin(Stdio::null());
    command
}

pub fn run(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

pub fn ended(args: &[&str]) -> Ended {
    run(&mut keepgate(args))
}

/// A running service, killed if a test fails.
pub struct Service {
    child: Child,
    home: PathBuf,
}

impl Service {
    pub fn start(home: &Path) -> Self {
        let _ = fs::remove_file(home.join("ready.json"));
        let file = |name: &str| fs::File::create(home.join(name)).unwrap();
        let mut command = keepgate(&["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        command
            .arg("--data-dir")
            .arg(home.join("data"))
            .arg("--ready-file")
            .arg(home.join("ready.json"));
        let child = command.stdout(file("out")).stderr(file("log")).spawn().unwrap();
        Self {
            child,
            home: home.to_owned(),
        }
    }

    /// What the ready file says, once it is there.
    pub fn ready(&mut self) -> Value {
        let (path, began) = (self.home.join("ready.json"), Instant::now());
        while !path.exists() {
            assert!(self.child.try_wait().unwrap().is_none(), "{}", self.read("log"));
            assert!(began.elapsed() < Duration::from_secs(60), "{}", self.read("log"));
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        serde_json::from_slice(&fs::read(&path).unwrap()).unwrap()
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home.join(name)).unwrap()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
