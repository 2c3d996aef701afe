//! A stand-in for a provider's HTTP API on loopback: answers what a test tells it to, and remembers what it heard.
use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// One request as heard.
#[derive(Debug, Clone)]
pub struct Heard {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Heard {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A field of a form body, percent-decoded.
    pub fn form(&self, name: &str) -> Option<String> {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let raw = body
            .split('&')
            .find_map(|pair| pair.strip_prefix(&format!("{name}=")).map(str::to_owned))?;
        let mut out = Vec::new();
        let mut bytes = raw.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'+' => out.push(b' '),
                b'%' => {
                    let hex = [bytes.next()?, bytes.next()?];
                    out.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
                }
                other => out.push(other),
            }
        }
        String::from_utf8(out).ok()
    }
}

/// What a stand-in answers: status, more header lines, JSON body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// An error as Twilio reports it.
    pub fn twilio_error(status: u16, code: u32) -> Self {
        Self::new(
            status,
            format!(r#"{{"code":{code},"message":"m","more_info":"i","status":{status}}}"#),
        )
    }

    /// Twilio's answer to what it took: a SID that holds `n`.
    pub fn twilio_taken(heard: &Heard, n: u32) -> Self {
        let kind = if heard.path.contains("/Calls") { "CA" } else { "SM" };
        Self::new(
            201,
            format!(r#"{{"sid":"{kind}{n:032x}","status":"queued","queue_time":"0"}}"#),
        )
    }
}

type Answers = Arc<dyn Fn(&Heard) -> Option<Answer> + Send + Sync>;

/// Listens on a free loopback port until dropped.
pub struct StandIn {
    pub url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    bell: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl StandIn {
    /// `answer` is asked for each request; `None` cuts the connection without an answer.
    pub async fn start(answer: impl Fn(&Heard) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (heard, bell) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let answer: Answers = Arc::new(answer);
        let (list, ring) = (heard.clone(), bell.clone());
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, answer.clone(), list.clone(), ring.clone()));
            }
        });
        Self { url, heard, bell, task }
    }

    /// A Twilio that takes everything: 201 with a SID that counts up.
    pub async fn twilio() -> Self {
        Self::twilio_but(|_, _| None).await
    }

    /// A Twilio that takes everything for which `otherwise`, given the request and its number from 1, says nothing else.
    pub async fn twilio_but(otherwise: impl Fn(&Heard, u32) -> Option<Option<Answer>> + Send + Sync + 'static) -> Self {
        let count = std::sync::atomic::AtomicU32::new(1);
        Self::start(move |heard| {
            let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            otherwise(heard, n).unwrap_or_else(|| Some(Answer::twilio_taken(heard, n)))
        })
        .await
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until at least `count` requests were heard.
    pub async fn wait_for(&self, count: usize) -> Vec<Heard> {
        let wait = async {
            loop {
                let ring = self.bell.notified();
                let heard = self.heard();
                if heard.len() >= count {
                    return heard;
                }
                ring.await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), wait)
            .await
            .expect("the stand-in hears enough requests")
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, answer: Answers, list: Arc<Mutex<Vec<Heard>>>, ring: Arc<Notify>) {
    let mut buffer = Vec::new();
    while let Some(heard) = read(&mut socket, &mut buffer).await {
        let reply = answer(&heard);
        list.lock().unwrap().push(heard);
        ring.notify_waiters();
        ring.notify_one();
        let Some(Answer { status, headers, body }) = reply else {
            return;
        };
        let more: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} Any\r\ncontent-type: application/json\r\n{more}content-length: {length}\r\n\r\n"
        );
        if socket.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Heard> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let mut lines = head.lines();
            let mut first = lines.next()?.split(' ');
            let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| {
                    line.split_once(':')
                        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
                })
                .collect();
            let length = headers
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.parse().ok())
                .unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                let body = buffer[end + 4..end + 4 + length].to_vec();
                buffer.drain(..end + 4 + length);
                return Some(Heard {
                    method,
                    path,
                    headers,
                    body,
                });
            }
        }
        let mut chunk = [0; 4096];
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}
