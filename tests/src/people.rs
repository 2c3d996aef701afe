//! Principals of a running service.
use reqwest::Method;
use serde_json::{Value, json};

use crate::Server;

/// What everybody in the tests takes as a password.
pub const PASSWORD: &str = "correct horse battery staple 7";

impl Server {
    /// The operator-level API key of the first tenant.
    pub fn key(&self) -> String {
        self.boot["service_key"].as_str().unwrap().to_owned()
    }

    /// Uses a one-time enrolment code; the token.
    pub async fn enrol(&self, code: &str) -> String {
        let body = json!({"code": code, "password": PASSWORD});
        self.send(Method::POST, "/v1/auth/enrol", None, &[], &body).await.expect(200).field("access_token")
    }

    /// A token of the first tenant's owner. Works once for each server; keep it.
    pub async fn owner(&self) -> String {
        self.enrol(self.boot["owner_enrolment"].as_str().unwrap()).await
    }

    /// A token of the first global admin. Works once for each server; keep it.
    pub async fn admin(&self) -> String {
        self.enrol(self.boot["platform_enrolment"].as_str().unwrap()).await
    }

    /// Creates a user of `level` as `by` and enrols it: its id and a token.
    pub async fn user(&self, by: &str, level: u8) -> (String, String) {
        let email = format!("user{}@example.org", uniq());
        let made = self.post("/v1/users", by, json!({"email": email, "level": level})).await.expect(201).json();
        let token = self.enrol(made["enrolment"]["code"].as_str().unwrap()).await;
        (made["id"].as_str().unwrap().to_owned(), token)
    }

    /// A second customer tenant: its id, and a token of its owner.
    pub async fn second_tenant(&self, admin: &str) -> (String, String) {
        let tenant = self.post("/v1/tenants", admin, json!({"name": "second"})).await.expect(201).field("id");
        let body = json!({"email": format!("owner{}@second.example", uniq()), "level": 5, "tenant": tenant});
        let made = self.post("/v1/users", admin, body).await.expect(201).json();
        let token = self.enrol(made["enrolment"]["code"].as_str().unwrap()).await;
        (tenant, token)
    }

    /// The caller's own id.
    pub async fn me(&self, bearer: &str) -> String {
        self.get("/v1/me", bearer).await.expect(200).json()["principal"]["id"].as_str().unwrap().to_owned()
    }

    /// A recipient whose only contact is `address` on `channel`.
    pub async fn recipient(&self, bearer: &str, channel: &str, address: &str) -> String {
        let body = json!({"name": "r", "contacts": [{"channel": channel, "address": address}]});
        self.post("/v1/recipients", bearer, body).await.expect(201).field("id")
    }

    /// The audit entries about `entity`, once there are at least `count`.
    pub async fn entries(&self, bearer: &str, entity: &str, count: usize) -> Vec<Value> {
        crate::eventually("audit entries", || async {
            let page = self.get(&format!("/v1/audit?limit=500&entity={entity}"), bearer).await.expect(200).json();
            let items = page["items"].as_array().unwrap().clone();
            (items.len() >= count).then_some(items)
        })
        .await
    }

    /// The message once `when` holds.
    pub async fn message_when(&self, bearer: &str, id: &str, when: impl Fn(&Value) -> bool) -> Value {
        crate::eventually("the message's state", || async {
            let message = self.get(&format!("/v1/messages/{id}"), bearer).await.expect(200).json();
            when(&message).then_some(message)
        })
        .await
    }
}

fn uniq() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
