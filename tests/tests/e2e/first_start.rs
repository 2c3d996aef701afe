//! Starting: the first time, again, beside another, after a crash.
use std::os::unix::fs::PermissionsExt;

use keepgate_tests::{Options, Server, eventually, kill_at, message, run};
use rustix::process::test_kill_process;
use serde_json::Value;

fn secrets(boot: &Value) -> Vec<String> {
    let names = ["platform_enrolment", "owner_enrolment", "service_key"];
    names
        .iter()
        .map(|name| boot[name].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_ready_file_is_private_and_tells_everything_that_a_script_needs() {
    let server = Server::start().await;
    assert_eq!(
        std::fs::metadata(server.ready_file()).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    let info = &server.info;
    assert!(
        info["url"].as_str().unwrap().starts_with("https://127.0.0.1:"),
        "{}",
        info["url"]
    );
    assert!(
        info["admin_url"].as_str().unwrap().starts_with("http://127.0.0.1:"),
        "{}",
        info["admin_url"]
    );
    assert_eq!(
        info["data_dir"].as_str().map(std::path::PathBuf::from),
        Some(server.data_dir())
    );
    assert_eq!(info["pid"], server.pid().as_raw_nonzero().get());
    assert!(
        info["database"].is_string() && info["version"].is_string(),
        "{:?}",
        info.as_object().unwrap().keys()
    );
    assert!(
        std::fs::read_to_string(server.ca_cert())
            .unwrap()
            .contains("BEGIN CERTIFICATE")
    );
    let starts = [
        ("platform_tenant", "ten_"),
        ("tenant", "ten_"),
        ("service_key", "kgl_"),
        ("platform_enrolment", ""),
        ("owner_enrolment", ""),
    ];
    for (name, start) in starts {
        let value = server.boot[name].as_str().unwrap();
        assert!(value.len() > 20 && value.starts_with(start), "{name}");
    }
    assert_eq!(
        server.boot.as_object().unwrap().len(),
        starts.len(),
        "nothing else is told"
    );
}

#[tokio::test]
async fn the_first_secrets_are_shown_by_the_first_start_only_and_stand_in_no_log() {
    let mut server = Server::start().await;
    server.stop().await;
    let first = server.printed();
    server.start_again().await;
    server.stop().await;
    let second = server.printed().split_off(first.len());
    for secret in secrets(&server.boot) {
        assert!(first.contains(&secret), "the first start shows it");
        assert!(!second.contains(&secret), "the second start shows it again");
        assert!(!server.log().contains(&secret), "a secret stands in the log");
    }
    assert!(second.contains("serves https://"), "{second}");
}

#[tokio::test]
async fn the_first_secrets_lie_in_no_file_once_they_have_been_told() {
    let server = Server::start().await;
    let text = |path: &std::path::Path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    let mut folders = vec![server.data_dir()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let content = text(&entry.path());
                seen += 1;
                assert!(
                    !secrets(&server.boot).iter().any(|secret| content.contains(secret)),
                    "{}",
                    entry.path().display()
                );
            }
        }
    }
    assert!(seen > 100, "the database's files were read as well");
}

#[tokio::test]
async fn a_second_start_keeps_everything_and_tells_no_secret() {
    let mut server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let id = server.accept(&server.key(), message(&to, "kept")).await;
    let before = server.whole_log(&owner).await;
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    assert!(server.info["bootstrap"].is_null());
    assert_eq!(server.message(&server.key(), &id).await["id"], *id);
    let after = server.whole_log(&owner).await;
    assert_eq!(after[..before.len()], before[..], "what was logged stays as it was");
}

#[tokio::test]
async fn a_second_process_on_the_same_data_directory_is_refused_and_the_first_goes_on() {
    let server = Server::start().await;
    let told = server.start_in_vain().await.failed(9);
    assert!(
        told.contains(&server.pid().as_raw_nonzero().to_string()),
        "it names the other process: {told}"
    );
    server.open("/livez").await.expect(200);
    assert!(server.admits(&server.key()).await);
}

#[tokio::test]
async fn sigterm_ends_it_with_code_0_and_its_database_with_it() {
    let mut server = Server::start().await;
    let postmaster = server.postmaster().expect("the database runs");
    assert!(test_kill_process(postmaster).is_ok());
    assert_eq!(server.stop().await, Some(0));
    eventually("the end of the database", || async {
        test_kill_process(postmaster).is_err().then_some(())
    })
    .await;
    assert!(!server.log().contains("a bug"), "{}", server.log());
}

#[tokio::test]
async fn sigterm_ends_open_streams_instead_of_waiting_for_them() {
    let mut server = Server::start().await;
    let mut stream = server.stream(&server.owner().await, None).await;
    let (code, ended) = tokio::join!(server.stop(), async { stream.next().await.is_none() });
    assert!(ended, "the stream ends");
    assert_eq!(code, Some(0));
}

#[tokio::test]
async fn a_first_start_killed_at_any_stage_hinders_no_later_one_and_loses_no_secret() {
    let home = Server::home(&Options::default());
    // The directory is taken, initdb is at work, the cluster is there, it runs, the first secrets are written down.
    let stages = [
        "keepgate.lock",
        "run",
        "pgdata/PG_VERSION",
        "pgdata/postmaster.pid",
        "keys/kek",
        "keys/bootstrap.json",
    ];
    for stage in stages {
        assert!(
            kill_at(home.path(), stage).await,
            "{stage} comes too late to test anything"
        );
    }
    let server = Server::on(home, Options::default()).await;
    assert!(server.admits(&server.key()).await);
    assert!(server.admits(&server.owner().await).await);
    assert!(server.admits(&server.admin().await).await);
}

#[tokio::test]
async fn a_killed_service_starts_again_with_everything_it_acknowledged() {
    let mut server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let id = server.accept(&server.key(), message(&to, "kept")).await;
    server.kill().await;
    server.start_again().await;
    assert_eq!(server.message(&server.key(), &id).await["id"], *id);
}

#[tokio::test]
async fn version_and_doctor_answer_in_json() {
    let server = Server::start().await;
    let version: Value = serde_json::from_str(&run(["version", "--json"]).await.expect(0).out).unwrap();
    assert_eq!(version["version"], server.info["version"]);
    assert_eq!(
        server.open("/version").await.expect(200).json()["version"],
        server.info["version"]
    );
    let data = server.data_dir();
    let doctor = run(["doctor", "--json", "--data-dir", data.to_str().unwrap()]).await;
    assert!(
        serde_json::from_str::<Value>(&doctor.out).is_ok(),
        "{}{}",
        doctor.out,
        doctor.err
    );
    assert!(!secrets(&server.boot).iter().any(|secret| doctor.out.contains(secret)));
}
