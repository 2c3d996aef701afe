//! ID tokens that must be refused, each broken in one way only.
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{EncodingKey, Header as JwtHeader, encode};
use keepgate_kernel::{PrincipalId, PrincipalKind, Uuid};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::{Mapping, Ticket};

const NOW: &str = "2026-01-02T03:04:05Z";

struct Scene {
    provider: Provider,
    ticket: Ticket,
    keys: Keys,
    signer: EncodingKey,
    public: Value,
}

impl Scene {
    fn new() -> Self {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &aws_lc_rs::rand::SystemRandom::new())
                .unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
        let point = pair.public_key().as_ref();
        let public = json!({"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig",
            "x": BASE64URL_NOPAD.encode(&point[1..33]), "y": BASE64URL_NOPAD.encode(&point[33..])});
        let provider = Provider {
            name: "op".parse().unwrap(),
            issuer: "https://id.example".parse().unwrap(),
            client_id: "gw".into(),
            groups_claim: Some("groups".into()),
            mapping: Mapping::default(),
            jit: true,
            trust_mfa: true,
            configured_by: PrincipalId::from_parts(PrincipalKind::User, Uuid::nil()),
            updated_at: NOW.parse().unwrap(),
        };
        Self {
            provider,
            ticket: Ticket::random().unwrap(),
            keys: Keys::read(vec![public.clone()]),
            signer: EncodingKey::from_ec_der(document.as_ref()),
            public,
        }
    }

    fn now() -> i64 {
        NOW.parse::<Timestamp>().unwrap().timestamp()
    }

    fn claims(&self) -> Value {
        json!({"iss": "https://id.example", "sub": "42", "aud": "gw", "exp": Self::now() + 600, "iat": Self::now(),
            "auth_time": Self::now() - 10, "nonce": self.ticket.nonce(), "groups": ["a", "b"], "amr": ["pwd", "mfa"],
            "at_hash": half_hash("access", Algorithm::ES256), "email": "ann@example.org", "email_verified": true})
    }

    fn sign(&self, claims: &Value) -> String {
        let mut header = JwtHeader::new(Algorithm::ES256);
        header.kid = Some("k1".into());
        encode(&header, claims, &self.signer).unwrap()
    }

    fn judge(&self, token: String) -> Result<Verified, BadToken> {
        let tokens = Tokens {
            id_token: SecretString::from(token),
            access_token: SecretString::from("access"),
        };
        let rules = Rules {
            provider: &self.provider,
            ticket: &self.ticket,
            at: NOW.parse().unwrap(),
        };
        id_token(&tokens, &self.keys, rules)
    }

    fn broken(&self, member: &str, value: Value) -> Result<Verified, BadToken> {
        let mut claims = self.claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(member)),
            value => claims[member] = value,
        }
        self.judge(self.sign(&claims))
    }

    /// A token with this header and the real claims, signed over what it says with the real key.
    fn headed(&self, header: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let message = format!("{}.{}", part(header), part(&self.claims()));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.signer, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    }
}

#[test]
fn a_proper_token_is_believed_and_says_who_it_is() {
    let scene = Scene::new();
    let verified = scene.judge(scene.sign(&scene.claims())).unwrap();
    assert_eq!(
        (verified.issuer().as_str(), verified.subject()),
        ("https://id.example", "42")
    );
    assert_eq!(verified.groups(), ["a", "b"]);
    assert_eq!(
        (verified.factor(), verified.email()),
        (Factor::Two, Some("ann@example.org"))
    );
}

#[test]
fn every_claim_has_its_rule() {
    let scene = Scene::new();
    let now = Scene::now();
    let cases = [
        ("iss", json!("https://id.example/"), BadToken::Issuer),
        ("iss", json!("https://evil.example"), BadToken::Issuer),
        ("iss", Value::Null, BadToken::Malformed),
        ("aud", json!("another"), BadToken::Audience),
        ("aud", json!(["gw", "another"]), BadToken::Audience),
        ("aud", json!([]), BadToken::Audience),
        ("aud", Value::Null, BadToken::Malformed),
        ("azp", json!("another"), BadToken::Audience),
        ("nonce", json!("another"), BadToken::Nonce),
        ("nonce", json!(Ticket::random().unwrap().nonce()), BadToken::Nonce),
        ("nonce", Value::Null, BadToken::Nonce),
        ("exp", json!(now - 61), BadToken::Expired),
        ("exp", Value::Null, BadToken::Malformed),
        ("iat", json!(now + 120), BadToken::Expired),
        ("iat", json!(now - 3_600), BadToken::Expired),
        ("nbf", json!(now + 120), BadToken::Expired),
        ("auth_time", json!(now - 3_600), BadToken::TooLongAgo),
        ("auth_time", json!(i64::MIN), BadToken::TooLongAgo),
        ("auth_time", Value::Null, BadToken::TooLongAgo),
        (
            "at_hash",
            json!(half_hash("another", Algorithm::ES256)),
            BadToken::AccessToken,
        ),
        ("sub", json!(""), BadToken::Malformed),
        ("sub", json!("x".repeat(256)), BadToken::Malformed),
        ("sub", json!("a\u{0}b"), BadToken::Malformed),
        ("sub", json!(42), BadToken::Malformed),
    ];
    for (member, value, wanted) in cases {
        assert_eq!(scene.broken(member, value.clone()), Err(wanted), "{member} {value}");
    }
    assert!(scene.broken("aud", json!(["gw"])).is_ok() && scene.broken("azp", json!("gw")).is_ok());
}

#[test]
fn nothing_but_a_published_key_signs() {
    let scene = Scene::new();
    let stranger = Scene::new();
    let swapped = stranger.sign(&scene.claims());
    assert_eq!(scene.judge(swapped), Err(BadToken::Signature));
    let mut cut = scene.sign(&scene.claims());
    cut.truncate(cut.rfind('.').unwrap() + 1);
    assert_eq!(scene.judge(cut), Err(BadToken::Signature));
    for (header, wanted) in [
        (json!({"alg": "none"}), BadToken::Algorithm),
        (json!({"alg": "None", "kid": "k1"}), BadToken::Algorithm),
        (json!({"alg": "HS256", "kid": "k1"}), BadToken::Algorithm),
        (json!({"alg": "RS256", "kid": "k1"}), BadToken::UnknownKey),
        (json!({"alg": "ES384", "kid": "k1"}), BadToken::UnknownKey),
        (json!({"alg": "ES256", "kid": "k2"}), BadToken::UnknownKey),
        (
            json!({"alg": "ES256", "kid": "k1", "crit": ["exp"]}),
            BadToken::Malformed,
        ),
        (json!({"kid": "k1"}), BadToken::Malformed),
    ] {
        assert_eq!(scene.judge(scene.headed(&header)), Err(wanted), "{header}");
    }
    // A key in the header, or a place to fetch one from, means nothing.
    let own = json!({"alg": "ES256", "kid": "k2", "jwk": stranger.public, "jku": "https://evil.example/jwks"});
    assert_eq!(scene.judge(stranger.headed(&own)), Err(BadToken::UnknownKey));
    for bad in ["", ".", "..", "a.b.c", "a.b.c.d", "\u{0}"] {
        assert!(scene.judge(bad.to_owned()).is_err(), "{bad}");
    }
}

#[test]
fn second_factors_and_addresses_count_only_where_they_are_vouched_for() {
    let mut scene = Scene::new();
    let unverified = scene.broken("email_verified", json!(false)).unwrap();
    assert_eq!(unverified.email(), None);
    assert_eq!(
        scene.broken("amr", json!(["pwd"])).map(|verified| verified.factor()),
        Ok(Factor::One)
    );
    scene.provider.trust_mfa = false;
    assert_eq!(
        scene
            .judge(scene.sign(&scene.claims()))
            .map(|verified| verified.factor()),
        Ok(Factor::One)
    );
}

#[test]
fn a_token_without_a_key_id_needs_the_only_fitting_key() {
    let scene = Scene::new();
    let plain = scene.headed(&json!({"alg": "ES256"}));
    assert!(scene.judge(plain.clone()).is_ok());
    let mut two = Scene::new();
    two.keys = Keys::read(vec![scene.public.clone(), two.public.clone()]);
    (two.ticket, two.signer) = (scene.ticket.clone(), EncodingKey::from_secret(b""));
    assert_eq!(two.judge(plain), Err(BadToken::UnknownKey));
}
