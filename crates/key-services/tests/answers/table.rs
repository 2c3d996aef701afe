//! Answers that mean the same at every service.
use std::{error::Error, time::Duration};

use keepgate_crypto_keys::{KeyService, KeyServiceError, SecretError, SecretStore, Wrapped};
use keepgate_key_services::Limits;

use crate::stand_in::{Reply, says};

/// What may appear in an answer or a credential, and in no error.
pub const CANARY: &str = "c4n4ryc4n4ry";

pub const LIMITS: Limits = Limits {
    timeout: Duration::from_millis(700),
    poll: Duration::from_millis(50),
};

/// Answers, and the word for what they mean.
pub fn everywhere() -> Vec<(Reply, &'static str)> {
    let elsewhere = Reply::Says(307, &[("location", "/elsewhere")], String::new());
    vec![
        (Reply::Hangs, "slow"),
        (Reply::HangsUp, "down"),
        (Reply::Half, "down"),
        (says(500, CANARY), "down"),
        (says(502, "<html>"), "down"),
        (says(503, r#"{"errors":["it is sealed"]}"#), "down"),
        (says(504, ""), "slow"),
        (says(429, CANARY), "throttled"),
        (says(403, format!(r#"{{"errors":["{CANARY}"]}}"#)), "denied"),
        (elsewhere, "strange"),
        (says(200, ""), "strange"),
        (says(200, CANARY), "strange"),
        (says(200, "[]"), "strange"),
        (says(200, format!(r#"{{"data":{{"{CANARY}":1}}}}"#)), "strange"),
        (
            says(200, format!(r#"{{"pad":"{}"}}"#, "x".repeat(300 * 1024))),
            "strange",
        ),
        (says(418, "{}"), "strange"),
    ]
}

/// The word for an error, which tells nothing that it should not.
pub fn key_word(error: &KeyServiceError) -> &'static str {
    quiet(error);
    error.word()
}

pub fn secret_word(error: &SecretError) -> &'static str {
    quiet(error);
    match error {
        SecretError::Slow => "slow",
        SecretError::Down(_) => "down",
        SecretError::Throttled => "throttled",
        SecretError::Denied(_) => "denied",
        SecretError::NotFound => "not-found",
        SecretError::Revoked => "revoked",
        SecretError::Unusable(_) => "unusable",
        SecretError::Strange(_) => "strange",
    }
}

fn quiet(error: &(dyn Error + 'static)) {
    let mut all = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        all.push_str(&error.to_string());
        next = error.source();
    }
    assert!(!all.contains(CANARY), "{all}");
}

/// What each of the four calls answers.
pub async fn each_call(service: &dyn KeyService, wrapped: &Wrapped) -> [(&'static str, Option<KeyServiceError>); 4] {
    let context = context();
    [
        ("wrap", service.wrap(&context, &[7; 32]).await.err()),
        ("unwrap", service.unwrap(&context, wrapped).await.err()),
        ("rotate", service.rotate().await.err()),
        ("describe", service.describe().await.err()),
    ]
}

pub fn context() -> keepgate_crypto_keys::KeyContext {
    keepgate_crypto_keys::KeyContext::new("dek", b"owner", 1)
}

/// The word for what a secret store answers, or `ok`.
pub async fn got(store: &dyn SecretStore, name: &str, version: Option<&str>) -> &'static str {
    match store.get(name, version).await {
        Ok(found) => {
            assert!(!format!("{found:?}").contains(CANARY));
            "ok"
        }
        Err(error) => secret_word(&error),
    }
}

/// The word for what unwrapping answers, or `ok`.
pub async fn unwrapped(service: &dyn KeyService, wrapped: &Wrapped) -> &'static str {
    match service.unwrap(&context(), wrapped).await {
        Ok(_) => "ok",
        Err(error) => key_word(&error),
    }
}

/// The word for what wrapping answers, or `ok`.
pub async fn wraps(service: &dyn KeyService) -> &'static str {
    match service.wrap(&context(), &[7; 32]).await {
        Ok(_) => "ok",
        Err(error) => key_word(&error),
    }
}
