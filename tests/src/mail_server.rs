//! A real mail server that nobody here wrote (`aiosmtpd`, from PyPI), on loopback with TLS.
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{Options, eventually};

const PACKAGE: &str = "aiosmtpd==1.4.6";
const SCRIPT: &str = r#"
import asyncio, json, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
security, mood = sys.argv[1:3]
def tell(**what):
    print(json.dumps(what), flush=True)
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if os.path.exists("refuse"):
            tell(event="refused")
            return open("refuse").read()
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        if mood == "slow":
            tell(event="asleep")
            await asyncio.sleep(3600)
        tell(event="taken", to=envelope.rcpt_tos, text=envelope.content.decode())
        return "250 taken"
def check(server, session, envelope, mechanism, data):
    wanted = open("password", "rb").read() if os.path.exists("password") else b"the mail password"
    right = (data.login, data.password) == (b"keepgate", wanted)
    tell(event="known" if right else "unknown")
    return AuthResult(success=right, handled=False)
async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("mail.pem", "mail.key")
    loop = asyncio.get_running_loop()
    starttls = security == "starttls"
    class Told(SMTP):
        def connection_made(self, transport):
            tell(event="connected")
            super().connection_made(transport)
    def serve():
        if mood == "bare":
            return Told(Handler(), hostname="localhost", loop=loop)
        return Told(Handler(), hostname="localhost", loop=loop, authenticator=check, auth_required=True, auth_require_tls=starttls,
                    tls_context=context if starttls else None, require_starttls=starttls)
    port = int(open("port").read()) if os.path.exists("port") else 0
    server = await loop.create_server(serve, "127.0.0.1", port, ssl=None if starttls else context)
    tell(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()
asyncio.run(main())
"#;

/// How a mail server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It takes what it is given.
    Kind,
    /// Its certificate names another host.
    Misnamed,
    /// It knows no STARTTLS.
    Bare,
    /// It never ends a delivery.
    Slow,
}

/// A mail that the server has taken.
#[derive(Debug, Clone)]
pub struct Letter {
    pub to: String,
    pub text: String,
}

/// A running mail server, killed when dropped.
pub struct MailServer {
    letters: Arc<Mutex<Vec<Letter>>>,
    events: Arc<Mutex<Vec<String>>>,
    mood: Mood,
    security: &'static str,
    port: u64,
    ca: String,
    dir: tempfile::TempDir,
    package: PathBuf,
    child: Child,
}

#[expect(
    clippy::disallowed_methods,
    reason = "where a judge is missing, only the runner of the tests knows whether that is a failure"
)]
fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}

/// Installs the package beside the other build products, once. `None`, with a word, where there is no pip; in CI that is a failure.
#[expect(clippy::print_stdout, reason = "a judge that is left out says so")]
async fn package() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/judges/aiosmtpd");
    if !root.join("aiosmtpd/smtp.py").exists() {
        let pip = Command::new("python3")
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--target",
            ])
            .arg(&root)
            .arg(PACKAGE)
            .output()
            .await;
        let installed = pip.is_ok_and(|pip| pip.status.success());
        assert!(installed || !in_ci(), "{PACKAGE} can't be installed");
        if !installed {
            println!("{PACKAGE} can't be installed here: not judged");
            return None;
        }
    }
    Some(root)
}

type Heard = (Arc<Mutex<Vec<Letter>>>, Arc<Mutex<Vec<String>>>);

async fn spawn(package: &Path, dir: &Path, security: &str, mood: Mood, heard: Heard) -> (Child, u64) {
    let mut child = Command::new("python3")
        .args([
            "-W",
            "ignore",
            "-c",
            SCRIPT,
            security,
            &format!("{mood:?}").to_lowercase(),
        ])
        .env("PYTHONPATH", package)
        .current_dir(dir)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("python starts");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines
        .next_line()
        .await
        .unwrap()
        .expect("the mail server tells its port");
    let port = serde_json::from_str::<Value>(&first).unwrap()["port"].as_u64().unwrap();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let told: Value = serde_json::from_str(&line).unwrap();
            let event = told["event"].as_str().unwrap().to_owned();
            if event == "taken" {
                let text = told["text"]
                    .as_str()
                    .unwrap()
                    .replace("=\r\n", "")
                    .replace("\r\n", "\n");
                let to = told["to"][0].as_str().unwrap().to_owned();
                heard.0.lock().unwrap().push(Letter { to, text });
            }
            heard.1.lock().unwrap().push(event);
        }
    });
    (child, port)
}

impl MailServer {
    /// Starts one: `implicit` TLS, or `starttls`. `None` where it can't be installed.
    pub async fn start(security: &'static str) -> Option<Self> {
        Self::of_mood(security, Mood::Kind).await
    }

    /// The same, with a `mood`.
    pub async fn of_mood(security: &'static str, mood: Mood) -> Option<Self> {
        let package = package().await?;
        let dir = tempfile::tempdir().unwrap();
        let name = if mood == Mood::Misnamed {
            "other.example"
        } else {
            "localhost"
        };
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let ca = made.cert.pem();
        std::fs::write(dir.path().join("mail.pem"), &ca).unwrap();
        std::fs::write(dir.path().join("mail.key"), made.signing_key.serialize_pem()).unwrap();
        let heard = Heard::default();
        let (letters, events) = heard.clone();
        let (child, port) = spawn(&package, dir.path(), security, mood, heard).await;
        Some(Self {
            letters,
            events,
            mood,
            security,
            port,
            ca,
            dir,
            package,
            child,
        })
    }

    /// Ends it. Its port stays its own.
    pub async fn stop(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again, on the same port.
    pub async fn start_again(&mut self) {
        self.start_again_as(self.mood).await;
    }

    /// The same in another mood.
    pub async fn start_again_as(&mut self, mood: Mood) {
        self.mood = mood;
        std::fs::write(self.dir.path().join("port"), self.port.to_string()).unwrap();
        let heard = (self.letters.clone(), self.events.clone());
        let (child, _) = spawn(&self.package, self.dir.path(), self.security, self.mood, heard).await;
        self.child = child;
    }

    /// From now on every recipient gets `answer`; `None`: is taken.
    pub fn refuse(&self, answer: Option<&str>) {
        let (file, new) = (self.dir.path().join("refuse"), self.dir.path().join("refuse.new"));
        match answer {
            Some(answer) => {
                std::fs::write(&new, answer).unwrap();
                std::fs::rename(&new, &file).unwrap();
            }
            None => std::fs::remove_file(&file).unwrap(),
        }
    }

    /// From now on only `password` is let in.
    pub fn set_password(&self, password: &str) {
        let (file, new) = (self.dir.path().join("password"), self.dir.path().join("password.new"));
        std::fs::write(&new, password).unwrap();
        std::fs::rename(&new, &file).unwrap();
    }

    /// How often `event` happened: connected, known, unknown, refused, asleep, taken.
    pub fn count(&self, event: &str) -> usize {
        self.events.lock().unwrap().iter().filter(|one| *one == event).count()
    }

    /// Waits until `event` has happened `times` times.
    pub async fn saw(&self, event: &str, times: usize) {
        let what = format!("{times} × {event}");
        eventually(&what, || async { (self.count(event) >= times).then_some(()) }).await;
    }

    /// What makes a service use it.
    pub fn options(&self) -> Options {
        let Self { security, port, .. } = self;
        Options {
            config: format!(
                "[mail]\nhost = \"localhost\"\nport = {port}\nsecurity = \"{security}\"\nca_file = \"mail-ca.pem\"\nusername = \"keepgate\"\n\
                 password = \"secret://file{{dir}}/mail.password\"\nfrom = \"Keepgate <keepgate@example.org>\"\n"
            ),
            files: vec![
                ("mail-ca.pem".into(), self.ca.clone()),
                ("mail.password".into(), "the mail password\n".into()),
            ],
        }
    }

    /// Every mail so far.
    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().clone()
    }

    /// Waits for the first mail to `to` that holds `words`.
    pub async fn letter(&self, to: &str, words: &str) -> Letter {
        eventually(&format!("a mail with `{words}`"), || async {
            self.letters()
                .into_iter()
                .find(|letter| letter.to == to && letter.text.contains(words))
        })
        .await
    }
}
