//! A time-stamping authority: openssl stamps, on loopback if asked to.
use std::{
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::Command,
};

const CONFIG: &str = "[req]
distinguished_name=dn
[dn]
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
[tsa]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=critical,timeStamping
[meek]
basicConstraints=critical,CA:FALSE
extendedKeyUsage=timeStamping
[both]
basicConstraints=critical,CA:FALSE
extendedKeyUsage=critical,timeStamping,serverAuth
[server]
basicConstraints=critical,CA:FALSE
extendedKeyUsage=critical,serverAuth
[none]
basicConstraints=critical,CA:FALSE
[ts]
default_tsa=one
[one]
serial=serial
signer_cert=tsa.pem
certs=ca.pem
signer_key=tsa.key
signer_digest=sha256
default_policy=1.2.3.4.1
other_policies=1.2.3.4.2
digests=sha256
ess_cert_id_alg=sha256
";

/// A root, and a certificate for time stamps.
pub struct Authority {
    pub home: TempDir,
    asked: AtomicU32,
    closed: AtomicBool,
}

impl Authority {
    /// With keys of this kind (`rsa:2048`, `ec -pkeyopt ec_paramgen_curve:P-256`).
    pub async fn new(key: &str) -> Self {
        let made = Self {
            home: tempfile::tempdir().unwrap(),
            asked: AtomicU32::new(0),
            closed: AtomicBool::new(false),
        };
        std::fs::write(made.path().join("o.cnf"), CONFIG).unwrap();
        std::fs::write(made.path().join("serial"), "01\n").unwrap();
        let ca = format!(
            "req -x509 -newkey {key} -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=root -config o.cnf -extensions ca"
        );
        made.openssl(&ca).await.unwrap();
        made.certificate("tsa", key).await;
        made
    }

    /// Where its files are.
    pub fn path(&self) -> &Path {
        self.home.path()
    }

    /// The root, PEM.
    pub fn root(&self) -> String {
        std::fs::read_to_string(self.path().join("ca.pem")).unwrap()
    }

    /// A certificate `NAME.pem` with `NAME.key`, with the extensions of that name.
    pub async fn certificate(&self, name: &str, key: &str) {
        for step in [
            format!("req -newkey {key} -nodes -keyout {name}.key -out {name}.csr -subj /CN={name} -config o.cnf"),
            format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -set_serial 7 -days 30 -extfile o.cnf -extensions {name} -out {name}.pem"
            ),
        ] {
            self.openssl(&step).await.unwrap();
        }
    }

    /// Runs openssl among its files.
    pub async fn openssl(&self, arguments: &str) -> Result<String, String> {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split(' '))
            .current_dir(self.path())
            .stdin(Stdio::null());
        let out = command.output().await.expect("openssl is installed");
        let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        if out.status.success() { Ok(said) } else { Err(said) }
    }

    /// Puts a file among its own.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    /// The answer to a question.
    pub async fn answer(&self, query: &[u8]) -> Vec<u8> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst);
        self.put(&format!("query{nth}"), query);
        let reply = format!("ts -reply -config o.cnf -section one -queryfile query{nth} -out reply{nth}");
        self.openssl(&reply).await.unwrap();
        std::fs::read(self.path().join(format!("reply{nth}"))).unwrap()
    }

    /// What openssl says about a token over `text`.
    pub async fn verify(&self, token: &[u8], text: &str) -> Result<String, String> {
        self.put("token", token);
        self.put("text", text);
        self.openssl("ts -verify -data text -in token -token_in -CAfile ca.pem")
            .await
    }

    /// From now on it answers 503 over HTTP.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// From now on it answers.
    pub fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
    }

    /// How often it was asked.
    pub fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    /// Serves it over HTTP on loopback; its URL.
    pub async fn serve(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tsa", listener.local_addr().unwrap());
        let own = self.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                one(&own, socket).await;
            }
        });
        url
    }
}

async fn one(authority: &Authority, mut socket: TcpStream) {
    let (mut heard, mut chunk) = (Vec::new(), [0; 4096]);
    let body = loop {
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => heard.extend_from_slice(&chunk[..read]),
        }
        let Some(at) = heard.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&heard[..at + 2]).to_lowercase();
        assert!(head.contains("content-type: application/timestamp-query"), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if heard.len() >= at + 4 + length {
            break heard[at + 4..].to_vec();
        }
    };
    if authority.closed.load(Ordering::SeqCst) {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let _gone = socket.write_all(answer).await;
        return;
    }
    let reply = authority.answer(&body).await;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        reply.len()
    );
    let _gone = socket.write_all(&[head.as_bytes(), &reply].concat()).await;
}
