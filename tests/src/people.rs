//! Principals of a running service.
use reqwest::Method;
use serde_json::{Value, json};

use crate::{App, Reply, Server, run};

/// What everybody in the tests takes as a password.
pub const PASSWORD: &str = "correct horse battery staple 7";

/// A user who has enrolled.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: String,
    pub email: String,
    pub token: String,
}

impl Server {
    /// The operator-level API key of the first tenant.
    pub fn key(&self) -> String {
        self.boot["service_key"].as_str().unwrap().to_owned()
    }

    /// Tries a one-time enrolment code.
    pub async fn try_code(&self, code: &str) -> Reply {
        self.send(
            Method::POST,
            "/v1/auth/enrol",
            None,
            &[],
            &json!({"code": code, "password": PASSWORD}),
        )
        .await
    }

    /// Uses a one-time enrolment code, and sets an authenticator app up where there is no session without one; the token.
    pub async fn enrol(&self, code: &str) -> String {
        self.enrol_with_app(code).await.0
    }

    /// The same, and the app.
    pub async fn enrol_with_app(&self, code: &str) -> (String, Option<App>) {
        let reply = self.try_code(code).await.expect(200);
        let question = &reply.json()["mfa"];
        let Some(secret) = question["totp"]["secret"].as_str() else {
            return (reply.field("access_token"), None);
        };
        let mut app = App::new(secret);
        let answer = json!({"challenge": question["challenge"], "totp": app.code().await});
        let token = self.answer(&answer).await.expect(200).field("access_token");
        (token, Some(app))
    }

    /// Answers a log-in's question.
    pub async fn answer(&self, answer: &Value) -> Reply {
        self.send(Method::POST, "/v1/auth/mfa", None, &[], answer).await
    }

    /// Adds an authenticator app to the caller: the app and the recovery codes.
    pub async fn add_app(&self, bearer: &str) -> (App, Vec<String>) {
        let made = self.press("/v1/me/mfa/totp", bearer).await.expect(201);
        let mut app = App::new(&made.field("secret"));
        let code = json!({"code": app.code().await});
        let done = self.post("/v1/me/mfa/totp/confirm", bearer, code).await.expect(200);
        let codes = serde_json::from_value(done.json()["recovery_codes"].clone()).unwrap();
        (app, codes)
    }

    /// Lets the day of grace of the user with `id` pass.
    pub async fn enrolled_a_day_ago(&self, id: &str) {
        let (quiet, loud) = ("disable trigger audited", "enable always trigger audited");
        let uuid = id.parse::<keepgate_kernel::PrincipalId>().unwrap().uuid();
        let sql = format!(
            "begin; alter table identity.enrolment {quiet}; \
             update identity.enrolment set used_at = used_at - interval '25 hours' where principal_id = '{uuid}'; \
             alter table identity.enrolment {loud}; commit"
        );
        self.past_the_guard(&sql).await;
    }

    /// A token of the first tenant's owner. Works once for each server; keep it.
    pub async fn owner(&self) -> String {
        self.enrol(self.boot["owner_enrolment"].as_str().unwrap()).await
    }

    /// A token of the first global admin. Works once for each server; keep it.
    pub async fn admin(&self) -> String {
        self.enrol(self.boot["platform_enrolment"].as_str().unwrap()).await
    }

    /// Creates a user of `level` as `by` and enrols it.
    pub async fn person(&self, by: &str, level: u8) -> Person {
        let email = email();
        let made = self
            .post("/v1/users", by, json!({"email": email, "level": level}))
            .await
            .expect(201)
            .json();
        let token = self.enrol(made["enrolment"]["code"].as_str().unwrap()).await;
        Person {
            id: made["id"].as_str().unwrap().to_owned(),
            email,
            token,
        }
    }

    /// Tries to log in.
    pub async fn login(&self, email: &str, password: &str) -> Reply {
        self.send(
            Method::POST,
            "/v1/auth/login",
            None,
            &[],
            &json!({"email": email, "password": password}),
        )
        .await
    }

    /// A second customer tenant: its id, and a token of its owner.
    pub async fn second_tenant(&self, admin: &str) -> (String, String) {
        let tenant = self
            .post("/v1/tenants", admin, json!({"name": "second"}))
            .await
            .expect(201)
            .field("id");
        let body = json!({"email": email(), "level": 5, "tenant": tenant});
        let made = self.post("/v1/users", admin, body).await.expect(201).json();
        let token = self.enrol(made["enrolment"]["code"].as_str().unwrap()).await;
        (tenant, token)
    }

    /// The second global admin, appointed offline beside the running service.
    pub async fn second_global_admin(&self) -> Person {
        let email = "second@platform.example";
        let dir = self.data_dir();
        let ended = run([
            "admin",
            "appoint-second",
            "--email",
            email,
            "--data-dir",
            &dir.display().to_string(),
        ])
        .await;
        let ended = ended.expect(0);
        let code = ended
            .out
            .split_whitespace()
            .find(|word| word.starts_with("kge_"))
            .unwrap();
        let token = self.enrol(code).await;
        Person {
            id: self.me(&token).await,
            email: email.to_owned(),
            token,
        }
    }

    /// The caller's own id.
    pub async fn me(&self, bearer: &str) -> String {
        self.get("/v1/me", bearer).await.expect(200).json()["principal"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Issues an API key as `by`: its id and the key itself.
    pub async fn issue(&self, by: &str, body: Value) -> (String, String) {
        let made = self.post("/v1/api-keys", by, body).await.expect(201);
        (made.field("id"), made.field("key"))
    }

    /// Whether the credential still opens the door.
    pub async fn admits(&self, bearer: &str) -> bool {
        match self.get("/v1/me", bearer).await {
            reply if reply.status == 200 => true,
            reply => {
                reply.expect(401);
                false
            }
        }
    }
}

/// An address nobody had before.
pub fn email() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    format!(
        "user{}@example.org",
        NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    )
}
