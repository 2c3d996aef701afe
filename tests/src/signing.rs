//! Signatures as the other side would make and check them, with code that is not the product's.
use aws_lc_rs::hmac;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::Value;

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
