//! Signatures as the other side would make and check them, with code that is not the product's.
use aws_lc_rs::hmac;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::Value;
use tokio::process::Command;

use crate::Heard;

/// HMAC-SHA1 (RFC 2104), base64.
pub fn hmac_sha1(key: &[u8], text: &str) -> String {
    BASE64.encode(
        hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key),
            text.as_bytes(),
        )
        .as_ref(),
    )
}

/// HMAC-SHA256, base64.
pub fn hmac_sha256(key: &[u8], content: &[u8]) -> String {
    BASE64.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content).as_ref())
}

/// Base64 as JOSE writes it (RFC 7515 section 2).
pub fn b64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The bytes behind [`b64`].
pub fn unb64(text: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
}

/// The header (0) or the claims (1) of a JWT, read without believing them.
pub fn jwt_part(token: &str, nth: usize) -> Value {
    serde_json::from_slice(&unb64(token.split('.').nth(nth).unwrap())).unwrap()
}

/// Whether one of the request's signatures `v1a` is by the public key (`whpk_…`), as openssl reads both.
pub async fn signed_by(heard: &Heard, public: &str) -> bool {
    let decode = |text: &str| BASE64.decode(text.as_bytes()).unwrap();
    let home = tempfile::tempdir().unwrap();
    // An Ed25519 key as RFC 8410 writes it.
    let head = data_encoding::HEXLOWER.decode(b"302a300506032b6570032100").unwrap();
    let key = [head, decode(public.strip_prefix("whpk_").expect("whpk_"))].concat();
    let (id, at) = (
        heard.header("webhook-id").unwrap(),
        heard.header("webhook-timestamp").unwrap(),
    );
    let signed = [format!("{id}.{at}.").as_bytes(), &heard.body].concat();
    let mut altered = signed.clone();
    altered[0] ^= 1;
    for (name, content) in [("key", key), ("signed", signed), ("altered", altered)] {
        std::fs::write(home.path().join(name), content).unwrap();
    }
    let signatures = heard.header("webhook-signature").unwrap();
    for signature in signatures.split(' ').filter_map(|one| one.strip_prefix("v1a,")) {
        std::fs::write(home.path().join("signature"), decode(signature)).unwrap();
        let mut good = [false; 2];
        for (good, content) in good.iter_mut().zip(["signed", "altered"]) {
            let told = Command::new("openssl")
                .current_dir(home.path())
                .args([
                    "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin",
                ])
                .args(["-sigfile", "signature", "-in", content])
                .output()
                .await
                .unwrap();
            *good = told.status.success();
        }
        assert!(!good[1], "what was altered");
        if good[0] {
            return true;
        }
    }
    false
}
