//! Hostile tokens: each is refused, and for its own reason.
mod forms;
mod lies;

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use data_encoding::{BASE64, BASE64URL_NOPAD as B64};
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, SessionId, TenantId, Timestamp};
use serde_json::{Value, json};

use super::{
    KeyRing, TokenError,
    TokenError::{Claims, Expired, Malformed, NotYet, Signature},
    Tokens,
};
use crate::LoggedIn;

const SEED: [u8; 32] = [11; 32]; // fixture

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn tokens() -> Tokens {
    Tokens::new(KeyRing::new(&SEED, &[]).unwrap(), "https://kg", "kg-api")
}

fn session() -> LoggedIn {
    LoggedIn {
        session: SessionId::new(now()),
        principal: PrincipalId::new(PrincipalKind::User, now()),
        tenant: TenantId::new(now()),
        level: Level::Operator,
        unit: None,
        hat: None,
        factors: keepgate_policy::Factors::One,
        expires_at: now() + chrono::TimeDelta::hours(8),
        rev: 7,
    }
}

fn good() -> Value {
    let at = now().timestamp();
    let s = session();
    json!({
        "iss": "https://kg", "aud": "kg-api", "sub": s.principal, "sid": s.session, "jti": "j1", "tid": s.tenant,
        "lvl": 2, "auth_time": at, "acr": "one", "rev": 7, "iat": at, "nbf": at, "exp": at + 28_800
    })
}

fn kid() -> String {
    KeyRing::new(&SEED, &[]).unwrap().active_kid().to_owned()
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid() })
}

fn with(key: &str, value: Value) -> Value {
    let mut claims = good();
    claims[key] = value;
    claims
}

fn without(key: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(key);
    claims
}

fn headed(extra: Value) -> Value {
    let mut all = header();
    all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    all
}

fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", B64.encode(header.as_bytes()), B64.encode(claims.as_bytes()))
}

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap()
}

/// Signed with our own key: only the wrapper can refuse it.
fn ours(header: &str, claims: &str) -> String {
    let message = message(header, claims);
    format!("{message}.{}", B64.encode(pair().sign(message.as_bytes()).as_ref()))
}

fn ed(header: &Value, claims: &Value) -> String {
    ours(&header.to_string(), &claims.to_string())
}

fn hs(header: &Value, key: &[u8]) -> String {
    let message = message(&header.to_string(), &good().to_string());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
    format!("{message}.{}", B64.encode(tag.as_ref()))
}

fn foreign(header: &Value) -> String {
    let (message, thief) = (
        message(&header.to_string(), &good().to_string()),
        Ed25519KeyPair::from_seed_unchecked(&[12; 32]).unwrap(),
    );
    format!("{message}.{}", B64.encode(thief.sign(message.as_bytes()).as_ref()))
}

/// The same signature with S + L in place of S.
fn malleated() -> String {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let token = ed(&header(), &good());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = B64.decode(signature.as_bytes()).unwrap();
    let mut carry = 0u16;
    for (byte, order) in bytes[32..].iter_mut().zip(L) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = u8::try_from(carry & 0xff).unwrap();
        carry >>= 8;
    }
    format!("{message}.{}", B64.encode(&bytes))
}

fn forgeries() -> Vec<(&'static str, String, TokenError)> {
    let token = ed(&header(), &good());
    let signature = token.rsplit_once('.').unwrap().1.to_owned();
    let public = pair().public_key().as_ref().to_vec();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        BASE64.encode(&[&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &public].concat())
    );
    let none = |alg: &str| headed(json!({ "alg": alg })).to_string();
    let jwk = headed(json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": B64.encode(&public) } }));
    vec![
        (
            "alg none, empty signature",
            format!("{}.", message(&none("none"), &good().to_string())),
            Malformed,
        ),
        (
            "alg nOnE, old signature",
            format!("{}.{signature}", message(&none("nOnE"), &good().to_string())),
            Malformed,
        ),
        (
            "signature stripped",
            token[..=token.rfind('.').unwrap()].to_owned(),
            Signature,
        ),
        (
            "payload swapped, signature kept",
            format!(
                "{}.{signature}",
                message(&header().to_string(), &with("lvl", json!(7)).to_string())
            ),
            Signature,
        ),
        (
            "HS256 with the public key as PEM",
            hs(&headed(json!({ "alg": "HS256" })), pem.as_bytes()),
            Malformed,
        ),
        (
            "HS256 with the raw public key",
            hs(&headed(json!({ "alg": "HS256" })), &public),
            Malformed,
        ),
        (
            "HS256 with an empty key",
            hs(&headed(json!({ "alg": "HS256" })), b""),
            Malformed,
        ),
        ("EdDSA header over an HMAC", hs(&header(), &public), Signature),
        ("embedded jwk", foreign(&jwk), Malformed),
        ("another's key under our kid", foreign(&header()), Signature),
        (
            "jku and x5u",
            ed(
                &headed(json!({ "jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/" })),
                &good(),
            ),
            Malformed,
        ),
        (
            "kid of a file",
            ed(&headed(json!({ "kid": "../../../dev/null" })), &good()),
            Signature,
        ),
        (
            "no kid",
            ed(&json!({ "alg": "EdDSA", "typ": "at+jwt" }), &good()),
            Malformed,
        ),
        (
            "crit with an unknown extension",
            ed(&headed(json!({ "crit": ["x-kg"], "x-kg": 1 })), &good()),
            Malformed,
        ),
        (
            "crit b64:false",
            ed(&headed(json!({ "crit": ["b64"], "b64": false })), &good()),
            Malformed,
        ),
        ("an ID token", ed(&headed(json!({ "typ": "JWT" })), &good()), Malformed),
        (
            "duplicate alg",
            ours(
                &header().to_string().replacen('{', r#"{"alg":"none","#, 1),
                &good().to_string(),
            ),
            Malformed,
        ),
    ]
}

fn bad_claims() -> Vec<(&'static str, String, TokenError)> {
    let at = now().timestamp();
    let claims = |claims: &Value| ed(&header(), claims);
    let raw = |from: &str, to: &str| ours(&header().to_string(), &good().to_string().replacen(from, to, 1));
    let exp = format!("\"exp\":{}", at + 28_800);
    let past = |ago: i64| {
        let mut c = with("exp", json!(at - ago));
        c["iat"] = json!(at - 3600);
        c["nbf"] = json!(at - 3600);
        c["auth_time"] = json!(at - 3600);
        c
    };
    vec![
        ("expired this second", claims(&past(0)), Expired),
        ("expired 30 s ago", claims(&past(30)), Expired),
        ("expired 61 s ago", claims(&past(61)), Expired),
        ("no exp", claims(&without("exp")), Claims),
        ("exp as a string", claims(&with("exp", json!("99999999999"))), Claims),
        ("exp 1e300", raw(&exp, "\"exp\":1e300"), Claims),
        ("exp as a fraction", raw(&exp, &format!("{exp}.5")), Claims),
        ("exp negative", claims(&with("exp", json!(-1))), Claims),
        (
            "exp at the edge of numbers",
            claims(&with("exp", json!(i64::MIN))),
            Claims,
        ),
        ("exp a year ahead", claims(&with("exp", json!(at + 31_536_000))), Claims),
        ("nbf in one hour", claims(&with("nbf", json!(at + 3600))), NotYet),
        (
            "iat in one hour",
            {
                let mut c = with("iat", json!(at + 3600));
                c["exp"] = json!(at + 7200);
                claims(&c)
            },
            NotYet,
        ),
        ("aud missing", claims(&without("aud")), Claims),
        ("aud of another", claims(&with("aud", json!("other"))), Claims),
        (
            "aud a list with ours",
            claims(&with("aud", json!(["other", "kg-api"]))),
            Claims,
        ),
        ("iss missing", claims(&without("iss")), Claims),
        ("iss of another", claims(&with("iss", json!("https://evil"))), Claims),
        (
            "iss a list with ours",
            claims(&with("iss", json!(["https://evil", "https://kg"]))),
            Claims,
        ),
        ("sub missing", claims(&without("sub")), Claims),
        (
            "sub of Keepgate itself",
            claims(&with("sub", json!(PrincipalId::system(session().tenant)))),
            Claims,
        ),
        ("jti missing", claims(&without("jti")), Claims),
        ("sid missing", claims(&without("sid")), Claims),
        ("a level that does not exist", claims(&with("lvl", json!(8))), Claims),
        ("an unknown claim", claims(&with("scope", json!("all"))), Claims),
        (
            "duplicate sub",
            raw("\"sub\"", "\"sub\":\"usr_00000000000000000000000000\",\"sub\""),
            Claims,
        ),
    ]
}

#[test]
fn the_honest_token_is_accepted() {
    let claims = tokens().verify(&ed(&header(), &good()), now()).unwrap();
    assert_eq!((claims.jti.as_str(), claims.lvl), ("j1", Level::Operator));
}

#[test]
fn every_hostile_token_is_refused_for_its_own_reason() {
    let all = [forgeries(), bad_claims(), lies::lies(), forms::bad_forms()].concat();
    assert!(all.len() >= 38, "{}", all.len());
    for (name, token, reason) in all {
        assert_eq!(tokens().verify(&token, now()), Err(reason), "{name}");
    }
}

#[test]
fn a_token_says_what_its_session_is_and_dies_after_eight_hours() {
    let session = session();
    let token = tokens().issue(&session, now()).unwrap();
    assert_eq!(token.expires_in, 28_800);
    let claims = tokens().verify(token.expose(), now()).unwrap();
    assert_eq!(
        (claims.sub, claims.sid, claims.tid),
        (session.principal, session.session, session.tenant)
    );
    let end = now() + chrono::TimeDelta::hours(8);
    assert!(
        tokens()
            .verify(token.expose(), end - chrono::TimeDelta::seconds(1))
            .is_ok()
    );
    assert_eq!(tokens().verify(token.expose(), end), Err(Expired));
}

#[test]
fn a_session_s_later_end_does_not_lengthen_the_token() {
    let session = LoggedIn {
        expires_at: now() + chrono::TimeDelta::hours(9),
        ..session()
    };
    assert_eq!(tokens().issue(&session, now()).unwrap().expires_in, 28_800);
}

#[test]
fn a_clock_five_seconds_behind_is_forgiven_six_are_not() {
    let token = tokens().issue(&session(), now()).unwrap();
    assert!(
        tokens()
            .verify(token.expose(), now() - chrono::TimeDelta::seconds(5))
            .is_ok()
    );
    assert_eq!(
        tokens().verify(token.expose(), now() - chrono::TimeDelta::seconds(6)),
        Err(NotYet)
    );
}

#[test]
fn a_retired_key_still_verifies_and_is_published() {
    let old = tokens().issue(&session(), now()).unwrap();
    let rotated = Tokens::new(KeyRing::new(&[13; 32], &[SEED]).unwrap(), "https://kg", "kg-api");
    assert!(rotated.verify(old.expose(), now()).is_ok());
    let gone = Tokens::new(KeyRing::new(&[13; 32], &[]).unwrap(), "https://kg", "kg-api");
    assert_eq!(gone.verify(old.expose(), now()), Err(Signature));
    let published = serde_json::to_value(rotated.jwks(now())).unwrap();
    assert_eq!(published["keys"].as_array().unwrap().len(), 2);
    assert_eq!(published["keys"][1]["kid"], json!(kid()));
    assert_eq!(
        published["keys"][1]["x"],
        json!(B64.encode(pair().public_key().as_ref()))
    );
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_verifier_fall(text in "\\PC*") {
        proptest::prop_assert!(tokens().verify(&text, now()).is_err());
    }

    #[test]
    fn no_changed_byte_goes_unnoticed(place in 0usize..500, to in "[A-Za-z0-9_-]") {
        let token = ed(&header(), &good());
        let place = place % token.len();
        let mut changed = token.clone();
        changed.replace_range(place..=place, &to);
        proptest::prop_assume!(changed != token);
        proptest::prop_assert!(tokens().verify(&changed, now()).is_err());
    }
}
