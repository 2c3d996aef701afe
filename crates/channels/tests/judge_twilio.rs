//! The real adapter against an independent validator (Steady, from npm): does it find every request valid?
#![cfg(feature = "providers")]
#[cfg(test)]
mod judge {
    use std::{
        path::{Path, PathBuf},
        process::Stdio,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use keepgate_channels::{
        PhoneNumber,
        commands::SendOutcome,
        outward::{CallLimits, SmsProvider, SmsRequest, VoiceProvider, VoiceRequest},
        providers::twilio::{Twilio, TwilioConfig},
    };
    use keepgate_kernel::{AttemptId, Timestamp};
    use secrecy::SecretString;
    use tokio::{
        io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
        net::{TcpListener, TcpStream},
        process::{Child, Command},
    };

    /// The validator and its exact version.
    const PACKAGE: &str = "@stdy/cli@0.22.2";

    #[expect(
        clippy::disallowed_methods,
        reason = "where a judge is missing, only the runner of the tests knows whether that is a failure"
    )]
    fn in_ci() -> bool {
        std::env::var_os("CI").is_some()
    }

    /// Installs the validator beside the other build products, once. `None`, with a word, where there is no npm.
    async fn steady() -> Option<PathBuf> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .expect("the target directory")
            .join("judges");
        let program = || {
            let packages = std::fs::read_dir(root.join("node_modules/@stdy")).ok()?;
            packages
                .filter_map(Result::ok)
                .map(|package| package.path().join("bin/steady"))
                .find(|path| path.exists())
        };
        if let Some(path) = program() {
            return Some(path);
        }
        std::fs::create_dir_all(&root).expect("a directory for judges");
        let npm = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
            .arg(&root)
            .arg(PACKAGE)
            .output()
            .await;
        let installed = npm.is_ok_and(|npm| npm.status.success()).then(program).flatten();
        assert!(
            installed.is_some() || !in_ci(),
            "the validator {PACKAGE} can't be installed"
        );
        if installed.is_none() {
            println!("the validator {PACKAGE} can't be installed here: not judged");
        }
        installed
    }

    /// A running validator, killed when dropped.
    async fn run(program: &Path, contract: &Path) -> (Child, u16) {
        let port = TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut child = Command::new(program)
            .args(["-p", &port.to_string(), "--host", "127.0.0.1"])
            .arg(contract)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the validator starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                // Where the environment says CI, it words it the second way.
                if line.contains("Ready to accept requests") || line.contains("Server listening") {
                    return true;
                }
            }
            false
        };
        assert!(
            tokio::time::timeout(Duration::from_secs(60), ready)
                .await
                .expect("it gets ready in time"),
            "it ended instead"
        );
        // Whatever else it prints must not fill its pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        (child, port)
    }

    /// Passes bytes on to `port` and keeps what comes back: the verdict is in the answer's headers.
    async fn relay(port: u16) -> (u16, Arc<Mutex<Vec<u8>>>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (ours, answers) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let kept = answers.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
                let kept = kept.clone();
                tokio::spawn(async move {
                    let mut bytes = [0; 8_192];
                    while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
                        kept.lock().unwrap().extend_from_slice(&bytes[..count]);
                        let _gone = to_client.write_all(&bytes[..count]).await;
                    }
                });
            }
        });
        (ours, answers)
    }

    fn adapter(port: u16) -> Twilio {
        Twilio::new(TwilioConfig {
            base_url: Some(format!("http://127.0.0.1:{port}").parse().unwrap()),
            account_sid: "AC00000000000000000000000000000001".into(),
            auth_token: SecretString::from("token").into(),
            from: "+15005550006".into(),
            callback_base: "https://gw.example".parse().unwrap(),
        })
        .unwrap()
    }

    async fn judged(program: &Path, contract: &Path) {
        let (_child, port) = run(program, contract).await;
        let (port, answers) = relay(port).await;
        let (twilio, at): (Twilio, Timestamp) = (adapter(port), "2026-01-02T03:04:05Z".parse().unwrap());
        let limits = CallLimits {
            timeout: Duration::from_secs(20),
            budget_seconds: 120,
        };
        let (attempt, to, text) = (
            AttemptId::new(at),
            PhoneNumber::parse("+14155552345").unwrap(),
            SecretString::from("pump <7> & \"valve\" ü 👍"),
        );
        let sms = twilio
            .send(SmsRequest {
                attempt,
                to: to.clone(),
                text: text.clone(),
                limits,
            })
            .await;
        let call = twilio
            .call(VoiceRequest {
                attempt,
                to,
                text,
                locale: Some("de-AT".into()),
                limits,
            })
            .await;
        let answers = String::from_utf8_lossy(&answers.lock().unwrap()).to_lowercase();
        for outcome in [sms, call] {
            assert!(
                matches!(
                    outcome,
                    SendOutcome::Accepted {
                        provider_ref: Some(_),
                        ..
                    }
                ),
                "{outcome:?}\n{answers}"
            );
        }
        assert_eq!(answers.matches("x-steady-error-count: 0").count(), 2, "{answers}");
        assert_eq!(answers.matches("x-steady-request-valid: true").count(), 2, "{answers}");
    }

    #[tokio::test]
    async fn an_independent_validator_finds_nothing_wrong_with_what_we_send() {
        let Some(program) = steady().await else { return };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        judged(&program, &root.join("contract/twilio.json")).await;
        let official = root.join("../../../shared/contracts/twilio_api_v2010.trim.json");
        if official.exists() {
            judged(&program, &official).await;
        } else {
            println!("the official description is not here: judged by our own notes only");
        }
    }
}
