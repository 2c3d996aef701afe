//! How commands end that do not start a service.
use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use crate::support::{ended, keepgate, run, scratch};

#[test]
fn a_mistake_in_the_configuration_ends_with_2_and_names_file_line_and_key() {
    let dir = scratch();
    let file = dir.path().join("k.toml");
    fs::write(
        &file,
        "listen = \"127.0.0.1:0\"\n[limits]\nbody_byte = 5\nrequest_timeout_seconds = 0\n",
    )
    .unwrap();
    let said = ended(&[
        "serve",
        "--config",
        file.to_str().unwrap(),
        "--data-dir",
        "/nonexistent/d",
    ]);
    assert_eq!(said.code, Some(2));
    for part in [
        "2 mistakes",
        "k.toml:3: limits.body_byte: no such key; did you mean `limits.body_bytes`?",
        "k.toml:4:",
    ] {
        assert!(said.err.contains(part), "{part} in {}", said.err);
    }
    assert!(said.out.is_empty());
}

#[test]
fn a_secret_in_the_environment_or_on_the_command_line_ends_with_2_and_is_not_repeated() {
    let secret = "kg_live_01jabcdefghjkmnpqrstvwxyz_hunter2";
    let dir = scratch();
    let data = dir.path().join("d");
    let data = data.to_str().unwrap();
    for (name, value) in [
        ("KEEPGATE_TOKEN", "hunter2"),
        ("PGPASSWORD", "hunter2"),
        ("X", secret),
        ("DATABASE_URL", "postgres://a:hunter2@h/d"),
    ] {
        let said = run(keepgate(&["serve", "--data-dir", data]).env(name, value));
        assert_eq!(said.code, Some(2), "{name}");
        assert!(said.err.contains(name) && !said.err.contains("hunter2"), "{}", said.err);
        said.assert_three_lines();
    }
    let said = ended(&[
        "audit",
        "verify",
        "--url",
        "https://127.0.0.1:1",
        "--token",
        secret,
        "--key",
        "k",
    ]);
    assert_eq!(said.code, Some(2));
    assert!(!said.err.contains("hunter2"), "{}", said.err);
    assert!(!dir.path().join("d").exists(), "nothing was begun");
}

#[test]
fn a_port_in_use_ends_with_5_before_anything_is_made() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let dir = scratch();
    let data = dir.path().join("d");
    let said = ended(&[
        "serve",
        "--data-dir",
        data.to_str().unwrap(),
        "--listen",
        &address,
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(said.code, Some(5), "{}", said.err);
    assert!(
        said.err.contains(&address) && said.err.contains("--listen"),
        "{}",
        said.err
    );
    said.assert_three_lines();
    assert!(!data.join("pgdata").exists() && !data.join("keys/kek").exists());
}

#[test]
fn a_key_file_that_others_may_read_ends_with_4() {
    let dir = scratch();
    fs::create_dir_all(dir.path().join("d/keys")).unwrap();
    let kek = dir.path().join("d/keys/kek");
    fs::write(&kek, [7; 32]).unwrap();
    fs::set_permissions(&kek, fs::Permissions::from_mode(0o644)).unwrap();
    let data = dir.path().join("d");
    let said = ended(&[
        "serve",
        "--data-dir",
        data.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(said.code, Some(4), "{}", said.err);
    assert!(said.err.contains("chmod 600"), "{}", said.err);
    said.assert_three_lines();
}

#[test]
fn a_key_that_is_none_ends_with_2() {
    let said = ended(&["audit", "verify", "--dir", "/nonexistent", "--key", "localhost/audit/x"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    said.assert_three_lines();
}

#[test]
fn version_and_openapi_are_told_whatever_the_environment_holds() {
    let said = run(keepgate(&["version", "--json"]).env("PGPASSWORD", "x"));
    assert_eq!(said.code, Some(0));
    let version: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    let document: serde_json::Value = serde_json::from_str(&ended(&["openapi"]).out).unwrap();
    assert!(document["paths"]["/v1/messages"].is_object());
}

#[test]
fn a_database_that_does_not_answer_ends_with_3() {
    let dir = scratch();
    let file = dir.path().join("k.toml");
    let url = "postgres://kg_app@%2Fnonexistent/keepgate";
    fs::write(
        &file,
        format!("database_url = \"{url}\"\nauth_url = \"{url}\"\nintegrator_url = \"{url}\"\nmigrate_url = \"{url}\""),
    )
    .unwrap();
    let (file, data) = (file.to_str().unwrap(), dir.path().join("d"));
    let data = data.to_str().unwrap();
    let local = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let said = ended(&[&["serve", "--config", file, "--data-dir", data], &local[..]].concat());
    assert_eq!(said.code, Some(3), "{}", said.err);
    assert_eq!(ended(&["migrate", "--config", file, "--data-dir", data]).code, Some(3));
    let looked = ended(&["doctor", "--config", file, "--data-dir", data, "--json"]);
    assert_eq!(looked.code, Some(3));
    let report: serde_json::Value = serde_json::from_str(&looked.out).unwrap();
    assert_eq!(report["state"], "fail");
}
