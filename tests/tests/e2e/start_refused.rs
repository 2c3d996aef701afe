//! Starts that must not happen: each ends with its own code and says what to do.
use std::os::unix::fs::PermissionsExt;

use keepgate_tests::{Ended, Options, Server, serve_until_end};

/// A service that was started once and stopped, with its key file.
async fn stopped() -> (Server, std::path::PathBuf) {
    let mut server = Server::start().await;
    assert_eq!(server.stop().await, Some(0));
    let kek = server.data_dir().join("keys/kek");
    assert_eq!(std::fs::metadata(&kek).unwrap().permissions().mode() & 0o7777, 0o600);
    (server, kek)
}

async fn with_config(config: &str) -> Ended {
    let home = Server::home(&Options::config(config));
    serve_until_end(home.path(), "127.0.0.1:0", &[]).await
}

#[tokio::test]
async fn a_taken_port_ends_the_start_with_code_5() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = Server::home(&Options::default());
    let told = serve_until_end(home.path(), &address, &[]).await.failed(5);
    assert!(told.contains(&address), "{told}");
}

#[tokio::test]
async fn a_key_file_that_others_may_read_ends_the_start_with_code_4() {
    let (server, kek) = stopped().await;
    std::fs::set_permissions(&kek, std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = server.start_in_vain().await.failed(4);
    assert!(told.contains("chmod 600"), "{told}");
}

#[tokio::test]
async fn a_key_file_of_the_wrong_length_ends_the_start_with_code_4() {
    let (server, kek) = stopped().await;
    std::fs::write(&kek, [7; 31]).unwrap();
    server.start_in_vain().await.failed(4);
}

#[tokio::test]
async fn another_key_than_the_database_was_sealed_under_ends_the_start_with_code_4() {
    let (mut server, kek) = stopped().await;
    let right = std::fs::read(&kek).unwrap();
    std::fs::write(&kek, [7; 32]).unwrap();
    server.start_in_vain().await.failed(4);
    std::fs::write(&kek, right).unwrap();
    server.start_again().await;
    assert!(server.admits(&server.key()).await, "the right key opens it again");
}

#[tokio::test]
async fn a_lost_key_file_is_not_replaced_by_a_new_key() {
    let (server, kek) = stopped().await;
    std::fs::remove_file(&kek).unwrap();
    server.start_in_vain().await.failed(4);
    assert!(!kek.exists());
}

#[tokio::test]
async fn a_database_that_a_newer_version_migrated_is_left_alone_with_code_7() {
    let (server, _) = stopped().await;
    server
        .superuser("insert into schema_migrations (version, description, success, checksum, execution_time) values (9999, 'from the future', true, '\\x00', 0)")
        .await;
    server.start_in_vain().await.failed(7);
}

#[tokio::test]
async fn an_unknown_key_of_the_configuration_is_refused_and_the_nearest_is_named() {
    let told = with_config("[limits]\nbody_byte = 4096\n").await.failed(2);
    assert!(
        told.contains("limits.body_byte") && told.contains("limits.body_bytes"),
        "{told}"
    );
}

#[tokio::test]
async fn a_secret_in_the_configuration_is_refused_and_not_quoted() {
    let provider = "[[providers]]\nname = \"tw\"\nkind = \"twilio\"\nchannels = [\"sms\"]\naccount_sid = \"AC0\"\nfrom = \"+15005550006\"\n";
    let told = with_config(&format!("{provider}auth_token = \"hunter2hunter2\"\n"))
        .await
        .failed(2);
    assert!(
        told.contains("providers.auth_token") && !told.contains("hunter2"),
        "{told}"
    );
}

#[tokio::test]
async fn a_secret_file_that_others_may_read_is_refused() {
    let home = Server::home(&Options::default());
    let token = home.path().join("token");
    std::fs::write(&token, "hunter2hunter2").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o640)).unwrap();
    let provider = "[[providers]]\nname = \"tw\"\nkind = \"twilio\"\nchannels = [\"sms\"]\naccount_sid = \"AC0\"\nfrom = \"+15005550006\"\n";
    let config = format!("{provider}auth_token = \"secret://file{}\"\n", token.display());
    std::fs::write(
        home.path().join("keepgate.toml"),
        format!("public_url = \"https://gw.example\"\n{config}"),
    )
    .unwrap();
    let told = serve_until_end(home.path(), "127.0.0.1:0", &[]).await.failed(4);
    assert!(told.contains("providers[tw].auth_token"), "{told}");
    assert!(told.contains("chmod 600") && !told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_secret_in_the_environment_is_refused_and_not_quoted() {
    let home = Server::home(&Options::default());
    for (name, value) in [
        ("KEEPGATE_TOKEN", "hunter2"),
        ("PGPASSWORD", "hunter2"),
        ("DATABASE_URL", "postgres://u:hunter2@h/d"),
    ] {
        let told = serve_until_end(home.path(), "127.0.0.1:0", &[(name, value)])
            .await
            .failed(2);
        assert!(told.contains(name) && !told.contains("hunter2"), "{told}");
    }
    assert!(!home.path().join("data").exists(), "nothing was begun");
}

#[tokio::test]
async fn metrics_are_never_served_beyond_this_machine() {
    let told = with_config("admin_listen = \"0.0.0.0:0\"\n").await.failed(2);
    assert!(told.contains("loopback"), "{told}");
}
