//! What the answers of AWS mean.
use std::sync::Arc;

use data_encoding::BASE64;
use keepgate_crypto_keys::{KeyService, RootState, Wrapped};
use keepgate_kernel::SystemClock;
use keepgate_key_services::aws::{Aws, Identity, Settings};
use keepgate_outward::Trust;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use crate::{
    stand_in::{Heard, Reply, StandIn, says},
    table::{CANARY, LIMITS, each_call, everywhere, got, key_word, unwrapped, wraps},
};

const ARN: &str = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

pub fn aws(url: &Url, identity: Identity) -> Arc<Aws> {
    let settings = Settings {
        region: "eu-central-1".to_owned(),
        kms_url: Some(url.clone()),
        secrets_url: Some(url.clone()),
        sts_url: Some(url.clone()),
        trust: Trust::Public,
        identity,
        limits: LIMITS,
    };
    Aws::new(settings, Arc::new(SystemClock)).unwrap()
}

pub fn access_key() -> Identity {
    Identity::AccessKey {
        id: "AKIAEXAMPLE".to_owned(),
        secret: SecretString::from(CANARY).into(),
        session_token: None,
    }
}

fn wrapped() -> Wrapped {
    Wrapped {
        kek: format!("aws:{ARN}:v2"),
        bytes: vec![1, 2, 3],
    }
}

fn described(state: &str, usage: &str) -> Value {
    json!({"KeyMetadata": {"Arn": ARN, "KeyState": state, "KeyUsage": usage, "CreationDate": 1_795_366_914.5, "KeySpec": "SYMMETRIC_DEFAULT"}})
}

/// A KMS with one key that was rotated once.
fn kms(heard: &Heard) -> Value {
    match heard
        .header("x-amz-target")
        .unwrap()
        .strip_prefix("TrentService.")
        .unwrap()
    {
        "DescribeKey" => described("Enabled", "ENCRYPT_DECRYPT"),
        "ListKeyRotations" => {
            json!({"Rotations": [{"KeyId": "x", "RotationDate": 1_795_366_999.0, "RotationType": "ON_DEMAND"}], "Truncated": false})
        }
        "Encrypt" => json!({"KeyId": ARN, "CiphertextBlob": "AQID"}),
        "Decrypt" => json!({"KeyId": ARN, "Plaintext": BASE64.encode(&[7; 32])}),
        other => panic!("{other}"),
    }
}

fn refusal(kind: &str) -> Reply {
    says(
        400,
        json!({"__type": format!("com.amazonaws.x#{kind}"), "message": CANARY}).to_string(),
    )
}

#[tokio::test]
async fn what_every_service_may_answer_is_understood() {
    for (reply, word) in everywhere() {
        let same = reply.clone();
        let there = StandIn::start(move |_| same.clone()).await;
        let aws = aws(&there.url, access_key());
        for (call, error) in each_call(&aws.keys("alias/root").unwrap(), &wrapped()).await {
            assert_eq!(key_word(&error.unwrap()), word, "{call}: {reply:?}");
        }
        assert_eq!(got(&aws.secrets(), "name", None).await, word, "{reply:?}");
        assert!(there.heard("elsewhere").is_empty());
    }
    let gone = aws(&"http://127.0.0.1:9".parse().unwrap(), access_key());
    assert_eq!(wraps(&gone.keys("alias/root").unwrap()).await, "down");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for (kind, of_keys, of_secrets) in [
        ("ThrottlingException", "throttled", "throttled"),
        ("AccessDeniedException", "denied", "denied"),
        ("ExpiredTokenException", "denied", "denied"),
        ("UnrecognizedClientException", "denied", "denied"),
        ("InvalidSignatureException", "denied", "denied"),
        ("NotFoundException", "no-key", "strange"),
        ("InvalidCiphertextException", "wrong-key", "strange"),
        ("IncorrectKeyException", "wrong-key", "strange"),
        ("DisabledException", "revoked", "strange"),
        ("KMSInvalidStateException", "revoked", "strange"),
        ("DependencyTimeoutException", "slow", "strange"),
        ("InvalidKeyUsageException", "unsupported", "strange"),
        ("ResourceNotFoundException", "strange", "not-found"),
        ("InvalidRequestException", "strange", "revoked"),
        ("DecryptionFailure", "strange", "denied"),
        ("InternalServiceError", "strange", "down"),
        ("SomethingNew", "strange", "strange"),
    ] {
        let there = StandIn::start(move |_| refusal(kind)).await;
        let aws = aws(&there.url, access_key());
        assert_eq!(unwrapped(&aws.keys(ARN).unwrap(), &wrapped()).await, of_keys, "{kind}");
        assert_eq!(got(&aws.secrets(), "name", None).await, of_secrets, "{kind}");
    }
}

#[tokio::test]
async fn a_version_is_one_more_than_the_rotations() {
    let there = StandIn::start(|heard| says(200, kms(heard).to_string())).await;
    let keys = aws(&there.url, access_key()).keys("alias/root").unwrap();
    let made = keys.wrap(&crate::table::context(), &[7; 32]).await.unwrap();
    assert_eq!((made.kek, made.bytes), (format!("aws:{ARN}:v2"), vec![1, 2, 3]));
    let told = keys.describe().await.unwrap();
    let states: Vec<_> = told.versions.iter().map(|version| version.state).collect();
    assert_eq!(states, [RootState::Active, RootState::Deactivated]);
    assert_eq!(told.current, format!("aws:{ARN}:v2"));
    // Rotation is asked for and does not happen in time.
    let there = StandIn::start(|heard| match heard.header("x-amz-target") {
        Some("TrentService.RotateKeyOnDemand") => says(200, "{}"),
        _ => says(200, kms(heard).to_string()),
    })
    .await;
    let keys = aws(&there.url, access_key()).keys("alias/root").unwrap();
    assert_eq!(key_word(&keys.rotate().await.unwrap_err()), "slow");
}

#[tokio::test]
async fn a_row_does_not_choose_the_key() {
    let there = StandIn::start(|heard| says(200, kms(heard).to_string())).await;
    let keys = aws(&there.url, access_key()).keys("alias/root").unwrap();
    assert_eq!(unwrapped(&keys, &wrapped()).await, "ok");
    let asked: Value = serde_json::from_str(&there.heard("POST / ")[0].body).unwrap();
    assert_eq!(asked["KeyId"], "alias/root");
    assert_eq!(
        asked["EncryptionContext"],
        json!({"keepgate": crate::table::context().as_str()})
    );
    for kek in ["aws:arn:aws:kms:eu-central-1:666:key/x:v2", "aws:x", "gcp:x:v1", ""] {
        let other = Wrapped {
            kek: kek.to_owned(),
            ..wrapped()
        };
        assert_eq!(unwrapped(&keys, &other).await, "wrong-key", "{kek}");
    }
}

#[tokio::test]
async fn a_key_of_an_unfit_kind_or_state_is_seen() {
    let there = StandIn::start(|_| says(200, described("Enabled", "SIGN_VERIFY").to_string())).await;
    assert_eq!(
        wraps(&aws(&there.url, access_key()).keys(ARN).unwrap()).await,
        "unsupported"
    );
    let there = StandIn::start(|heard| match heard.header("x-amz-target") {
        Some("TrentService.DescribeKey") => says(200, described("PendingDeletion", "ENCRYPT_DECRYPT").to_string()),
        _ => says(200, kms(heard).to_string()),
    })
    .await;
    let told = aws(&there.url, access_key())
        .keys(ARN)
        .unwrap()
        .describe()
        .await
        .unwrap();
    assert!(
        told.versions
            .iter()
            .all(|version| version.state == RootState::Suspended)
    );
}

#[tokio::test]
async fn answers_of_secrets_manager_are_told_apart() {
    let text = |text: &str| json!({"VersionId": "v-1", "SecretString": text}).to_string();
    for (name, answer, word) in [
        ("name", text(CANARY), "ok"),
        (
            "name",
            json!({"VersionId": "v-1", "SecretBinary": "AAEC"}).to_string(),
            "ok",
        ),
        ("name#a", text(&json!({"a": CANARY}).to_string()), "ok"),
        ("name#b", text(&json!({"a": CANARY}).to_string()), "not-found"),
        ("name#a", text(&json!({"a": 1}).to_string()), "unusable"),
        ("name#a", text(CANARY), "unusable"),
        (
            "name#a",
            json!({"VersionId": "v-1", "SecretBinary": "AAEC"}).to_string(),
            "unusable",
        ),
        ("name", text(""), "unusable"),
        ("name", json!({"VersionId": "v-1"}).to_string(), "strange"),
        (
            "name",
            json!({"VersionId": "v-2", "SecretString": "x"}).to_string(),
            "strange",
        ),
        ("", text("x"), "unusable"),
        ("name#", text("x"), "unusable"),
    ] {
        let there = StandIn::start(move |_| says(200, answer.clone())).await;
        let store = aws(&there.url, access_key()).secrets();
        assert_eq!(got(&store, name, Some("v-1")).await, word, "{name}");
    }
}
