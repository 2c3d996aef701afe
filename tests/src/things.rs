//! Recipients, routes, messages and audit entries of a running service.
use std::time::Duration;

use data_encoding::BASE64;
use keepgate_kernel::{Clock, SystemClock, format_time};
use serde_json::{Value, json};

use crate::{Server, eventually};

/// The body of a message to `recipient` whose payload is `payload`.
pub fn message(recipient: &str, payload: &str) -> Value {
    json!({"recipient": recipient, "payload": BASE64.encode(payload.as_bytes())})
}

/// The instant `seconds` from now, as the API writes it.
pub fn in_seconds(seconds: u64) -> String {
    format_time(SystemClock.now() + Duration::from_secs(seconds))
}

impl Server {
    /// A recipient whose only contact is `address` on `channel`.
    pub async fn recipient(&self, bearer: &str, channel: &str, address: &str) -> String {
        self.recipient_with(bearer, json!([{"channel": channel, "address": address}]))
            .await
    }

    /// A recipient with these contacts.
    pub async fn recipient_with(&self, bearer: &str, contacts: Value) -> String {
        self.post("/v1/recipients", bearer, json!({"name": "r", "contacts": contacts}))
            .await
            .expect(201)
            .field("id")
    }

    /// Defines a route; `steps` are channel, wait in seconds, attempts.
    pub async fn route(&self, bearer: &str, name: &str, steps: &[(&str, u32, u8)], require_ack: bool, deadline: u32) {
        let steps: Vec<Value> = steps
            .iter()
            .map(|(channel, wait, attempts)| json!({"channel": channel, "wait_seconds": wait, "attempts": attempts}))
            .collect();
        let body = json!({"steps": steps, "require_ack": require_ack, "deadline_seconds": deadline});
        let reply = self.put(&format!("/v1/routes/{name}"), bearer, body).await;
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
    }

    /// Sends a message; its id.
    pub async fn accept(&self, bearer: &str, body: Value) -> String {
        self.post("/v1/messages", bearer, body).await.expect(202).field("id")
    }

    /// The message as it is now.
    pub async fn message(&self, bearer: &str, id: &str) -> Value {
        self.get(&format!("/v1/messages/{id}"), bearer).await.expect(200).json()
    }

    /// The message once `when` holds.
    pub async fn message_when(&self, bearer: &str, id: &str, when: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the state of message {id}"), || async {
            let message = self.message(bearer, id).await;
            when(&message).then_some(message)
        })
        .await
    }

    /// The message once it has `status`.
    pub async fn message_is(&self, bearer: &str, id: &str, status: &str) -> Value {
        self.message_when(bearer, id, |message| message["status"] == status)
            .await
    }

    /// Every item of a list, page by page.
    pub async fn all(&self, bearer: &str, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = self
                .get(&format!("{path}{mark}limit=500{cursor}"), bearer)
                .await
                .expect(200)
                .json();
            items.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// The audit entries that `query` selects, once there are at least `count`.
    pub async fn entries(&self, bearer: &str, query: &str, count: usize) -> Vec<Value> {
        eventually(&format!("audit entries with {query}"), || async {
            let items = self.all(bearer, &format!("/v1/audit?{query}")).await;
            (items.len() >= count).then_some(items)
        })
        .await
    }

    /// Every audit entry of the caller's tenant, once none is on its way any more: a search made after an entry of our
    /// own was numbered has all that were written before it.
    pub async fn whole_log(&self, bearer: &str) -> Vec<Value> {
        let mark = self.get("/v1/audit?limit=1", bearer).await.expect(200);
        let request = mark.header("x-request-id").unwrap().to_owned();
        eventually("the log's end", || async {
            let items = self.all(bearer, "/v1/audit").await;
            items
                .iter()
                .any(|entry| entry["request_id"] == *request)
                .then_some(items)
        })
        .await
    }
}

/// The leaf hash of an entry, 64 hexadecimal digits.
#[track_caller]
pub fn leaf_of(entry: &Value) -> &str {
    entry["leaf_hash"].as_str().expect("an entry has a leaf hash")
}
