//! Who we are at AWS: each way to credentials, their end, and what the signature covers.
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use chrono::TimeDelta;
use keepgate_kernel::{Clock, SystemClock, format_time};
use keepgate_key_services::{BadSettings, aws::Identity};
use secrecy::SecretString;
use serde_json::json;

use crate::{
    aws::{access_key, aws},
    stand_in::{Heard, Reply, StandIn, says},
    table::{CANARY, got},
};

fn secret() -> Reply {
    says(200, json!({"VersionId": "1", "SecretString": "x"}).to_string())
}

fn credentials(id: &str, minutes: i64) -> Reply {
    let ends = format_time(SystemClock.now() + TimeDelta::minutes(minutes));
    let all =
        json!({"Code": "Success", "AccessKeyId": id, "SecretAccessKey": CANARY, "Token": "t", "Expiration": ends});
    says(200, all.to_string())
}

fn signed_by(heard: &Heard, id: &str) -> bool {
    heard
        .header("authorization")
        .is_some_and(|value| value.starts_with(&format!("AWS4-HMAC-SHA256 Credential={id}/")))
}

#[tokio::test]
async fn a_signature_covers_what_matters() {
    let there = StandIn::start(|_| secret()).await;
    assert_eq!(got(&aws(&there.url, access_key()).secrets(), "name", None).await, "ok");
    let heard = &there.heard("POST / ")[0];
    let value = heard.header("authorization").unwrap();
    assert!(signed_by(heard, "AKIAEXAMPLE") && value.contains("/eu-central-1/secretsmanager/aws4_request"));
    for name in ["content-type", "host", "x-amz-date", "x-amz-target"] {
        assert!(value.contains(name), "{name}: {value}");
    }
    assert!(!heard.head.contains(CANARY) && !heard.body.contains(CANARY));
}

#[tokio::test]
async fn the_role_of_the_machine_comes_by_a_session() {
    let there = StandIn::start(|heard| {
        if heard.is("PUT /latest/api/token ") {
            assert!(heard.header("x-aws-ec2-metadata-token-ttl-seconds").is_some());
            return says(200, "session");
        }
        if heard.is("GET /latest/") {
            assert_eq!(heard.header("x-aws-ec2-metadata-token"), Some("session"));
            return match heard.is("/iam/security-credentials/ ") {
                true => says(200, "the-role\n"),
                false => credentials("ASIAROLE", 60),
            };
        }
        assert_eq!(heard.header("x-amz-security-token"), Some("t"));
        secret()
    })
    .await;
    let identity = Identity::Instance {
        url: Some(there.url.clone()),
    };
    let store = aws(&there.url, identity).secrets();
    for _ in 0..2 {
        assert_eq!(got(&store, "name", None).await, "ok");
    }
    assert_eq!(
        there.heard("/iam/security-credentials/the-role ").len(),
        1,
        "they are kept"
    );
    assert!(there.heard("POST /").iter().all(|heard| signed_by(heard, "ASIAROLE")));
}

#[tokio::test]
async fn a_machine_without_a_role_is_denied() {
    let there = StandIn::start(|heard| match heard.is("PUT ") {
        true => says(200, "session"),
        false => says(404, ""),
    })
    .await;
    let identity = Identity::Instance {
        url: Some(there.url.clone()),
    };
    assert_eq!(got(&aws(&there.url, identity).secrets(), "name", None).await, "denied");
}

#[tokio::test]
async fn credentials_of_a_container_are_fetched_anew_before_they_end_or_when_refused() {
    let fetched = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&fetched);
    let there = StandIn::start(move |heard| {
        if heard.is("GET /creds?id=1 ") {
            assert_eq!(heard.header("authorization"), Some("Basic c4n4ry"));
            // The first are as good as over.
            return match count.fetch_add(1, Ordering::Relaxed) {
                0 => credentials("ASIA0", 4),
                number => credentials(&format!("ASIA{number}"), 60),
            };
        }
        secret()
    })
    .await;
    let identity = || Identity::Container {
        url: there.url.join("/creds?id=1").unwrap(),
        token: Some(SecretString::from("Basic c4n4ry\n").into()),
    };
    let store = aws(&there.url, identity()).secrets();
    for _ in 0..3 {
        assert_eq!(got(&store, "name", None).await, "ok");
    }
    assert_eq!(fetched.load(Ordering::Relaxed), 2);
    let signed = there.heard("POST /");
    assert!(signed_by(&signed[0], "ASIA0") && signed_by(&signed[1], "ASIA1") && signed_by(&signed[2], "ASIA1"));
}

#[tokio::test]
async fn a_signed_token_of_the_platform_takes_on_a_role() {
    let there = StandIn::start(|heard| {
        if !heard.body.starts_with("Action=AssumeRoleWithWebIdentity&") {
            return secret();
        }
        assert!(heard.body.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fkeepgate"));
        assert!(heard.body.contains("WebIdentityToken=e.y.J"));
        assert_eq!(heard.header("authorization"), None);
        let ends = format_time(SystemClock.now() + TimeDelta::hours(1));
        says(
            200,
            format!(
                "<A><Credentials><AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>{CANARY}</SecretAccessKey>\
                 <SessionToken>t</SessionToken><Expiration>{ends}</Expiration></Credentials></A>"
            ),
        )
    })
    .await;
    let identity = Identity::WebIdentity {
        role_arn: "arn:aws:iam::1:role/keepgate".to_owned(),
        token: SecretString::from("e.y.J").into(),
    };
    assert_eq!(got(&aws(&there.url, identity).secrets(), "name", None).await, "ok");
    assert!(signed_by(&there.heard("POST /")[1], "ASIAWEB"));
}

#[test]
fn credentials_come_from_this_machine_or_by_https() {
    use keepgate_key_services::{
        Limits,
        aws::{Aws, Settings},
    };
    for (url, good) in [
        ("http://169.254.170.2/v2/creds?id=1", true),
        ("http://169.254.170.23/v1/credentials", true),
        ("http://[fd00:ec2::23]/v1/credentials", true),
        ("http://127.0.0.1:51679/creds", true),
        ("https://creds.example/", true),
        ("http://creds.example/", false),
        ("http://169.254.169.254/", false),
        ("http://10.0.0.1/", false),
    ] {
        let settings = Settings {
            region: "eu-central-1".to_owned(),
            kms_url: None,
            secrets_url: None,
            sts_url: None,
            trust: keepgate_outward::Trust::Public,
            identity: Identity::Container {
                url: url.parse().unwrap(),
                token: None,
            },
            limits: Limits::default(),
        };
        let made = Aws::new(settings, Arc::new(SystemClock));
        assert_eq!(made.is_ok(), good, "{url}");
        assert!(good || matches!(made, Err(BadSettings::Address)));
    }
}
