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
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A field of a form body, percent-decoded.
    pub fn form(&self, name: &str) -> Option<String> {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let raw = body.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")).map(str::to_owned))?;
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

type Answer = Arc<dyn Fn(&Heard) -> Option<(u16, String)> + Send + Sync>;

/// Listens on a free loopback port until dropped.
pub struct StandIn {
    pub url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    bell: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl StandIn {
    /// `answer` gives status and JSON body; `None` cuts the connection without an answer.
    pub async fn start(answer: impl Fn(&Heard) -> Option<(u16, String)> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (heard, bell) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let answer: Answer = Arc::new(answer);
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
        let count = std::sync::atomic::AtomicU32::new(1);
        Self::start(move |heard| {
            let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let kind = if heard.path.contains("/Calls") { "CA" } else { "SM" };
            Some((201, format!(r#"{{"sid":"{kind}{n:032x}","status":"queued","queue_time":"0"}}"#)))
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
        tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.expect("the stand-in hears enough requests")
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: TcpStream, answer: Answer, list: Arc<Mutex<Vec<Heard>>>, ring: Arc<Notify>) {
    let mut buffer = Vec::new();
    while let Some(heard) = read(&mut socket, &mut buffer).await {
        let reply = answer(&heard);
        list.lock().unwrap().push(heard);
        ring.notify_waiters();
        ring.notify_one();
        let Some((status, body)) = reply else { return };
        let head = format!("HTTP/1.1 {status} Any\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
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
            let headers: Vec<(String, String)> =
                lines.filter_map(|line| line.split_once(':').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))).collect();
            let length = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case("content-length")).and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                let body = buffer[end + 4..end + 4 + length].to_vec();
                buffer.drain(..end + 4 + length);
                return Some(Heard { method, path, headers, body });
            }
        }
        let mut chunk = [0; 4096];
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}
