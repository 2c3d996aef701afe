//! A provider's token in AWS Secrets Manager (moto) and in Google Secret Manager (a stand-in of ours, which shows that the binary asks as
//! its adapter's own judges want it, and nothing about Google): at the start, and changed while the service runs.
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use data_encoding::BASE64;
use keepgate_tests::{AUTH_TOKEN, Answer, Options, Server, StandIn};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    judges::{ask, moto, moto_server},
    live_secrets::{NEW, basic, believed, changes, desk, text},
};

/// The provider of [`Options::twilio`] with its token at `reference`.
fn options(twilio: &StandIn, reference: &str, section: &str, files: Vec<(String, String)>) -> Options {
    let mut options = Options::twilio(twilio);
    options.config = options.config.replace("secret://file{dir}/twilio-token", reference);
    options.config.push_str(section);
    options.config.push_str("[services]\npoll_seconds = 1\n");
    options.files = files;
    options
}

/// A text goes out with the first token, and after `renew` with the next one; what the first one signed is believed still.
async fn renewed(twilio: &StandIn, options: Options, renew: impl AsyncFnOnce()) -> Server {
    let (server, owner, to) = desk(options).await;
    text(&server, &owner, &to).await;
    let before = twilio.wait_for(1).await.remove(0);
    assert_eq!(before.header("authorization"), Some(basic(AUTH_TOKEN).as_str()));
    renew().await;
    changes(&server, 1).await;
    text(&server, &owner, &to).await;
    let after = twilio.wait_for(2).await.remove(1);
    assert_eq!(after.header("authorization"), Some(basic(NEW).as_str()));
    assert!(believed(&server, 1, &before, AUTH_TOKEN).await);
    assert!(![AUTH_TOKEN, NEW].iter().any(|token| server.log().contains(token)));
    server
}

#[tokio::test]
async fn a_token_in_aws_secrets_manager_is_read_and_renewed() {
    let Some(packages) = moto().await else { return };
    let (_child, port) = moto_server(&packages).await;
    let does = async |call: Value| {
        let mut command = Command::new("python3");
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/aws.py"))
            .arg(&packages);
        ask(command, &json!({"port": port, "calls": [call]})).await
    };
    let kept = json!({"token": AUTH_TOKEN}).to_string();
    does(json!(["secretsmanager", "create_secret", {"Name": "keepgate/twilio", "SecretString": kept}])).await;
    let section = format!(
        "[aws]\nregion = \"eu-central-1\"\nidentity = \"access-key\"\naccess_key_id = \"AKIAEXAMPLE\"\n\
         secret_access_key = \"secret://file{{dir}}/aws-key\"\nsecrets_url = \"http://127.0.0.1:{port}\"\n"
    );
    let twilio = StandIn::twilio().await;
    let files = vec![("aws-key".to_owned(), "hush/+=".to_owned())];
    let options = options(&twilio, "secret://aws/keepgate/twilio#token", &section, files);
    renewed(&twilio, options, async || {
        let next = json!({"token": NEW}).to_string();
        does(json!(["secretsmanager", "put_secret_value", {"SecretId": "keepgate/twilio", "SecretString": next}]))
            .await;
    })
    .await;
}

/// CRC-32C (RFC 3720, B.4), as Secret Manager tells it.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
    !bytes
        .iter()
        .fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[tokio::test]
async fn a_token_in_google_secret_manager_is_read_and_renewed() {
    let kept = Arc::new(Mutex::new((1, AUTH_TOKEN)));
    let shown = kept.clone();
    let google = StandIn::start(move |heard| {
        let (version, value) = *shown.lock().unwrap();
        Some(match heard.path.as_str() {
            "/computeMetadata/v1/instance/service-accounts/default/token"
                if heard.header("metadata-flavor") == Some("Google") =>
            {
                let mut answer = Answer::new(
                    200,
                    r#"{"access_token":"machine-token","expires_in":3600,"token_type":"Bearer"}"#,
                );
                answer.headers.push(("metadata-flavor", "Google".to_owned()));
                answer
            }
            "/v1/projects/p/secrets/twilio/versions/latest:access"
                if heard.header("authorization") == Some("Bearer machine-token") =>
            {
                let payload = json!({"data": BASE64.encode(value.as_bytes()), "dataCrc32c": crc32c(value.as_bytes()).to_string()});
                let name = format!("projects/7/secrets/twilio/versions/{version}");
                Answer::new(200, json!({"name": name, "payload": payload}).to_string())
            }
            _ => Answer::new(403, "{}"),
        })
    })
    .await;
    let section = format!("[gcp]\nsecrets_url = \"{0}\"\nmetadata_url = \"{0}\"\n", google.url);
    let twilio = StandIn::twilio().await;
    let options = options(&twilio, "secret://gcp/projects/p/secrets/twilio", &section, Vec::new());
    renewed(&twilio, options, async || *kept.lock().unwrap() = (2, NEW)).await;
}
