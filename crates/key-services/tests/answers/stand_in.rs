//! A service on loopback that answers what a test tells it to.
use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// A request as heard.
#[derive(Debug, Clone)]
pub struct Heard {
    pub line: String,
    pub head: String,
    pub body: String,
}

impl Heard {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn is(&self, what: &str) -> bool {
        self.line.contains(what)
    }
}

/// An answer, or none.
#[derive(Debug, Clone)]
pub enum Reply {
    Says(u16, &'static [(&'static str, &'static str)], String),
    /// Nothing, ever.
    Hangs,
    /// The connection ends.
    HangsUp,
    /// Half of the body that was announced.
    Half,
}

pub fn says(status: u16, body: impl Into<String>) -> Reply {
    Reply::Says(status, &[], body.into())
}

pub struct StandIn {
    pub url: Url,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl StandIn {
    pub async fn start(reply: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (all, reply) = (Arc::clone(&heard), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&all), Arc::clone(&reply)));
            }
        });
        Self { url, heard }
    }

    pub fn heard(&self, what: &str) -> Vec<Heard> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|heard| heard.is(what)).cloned().collect()
    }
}

async fn serve<F: Fn(&Heard) -> Reply>(
    mut stream: TcpStream,
    all: Arc<Mutex<Vec<Heard>>>,
    reply: Arc<F>,
) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        let mut heard = Heard {
            line: head.lines().next()?.to_owned(),
            head,
            body: String::new(),
        };
        let length: usize = heard
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while buffer.len() < end + length {
            stream.read_buf(&mut buffer).await.ok()?;
        }
        heard.body = String::from_utf8_lossy(&buffer[end..end + length]).into_owned();
        buffer.drain(..end + length);
        let answer = reply(&heard);
        all.lock().unwrap().push(heard);
        match answer {
            Reply::Hangs => std::future::pending().await,
            Reply::HangsUp => return None,
            Reply::Half => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":")
                    .await
                    .ok()?;
                return None;
            }
            Reply::Says(status, headers, body) => {
                let more: String = headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}\r\n"))
                    .collect();
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{more}\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
            }
        }
    }
}
