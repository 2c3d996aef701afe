//! An HTTP answer, read to its end.
use reqwest::header::HeaderMap;
use serde_json::Value;

pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The answer itself, provided its status is `status`.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Asserts a problem of the kind `slug`, with everything RFC 9457 and the contract ask for.
    #[track_caller]
    pub fn problem(self, status: u16, slug: &str) -> Value {
        let reply = self.expect(status);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        let body = reply.json();
        assert_eq!(body["type"], format!("/problems/{slug}"), "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(body["request_id"].as_str(), reply.header("x-request-id"));
        assert!(body["title"].is_string() && body["detail"].is_string());
        body
    }

    /// Asserts that the request was refused as not understood; the place of the first fault.
    #[track_caller]
    pub fn invalid(self) -> String {
        let slug = self.json()["type"]
            .as_str()
            .unwrap_or_default()
            .replace("/problems/", "");
        let body = self.problem(422, &slug);
        body["errors"][0]["pointer"]
            .as_str()
            .unwrap_or_else(|| panic!("no place in {body}"))
            .to_owned()
    }

    /// Asserts that there is no such thing, and says so as a problem; the body.
    #[track_caller]
    pub fn missing(self) -> Value {
        let slug = self.json()["type"]
            .as_str()
            .unwrap_or_default()
            .replace("/problems/", "");
        self.problem(404, &slug)
    }

    /// `body[name]` as text.
    #[track_caller]
    pub fn field(&self, name: &str) -> String {
        match &self.json()[name] {
            Value::String(text) => text.clone(),
            _ => panic!("no text field `{name}` in {}", self.text()),
        }
    }
}
