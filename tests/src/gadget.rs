//! Devices of a running service.
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::BASE64;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Reply, Server};

/// A device with its key.
pub struct Gadget {
    pub id: String,
    pair: Ed25519KeyPair,
}

impl Gadget {
    /// A key made from `seed`, for the device `id`.
    pub fn new(id: impl Into<String>, seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        Self { id: id.into(), pair }
    }

    pub fn public_key(&self) -> String {
        BASE64.encode(self.pair.public_key().as_ref())
    }

    /// Over any text, as `POST /v1/auth/device` and `/v1/devices/enrol` want it.
    pub fn sign(&self, text: &str) -> String {
        BASE64.encode(self.pair.sign(text.as_bytes()).as_ref())
    }

    /// Over the lines of a log-in.
    pub fn answer(&self, challenge: &str) -> Value {
        let signature = self.sign(&format!("keepgate-device-login-v1\n{}\n{challenge}", self.id));
        json!({"device": self.id, "challenge": challenge, "signature": signature})
    }
}

impl Server {
    /// Posts without a credential.
    pub async fn knock(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, None, &[], body).await
    }

    /// Uses a device's one-time code.
    pub async fn join(&self, code: &str, gadget: &Gadget) -> Reply {
        let key = gadget.public_key();
        let signature = gadget.sign(&format!("keepgate-device-join-v1\n{code}\n{key}"));
        let body = json!({"code": code, "public_key": key, "signature": signature});
        self.knock("/v1/devices/enrol", &body).await
    }

    /// A device made by `by` with `body`, joined.
    pub async fn gadget(&self, by: &str, body: Value, seed: u8) -> Gadget {
        let made = self.post("/v1/devices", by, body).await.expect(201).json();
        let gadget = Gadget::new(made["id"].as_str().unwrap(), seed);
        let code = made["enrolment"]["code"].as_str().unwrap();
        self.join(code, &gadget).await.expect(200);
        gadget
    }

    /// A challenge for the device.
    pub async fn challenge(&self, device: &str) -> String {
        self.knock("/v1/auth/device/challenge", &json!({"device": device}))
            .await
            .expect(200)
            .field("challenge")
    }

    /// Tries to log the device in.
    pub async fn sign_in(&self, gadget: &Gadget) -> Reply {
        let challenge = self.challenge(&gadget.id).await;
        self.knock("/v1/auth/device", &gadget.answer(&challenge)).await
    }
}
