//! Texts that are not a token at all.
use serde_json::json;

use super::{Malformed, Signature, TokenError, ed, good, headed, header, malleated, ours, with};

pub(super) fn bad_forms() -> Vec<(&'static str, String, TokenError)> {
    let token = ed(&header(), &good());
    vec![
        (
            "header that is no object",
            ours("\"EdDSA\"", &good().to_string()),
            Malformed,
        ),
        ("five parts", format!("{token}.x.y"), Malformed),
        ("two parts", token[..token.rfind('.').unwrap()].to_owned(), Malformed),
        ("padding in the signature", format!("{token}="), Malformed),
        ("leading space", format!(" {token}"), Malformed),
        ("trailing newline", format!("{token}\n"), Malformed),
        (
            "standard base64 alphabet",
            format!("{}+/", &token[..token.len() - 2]),
            Malformed,
        ),
        (
            "64 kB header",
            ed(&headed(json!({ "x": "a".repeat(65_536) })), &good()),
            Malformed,
        ),
        (
            "just over 4 KiB",
            ed(&header(), &with("jti", json!("a".repeat(4096)))),
            Malformed,
        ),
        ("malleable signature, S + L", malleated(), Signature),
        ("empty", String::new(), Malformed),
        ("only dots", "..".into(), Malformed),
    ]
}
