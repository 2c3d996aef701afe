//! The service on a stand-in for Twilio, and Twilio's side of its callbacks.
use reqwest::Method;

use crate::{Heard, Options, Reply, Server, StandIn, hmac_sha1};

/// The account's token in the tests; signs callbacks.
pub const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Where Twilio believes the service to be.
pub const CALLBACK_BASE: &str = "https://gw.example";

impl Options {
    /// A provider `tw` for sms and voice that is `stand_in`.
    pub fn twilio(stand_in: &StandIn) -> Self {
        let config = format!(
            "[webhooks]\nallow_loopback = true\n\n[[providers]]\nname = \"tw\"\nkind = \"twilio\"\n\
             channels = [\"sms\", \"voice\"]\nbase_url = \"{}\"\naccount_sid = \"AC{}\"\n\
             auth_token = \"secret://file{{dir}}/twilio-token\"\nfrom = \"+15005550006\"\n\
             callback_base = \"{CALLBACK_BASE}\"\n",
            stand_in.url,
            "0".repeat(32)
        );
        Self {
            config,
            files: vec![("twilio-token".to_owned(), AUTH_TOKEN.to_owned())],
        }
    }
}

/// The signature that Twilio puts into `X-Twilio-Signature`: over the URL and every field, in the order of names.
pub fn twilio_signature(token: &str, url: &str, fields: &[(&str, &str)]) -> String {
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    let text = fields
        .iter()
        .fold(url.to_owned(), |text, (name, value)| text + name + value);
    hmac_sha1(token.as_bytes(), &text)
}

fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    let escape = |text: &str| {
        let bytes = text.bytes().map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        });
        bytes.collect::<String>()
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect();
    pairs.join("&").into_bytes()
}

impl Server {
    /// Calls back at `url`, which the service named in its request, as Twilio would.
    pub async fn call_back(&self, url: &str, fields: &[(&str, &str)]) -> Reply {
        self.call_back_signed(url, fields, Some(&twilio_signature(AUTH_TOKEN, url, fields)))
            .await
    }

    /// The same with another signature, or none.
    pub async fn call_back_signed(&self, url: &str, fields: &[(&str, &str)], signature: Option<&str>) -> Reply {
        let path = url
            .strip_prefix(CALLBACK_BASE)
            .expect("a callback address below callback_base");
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(signature.map(|signature| ("x-twilio-signature", signature)));
        self.raw(Method::POST, &self.url(path), None, &headers, Some(form(fields)))
            .await
    }
}

impl Heard {
    /// Where the request asks to be told the outcome.
    pub fn status_callback(&self) -> String {
        self.form("StatusCallback")
            .expect("the request names a status callback")
    }
}
