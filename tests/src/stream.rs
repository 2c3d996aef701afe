//! A client of the message stream (server-sent events, WHATWG HTML 9.2).
use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use crate::Server;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub kind: String,
    pub data: Value,
}

pub struct Stream {
    response: Response,
    buffer: String,
    patience: Duration,
}

impl Server {
    /// Opens the stream of `bearer`'s principal, after `last` if given.
    pub async fn stream(&self, bearer: &str, last: Option<&str>) -> Stream {
        let mut request = self
            .client()
            .get(self.url("/v1/stream"))
            .bearer_auth(bearer)
            .timeout(Duration::from_secs(300));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream {
            response,
            buffer: String::new(),
            patience: Duration::from_secs(30),
        }
    }
}

impl Event {
    /// The message it carries.
    #[track_caller]
    pub fn message(&self) -> &str {
        self.data["id"].as_str().expect("an event carries a message")
    }
}

impl Stream {
    /// The messages of the next `count` events, in order.
    pub async fn take(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.expect("the stream goes on"));
        }
        events
    }

    /// Waits up to `patience` for each message instead of 30 seconds: after a kill -9 some are held by leases of a minute.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The next message, within 30 seconds; `None` when the service ended the stream, with or without telling why.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(self.patience, self.read())
            .await
            .expect("an event comes in time")
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                match parse(&block) {
                    Some(event) if event.kind == "end" => return None,
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.buffer.push_str(&String::from_utf8_lossy(&chunk)),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name).map(|value| value.trim_start().to_owned()))
    };
    let data = field("data:")?;
    Some(Event {
        id: field("id:").unwrap_or_default(),
        kind: field("event:").unwrap_or_default(),
        data: serde_json::from_str(&data).unwrap_or(Value::Null),
    })
}
