//! Claims of the right name with a value that is none.
use serde_json::json;

use super::{Claims, TokenError, ed, header, kid, now, ours, session, with, without};

/// Each is signed with our own key: only the claims are wrong.
pub(super) fn lies() -> Vec<(&'static str, String, TokenError)> {
    let at = now().timestamp();
    let claims = |claims| ed(&header(), &claims);
    vec![
        ("auth_time missing", claims(without("auth_time")), Claims),
        ("auth_time after iat", claims(with("auth_time", json!(at + 1))), Claims),
        (
            "auth_time as a string",
            claims(with("auth_time", json!(at.to_string()))),
            Claims,
        ),
        (
            "auth_time beyond time",
            claims(with("auth_time", json!(i64::MIN))),
            Claims,
        ),
        ("acr missing", claims(without("acr")), Claims),
        ("acr of another scheme", claims(with("acr", json!("phr"))), Claims),
        ("acr in capitals", claims(with("acr", json!("Two"))), Claims),
        ("acr a list", claims(with("acr", json!(["one", "two"]))), Claims),
        ("a hat that does not exist", claims(with("hat", json!("admin"))), Claims),
        ("two hats", claims(with("hat", json!(["auditor", "billing"]))), Claims),
        ("a negative rev", claims(with("rev", json!(-1))), Claims),
        ("rev as a fraction", claims(with("rev", json!(7.5))), Claims),
        (
            "a unit of another kind",
            claims(with("unt", json!(session().session))),
            Claims,
        ),
        (
            "sub of another kind",
            claims(with("sub", json!(session().tenant))),
            Claims,
        ),
        ("level as a string", claims(with("lvl", json!("7"))), Claims),
        ("level of Keepgate's own worker", claims(with("lvl", json!(0))), Claims),
        ("jti empty", claims(with("jti", json!(""))), Claims),
        ("nbf missing", claims(without("nbf")), Claims),
        ("iat missing", claims(without("iat")), Claims),
        ("iat after exp", claims(with("iat", json!(at + 28_801))), Claims),
        ("the kid as a claim", claims(with("kid", json!(kid()))), Claims),
        ("claims that are a list", ours(&header().to_string(), "[]"), Claims),
    ]
}
