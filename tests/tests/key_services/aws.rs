//! moto speaks as AWS does; botocore, which Amazon wrote, signs as AWS expects. moto does not check signatures.
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use keepgate_crypto_keys::{
    KeyContext, KeyService, KeyServiceError, RootState, SecretError, SecretStore,
    testing::{KeyServiceTraits, SecretKeeper, a_key_service, a_secret_store},
};
use keepgate_kernel::SystemClock;
use keepgate_key_services::aws::{Aws, Identity, Settings};
use keepgate_outward::Trust;
use keepgate_tests::{Answer, StandIn};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    LIMITS,
    install::ask,
    moto::{moto, moto_server},
};

fn client(url: &str, token: Option<&str>) -> Arc<Aws> {
    let url: url::Url = url.parse().unwrap();
    let settings = Settings {
        region: "eu-central-1".to_owned(),
        kms_url: Some(url.clone()),
        secrets_url: Some(url.clone()),
        sts_url: Some(url),
        trust: Trust::Public,
        identity: Identity::AccessKey {
            id: "AKIAEXAMPLE".to_owned(),
            secret: SecretString::from("hush/+=").into(),
            session_token: token.map(|token| SecretString::from(token).into()),
        },
        limits: LIMITS,
    };
    Aws::new(settings, Arc::new(SystemClock)).unwrap()
}

async fn judge(packages: &Path, asked: Value) -> Value {
    let mut command = Command::new("python3");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/aws.py"))
        .arg(packages);
    ask(command, &asked).await
}

struct Keeper<'a> {
    packages: &'a Path,
    port: u16,
    made: Mutex<bool>,
}

#[async_trait]
impl SecretKeeper for Keeper<'_> {
    fn name(&self) -> String {
        "keepgate/word".to_owned()
    }

    fn nowhere(&self) -> String {
        "keepgate/nowhere".to_owned()
    }

    fn never(&self) -> String {
        "00000000-0000-0000-0000-000000000000".to_owned()
    }

    async fn put(&self, value: &str) {
        let first = !std::mem::replace(&mut *self.made.lock().unwrap(), true);
        let method = if first { "create_secret" } else { "put_secret_value" };
        let id = if first { "Name" } else { "SecretId" };
        let call = json!(["secretsmanager", method, {id: self.name(), "SecretString": value}]);
        judge(self.packages, json!({"port": self.port, "calls": [call]})).await;
    }
}

#[tokio::test]
async fn moto_and_amazon_s_own_client_understand_us() {
    let Some(packages) = moto().await else { return };
    let (_child, port) = moto_server(&packages).await;
    let does = async |calls: Value| judge(&packages, json!({"port": port, "calls": calls})).await;
    let made = does(json!([
        ["kms", "create_key", {"KeyUsage": "ENCRYPT_DECRYPT"}],
        ["kms", "create_key", {"KeyUsage": "ENCRYPT_DECRYPT"}],
        ["kms", "create_key", {"KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_2048"}]
    ]))
    .await;
    let arn = |index: usize| made[index]["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    does(json!([["kms", "create_alias", {"AliasName": "alias/root", "TargetKeyId": arn(0)}]])).await;
    let aws = client(&format!("http://127.0.0.1:{port}"), None);
    let keys = aws.keys("alias/root").unwrap();
    a_key_service(&keys, KeyServiceTraits::default()).await;
    let keeper = Keeper {
        packages: &packages,
        port,
        made: Mutex::new(false),
    };
    a_secret_store(&aws.secrets(), &keeper).await;

    // What we wrapped, Amazon's client opens, in the same context only.
    let context = KeyContext::new("dek", b"o", 1);
    let wrapped = keys.wrap(&context, &[7; 32]).await.unwrap();
    let opened = does(json!([["kms", "decrypt", {"CiphertextBlob": {"bytes": wrapped.bytes}, "EncryptionContext": {"keepgate": context.as_str()}}]])).await;
    assert_eq!(opened[0]["Plaintext"], json!(vec![7; 32]));
    // The key that the settings do not name opens nothing, nor does a disabled one, nor is one for signatures used.
    let other = aws.keys(&arn(1)).unwrap().unwrap(&context, &wrapped).await;
    // AWS calls it IncorrectKeyException, moto AccessDeniedException.
    let refused = matches!(other, Err(KeyServiceError::WrongKey | KeyServiceError::Denied(_)));
    assert!(refused, "{other:?}");
    assert!(matches!(
        aws.keys(&arn(2)).unwrap().describe().await,
        Err(KeyServiceError::Unsupported(_))
    ));
    let nowhere = arn(0).replace("key/", "key/0");
    assert!(matches!(
        aws.keys(&nowhere).unwrap().describe().await,
        Err(KeyServiceError::NoKey)
    ));
    let bare = &made[0]["KeyMetadata"]["KeyId"];
    does(json!([["kms", "disable_key", {"KeyId": bare}]])).await;
    let states: Vec<_> = keys
        .describe()
        .await
        .unwrap()
        .versions
        .iter()
        .map(|version| version.state)
        .collect();
    assert_eq!(states, [RootState::Suspended; 2]);

    // A field of a secret that is a JSON object; one that is to be deleted.
    does(json!([["secretsmanager", "create_secret", {"Name": "db", "SecretString": "{\"password\":\"x\"}"}]])).await;
    let store = aws.secrets();
    assert_eq!(store.get("db#password", None).await.unwrap().value.as_slice(), b"x");
    does(json!([["secretsmanager", "delete_secret", {"SecretId": "db"}]])).await;
    let deleted = store.get("db#password", None).await;
    assert!(matches!(deleted, Err(SecretError::Revoked)), "{deleted:?}");
}

#[tokio::test]
async fn botocore_signs_a_call_as_we_do() {
    let Some(packages) = moto().await else { return };
    let there = StandIn::start(|_| Some(Answer::new(200, ""))).await;
    for (token, target) in [(None, "kms"), (Some("a/session+token=="), "secretsmanager")] {
        let aws = client(&there.url, token);
        let refused = match target {
            "kms" => aws.keys("alias/root").unwrap().describe().await.is_err(),
            _ => aws.secrets().get("näme", None).await.is_err(),
        };
        assert!(refused);
        let heard = there.heard().pop().unwrap();
        let asked = json!({"signed": {
            "url": there.url, "service": target, "id": "AKIAEXAMPLE", "secret": "hush/+=", "token": token,
            "headers": heard.headers, "body": String::from_utf8(heard.body.clone()).unwrap(),
        }});
        let told = judge(&packages, asked).await;
        assert_eq!(told["wanted"].as_str(), heard.header("authorization"), "{target}");
    }
}
