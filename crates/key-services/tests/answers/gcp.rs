//! What the answers of Google Cloud mean.
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use data_encoding::BASE64;
use keepgate_crypto_keys::Wrapped;
use keepgate_key_services::gcp::{Gcp, Settings};
use keepgate_outward::Trust;
use serde_json::{Value, json};
use url::Url;

use crate::{
    stand_in::{Heard, Reply, StandIn, says},
    table::{CANARY, LIMITS, each_call, everywhere, got, key_word, unwrapped, wraps},
};

const KEY: &str = "projects/p/locations/eu/keyRings/r/cryptoKeys/k";
const SECRET: &str = "projects/p/secrets/s";

fn gcp(url: &Url) -> Arc<Gcp> {
    Gcp::new(Settings {
        kms_url: Some(url.clone()),
        secrets_url: Some(url.clone()),
        metadata_url: Some(url.clone()),
        account: "default".to_owned(),
        trust: Trust::Public,
        limits: LIMITS,
    })
    .unwrap()
}

fn token(seconds: u64) -> Reply {
    let token = json!({"access_token": CANARY, "expires_in": seconds, "token_type": "Bearer"});
    Reply::Says(200, &[("metadata-flavor", "Google")], token.to_string())
}

fn is_metadata(heard: &Heard) -> bool {
    heard.is("GET /computeMetadata/v1/instance/service-accounts/default/token ")
}

async fn answering(reply: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> StandIn {
    StandIn::start(move |heard| {
        if is_metadata(heard) {
            assert_eq!(heard.header("metadata-flavor"), Some("Google"));
            return token(3600);
        }
        let bearer = format!("Bearer {CANARY}");
        assert_eq!(heard.header("authorization"), Some(bearer.as_str()));
        reply(heard)
    })
    .await
}

fn wrapped() -> Wrapped {
    Wrapped {
        kek: format!("gcp:{KEY}:v2"),
        bytes: vec![1, 2, 3],
    }
}

fn refusal(code: u16, status: &str) -> Reply {
    says(
        code,
        json!({"error": {"code": code, "status": status, "message": CANARY}}).to_string(),
    )
}

#[tokio::test]
async fn what_every_service_may_answer_is_understood() {
    for (reply, word) in everywhere() {
        let same = reply.clone();
        let there = answering(move |_| same.clone()).await;
        let gcp = gcp(&there.url);
        for (call, error) in each_call(&gcp.keys(KEY).unwrap(), &wrapped()).await {
            assert_eq!(key_word(&error.unwrap()), word, "{call}: {reply:?}");
        }
        assert_eq!(got(&gcp.secrets(), SECRET, None).await, word, "{reply:?}");
        assert!(there.heard("elsewhere").is_empty());
    }
    let gone = gcp(&"http://127.0.0.1:9".parse().unwrap());
    assert_eq!(wraps(&gone.keys(KEY).unwrap()).await, "down");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for (code, status, of_keys, of_secrets) in [
        (400, "INVALID_ARGUMENT", "wrong-key", "not-found"),
        (400, "FAILED_PRECONDITION", "revoked", "revoked"),
        (401, "UNAUTHENTICATED", "denied", "denied"),
        (403, "PERMISSION_DENIED", "denied", "denied"),
        (404, "NOT_FOUND", "no-key", "not-found"),
        (429, "RESOURCE_EXHAUSTED", "throttled", "throttled"),
        (503, "UNAVAILABLE", "down", "down"),
        (504, "DEADLINE_EXCEEDED", "slow", "slow"),
    ] {
        let there = answering(move |_| refusal(code, status)).await;
        let gcp = gcp(&there.url);
        assert_eq!(
            unwrapped(&gcp.keys(KEY).unwrap(), &wrapped()).await,
            of_keys,
            "{status}"
        );
        assert_eq!(got(&gcp.secrets(), SECRET, None).await, of_secrets, "{status}");
    }
}

fn crc(bytes: &[u8]) -> String {
    crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(bytes).to_string()
}

#[tokio::test]
async fn what_was_damaged_on_its_way_is_not_used() {
    let good = json!({"name": format!("{KEY}/cryptoKeyVersions/2"), "ciphertext": "AQID", "ciphertextCrc32c": crc(&[1, 2, 3]),
        "verifiedPlaintextCrc32c": true, "verifiedAdditionalAuthenticatedDataCrc32c": true});
    for (name, value, word) in [
        ("none", Value::Null, "ok"),
        ("ciphertextCrc32c", json!("1"), "strange"),
        ("ciphertext", json!("AQIE"), "strange"),
        ("verifiedPlaintextCrc32c", json!(false), "strange"),
        ("verifiedAdditionalAuthenticatedDataCrc32c", json!(false), "strange"),
        (
            "name",
            json!("projects/p/locations/eu/keyRings/r/cryptoKeys/other/cryptoKeyVersions/2"),
            "strange",
        ),
    ] {
        let mut answer = good.clone();
        answer[name] = value;
        let there = answering(move |_| says(200, answer.to_string())).await;
        assert_eq!(wraps(&gcp(&there.url).keys(KEY).unwrap()).await, word, "{name}");
        let asked: Value = serde_json::from_str(&there.heard(":encrypt ")[0].body).unwrap();
        assert_eq!(asked["plaintextCrc32c"], crc(&[7; 32]));
        let bound = crate::table::context().as_str().as_bytes().to_vec();
        assert_eq!(asked["additionalAuthenticatedData"], BASE64.encode(&bound));
        assert_eq!(asked["additionalAuthenticatedDataCrc32c"], crc(&bound));
    }
    for (sum, word) in [(crc(&[7; 32]), "ok"), (crc(&[8; 32]), "strange")] {
        let answer = json!({"plaintext": BASE64.encode(&[7; 32]), "plaintextCrc32c": sum}).to_string();
        let there = answering(move |_| says(200, answer.clone())).await;
        assert_eq!(unwrapped(&gcp(&there.url).keys(KEY).unwrap(), &wrapped()).await, word);
    }
    for (sum, word) in [
        (crc(b"abc"), "ok"),
        (crc(b"abd"), "unusable"),
        (String::new(), "unusable"),
    ] {
        let answer = json!({"name": "projects/123/secrets/s/versions/4", "payload": {"data": BASE64.encode(b"abc"), "dataCrc32c": sum}});
        let there = answering(move |_| says(200, answer.to_string())).await;
        assert_eq!(got(&gcp(&there.url).secrets(), SECRET, None).await, word);
        assert_eq!(
            there
                .heard("GET /v1/projects/p/secrets/s/versions/latest:access ")
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn a_row_does_not_choose_the_key() {
    let there = answering(|_| panic!("it is not asked")).await;
    let keys = gcp(&there.url).keys(KEY).unwrap();
    for kek in [
        "gcp:projects/p/locations/eu/keyRings/r/cryptoKeys/other:v2",
        "aws:x:v1",
        "",
    ] {
        let other = Wrapped {
            kek: kek.to_owned(),
            ..wrapped()
        };
        assert_eq!(unwrapped(&keys, &other).await, "wrong-key", "{kek}");
    }
    for name in [
        "",
        "k",
        "projects/p/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
        "projects/p/locations/../keyRings/r/cryptoKeys/k",
    ] {
        assert!(gcp(&there.url).keys(name).is_err(), "{name}");
    }
    for name in [
        "",
        "s",
        "projects/p/secrets/s/versions/1",
        "projects/p/secrets/a:b/../c",
    ] {
        assert_eq!(got(&gcp(&there.url).secrets(), name, None).await, "unusable", "{name}");
    }
}

#[tokio::test]
async fn only_the_metadata_server_tells_who_we_are() {
    let stray = StandIn::start(|heard| match is_metadata(heard) {
        true => says(
            200,
            json!({"access_token": CANARY, "expires_in": 3600, "token_type": "Bearer"}).to_string(),
        ),
        false => panic!("a token from nowhere is shown to nobody"),
    })
    .await;
    assert_eq!(got(&gcp(&stray.url).secrets(), SECRET, None).await, "strange");
    let empty = StandIn::start(|_| Reply::Says(404, &[("metadata-flavor", "Google")], String::new())).await;
    assert_eq!(got(&gcp(&empty.url).secrets(), SECRET, None).await, "denied");
}

#[tokio::test]
async fn a_token_is_fetched_anew_a_minute_before_its_end_or_when_refused() {
    let found = || {
        says(
            200,
            json!({"name": "projects/p/secrets/s/versions/4", "payload": {"data": "YQ==", "dataCrc32c": crc(b"a")}})
                .to_string(),
        )
    };
    for (seconds, fetched) in [(3600, 1), (61, 1), (60, 3)] {
        let there = StandIn::start(move |heard| match is_metadata(heard) {
            true => token(seconds),
            false => found(),
        })
        .await;
        let store = gcp(&there.url).secrets();
        for _ in 0..3 {
            assert_eq!(got(&store, SECRET, None).await, "ok");
        }
        assert_eq!(there.heard("/token ").len(), fetched, "{seconds}");
    }
    let calls = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&calls);
    let there = StandIn::start(move |heard| match is_metadata(heard) {
        true => token(3600),
        false if count.fetch_add(1, Ordering::Relaxed) == 1 => refusal(401, "UNAUTHENTICATED"),
        false => found(),
    })
    .await;
    let store = gcp(&there.url).secrets();
    assert_eq!(got(&store, SECRET, None).await, "ok");
    // A token that was fetched a moment ago is not replaced: whoever refuses it would refuse the next one, too.
    assert_eq!(got(&store, SECRET, None).await, "denied");
    tokio::time::sleep(LIMITS.timeout).await;
    calls.store(1, Ordering::Relaxed);
    assert_eq!(got(&store, SECRET, None).await, "ok");
    assert_eq!(there.heard("/token ").len(), 2);
}
