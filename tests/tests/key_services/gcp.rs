//! Google's own clients and our adapter ask one stand-in of ours, which none but the clients can show to be like Google Cloud; and drongo,
//! which nobody here wrote, and which speaks like Cloud KMS without encrypting: it judges the form of requests and answers, and that alone.
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use keepgate_crypto_keys::{
    KeyContext, KeyService, KeyServiceError, RootState, SecretError, SecretStore, Wrapped,
    testing::{KeyServiceTraits, SecretKeeper, a_key_service, a_secret_store},
};
use keepgate_key_services::gcp::{Gcp, Settings};
use keepgate_outward::Trust;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    LIMITS,
    install::{ask, installed, missing, pip},
    processes::{free_port, listens, quiet},
};

const CLIENTS: &str = "google-cloud-secret-manager==2.32.0";
const DRONGO: &str = "drongo==0.8.0";
const RING: &str = "projects/p/locations/eu/keyRings/r";
const SECRET: &str = "projects/p/secrets/word";

fn judge(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("judges").join(name)
}

async fn clients() -> Option<PathBuf> {
    let packages = [
        CLIENTS,
        "google-cloud-kms==3.18.0",
        "requests==2.34.2",
        "cryptography==50.0.2",
    ];
    let root = installed(CLIENTS, "google/cloud/secretmanager", |aside| pip(aside, &packages)).await;
    if root.is_none() {
        missing(CLIENTS);
    }
    root
}

fn client(port: u16, kms: u16) -> Arc<Gcp> {
    let at = |port: u16| Some(format!("http://127.0.0.1:{port}").parse().unwrap());
    Gcp::new(Settings {
        kms_url: at(kms),
        secrets_url: at(port),
        metadata_url: at(port),
        account: "default".to_owned(),
        trust: Trust::Public,
        limits: LIMITS,
    })
    .unwrap()
}

struct Google {
    _child: Child,
    packages: PathBuf,
    port: u16,
}

impl Google {
    async fn start(packages: PathBuf) -> Self {
        let mut child = Command::new("python3")
            .arg(judge("google_fake.py"))
            .arg(&packages)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().expect("its port");
        Self {
            _child: child,
            packages,
            port: port.parse().unwrap(),
        }
    }

    /// What Google's own clients are told.
    async fn clients(&self, calls: Value) -> Value {
        let mut command = Command::new("python3");
        command.arg(judge("google_clients.py")).arg(&self.packages);
        ask(command, &json!({"port": self.port, "calls": calls})).await
    }
}

struct Keeper<'a> {
    google: &'a Google,
    made: Mutex<bool>,
}

#[async_trait]
impl SecretKeeper for Keeper<'_> {
    fn name(&self) -> String {
        SECRET.to_owned()
    }

    fn nowhere(&self) -> String {
        "projects/p/secrets/nowhere".to_owned()
    }

    fn never(&self) -> String {
        "99".to_owned()
    }

    async fn put(&self, value: &str) {
        let first = !std::mem::replace(&mut *self.made.lock().unwrap(), true);
        let mut calls = vec![json!(["add_version", SECRET, value])];
        if first {
            calls.insert(0, json!(["create_secret", "p", "word"]));
        }
        let told = self.google.clients(json!(calls)).await;
        assert!(told.as_array().unwrap().iter().all(Value::is_string), "{told}");
    }
}

#[tokio::test]
async fn google_s_own_clients_and_we_find_the_same_keys() {
    let Some(packages) = clients().await else { return };
    let google = Google::start(packages).await;
    let name = format!("{RING}/cryptoKeys/root");
    let made = google
        .clients(json!([
            ["create_key", RING, "root", "ENCRYPT_DECRYPT"],
            ["create_key", RING, "sign", "ASYMMETRIC_SIGN"]
        ]))
        .await;
    assert_eq!(made[0], json!(name));
    let gcp = client(google.port, google.port);
    let keys = gcp.keys(&name).unwrap();
    a_key_service(&keys, KeyServiceTraits::default()).await;

    // What we wrap they open, and the other way round; they see our versions and we theirs.
    let (context, version) = (KeyContext::new("dek", b"o", 1), |number: u32| {
        format!("{name}/cryptoKeyVersions/{number}")
    });
    let wrapped = keys.wrap(&context, &[7; 32]).await.unwrap();
    let told = google
        .clients(json!([
            ["decrypt", name, wrapped.bytes, context.as_str()],
            ["decrypt", name, wrapped.bytes, "elsewhere"],
            ["encrypt", name, vec![9; 32], context.as_str()],
            ["versions", name],
            ["primary", name],
            ["rotate", name],
            ["disable", version(1)],
        ]))
        .await;
    assert_eq!(told[0], json!(vec![7; 32]));
    assert_eq!(told[1]["raised"], "BadRequest");
    assert_eq!(told[2][0], json!(version(2)));
    let theirs = Wrapped {
        kek: format!("gcp:{name}:v2"),
        bytes: serde_json::from_value(told[2][1].clone()).unwrap(),
    };
    assert_eq!(*keys.unwrap(&context, &theirs).await.unwrap(), [9; 32]);
    assert_eq!(told[3], json!([[version(1), "ENABLED"], [version(2), "ENABLED"]]));
    assert_eq!(
        (&told[4], &told[5], &told[6]),
        (&json!(version(2)), &json!(version(3)), &json!("DISABLED"))
    );
    let described = keys.describe().await.unwrap();
    let states: Vec<_> = described.versions.iter().map(|version| version.state).collect();
    assert_eq!(
        states,
        [RootState::Active, RootState::Deactivated, RootState::Suspended]
    );
    // A version that is not enabled neither wraps nor opens; a key for signatures is not used; one that is not there is not there.
    google
        .clients(json!([["disable", version(3)], ["disable", version(2)]]))
        .await;
    assert!(matches!(
        keys.unwrap(&context, &wrapped).await,
        Err(KeyServiceError::Revoked)
    ));
    assert!(matches!(
        keys.wrap(&context, &[7; 32]).await,
        Err(KeyServiceError::Revoked)
    ));
    let sign = gcp.keys(&format!("{RING}/cryptoKeys/sign")).unwrap();
    assert!(matches!(sign.describe().await, Err(KeyServiceError::Unsupported(_))));
    let nowhere = gcp.keys(&format!("{RING}/cryptoKeys/nowhere")).unwrap();
    assert!(matches!(
        nowhere.wrap(&context, &[7; 32]).await,
        Err(KeyServiceError::NoKey)
    ));
}

#[tokio::test]
async fn google_s_own_clients_and_we_find_the_same_secrets() {
    let Some(packages) = clients().await else { return };
    let google = Google::start(packages).await;
    let keeper = Keeper {
        google: &google,
        made: Mutex::new(false),
    };
    let store = client(google.port, google.port).secrets();
    a_secret_store(&store, &keeper).await;
    let ours = store.get(SECRET, None).await.unwrap();
    let (first, newest) = (
        format!("{SECRET}/versions/1"),
        format!("{SECRET}/versions/{}", ours.version),
    );
    let told = google
        .clients(json!([
            ["access", format!("{SECRET}/versions/latest")],
            ["access", format!("{SECRET}/versions/99")],
            ["access", "projects/p/secrets/nowhere/versions/1"],
            ["change", first, "disable"],
            ["access", first],
        ]))
        .await;
    assert_eq!(
        (&told[0][0], &told[0][1]),
        (&json!(newest), &json!(String::from_utf8_lossy(&ours.value)))
    );
    assert_eq!(
        (&told[1]["raised"], &told[2]["raised"]),
        (&json!("NotFound"), &json!("NotFound"))
    );
    assert_eq!(told[4]["raised"], "BadRequest");
    assert!(matches!(store.get(SECRET, Some("1")).await, Err(SecretError::Revoked)));
    google.clients(json!([["change", newest, "destroy"]])).await;
    assert!(matches!(store.get(SECRET, None).await, Err(SecretError::Revoked)));
}

#[tokio::test]
async fn drongo_understands_the_form_of_our_calls() {
    let Some(packages) = clients().await else { return };
    let drongo = installed(DRONGO, "drongo", |aside| pip(aside, &[DRONGO, "google-crc32c==1.8.0"])).await;
    let Some(drongo) = drongo else { return missing(DRONGO) };
    let google = Google::start(packages).await;
    let port = free_port();
    let mut command = Command::new("python3");
    command
        .env("PYTHONPATH", drongo)
        .args([
            "-c",
            "import sys; from drongo.server import run; run(host='127.0.0.1', port=int(sys.argv[1]))",
        ])
        .arg(port.to_string());
    let _child = quiet(command);
    listens(port).await;
    let create = async |path: &str, body: Value| {
        let client = keepgate_outward::client(None, &Trust::Public).unwrap();
        let url = format!("http://127.0.0.1:{port}/v1/{path}");
        assert_eq!(
            client.post(url).json(&body).send().await.unwrap().status(),
            200,
            "{path}"
        );
    };
    create("projects/p/locations/eu/keyRings?keyRingId=r", json!({})).await;
    create(
        &format!("{RING}/cryptoKeys?cryptoKeyId=root"),
        json!({"purpose": "ENCRYPT_DECRYPT"}),
    )
    .await;
    let keys = client(google.port, port)
        .keys(&format!("{RING}/cryptoKeys/root"))
        .unwrap();
    let traits = KeyServiceTraits {
        encrypts: false,
        rotates: false,
    };
    a_key_service(&keys, traits).await;
}
