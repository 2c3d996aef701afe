//! Secrets of the configuration change while the service runs.
use std::os::unix::fs::PermissionsExt;

use data_encoding::BASE64;
use keepgate_tests::{AUTH_TOKEN, Heard, Options, Server, StandIn, eventually, message, run, twilio_signature};
use serde_json::{Value, json};

use crate::sinks::metrics;

pub const NEW: &str = "fedcba9876543210fedcba9876543210";

pub fn basic(token: &str) -> String {
    let login = format!("AC{}:{token}", "0".repeat(32));
    format!("Basic {}", BASE64.encode(login.as_bytes()))
}

/// A service that sends texts over `twilio`; its owner, and whom to write to.
pub async fn desk(options: Options) -> (Server, String, String) {
    let server = Server::with(options).await;
    let owner = server.owner().await;
    let contacts = json!([{"channel": "sms", "address": "+15005550009"}]);
    let to = server.recipient_with(&owner, contacts).await;
    server.route(&owner, "text", &[("sms", 60, 1)], true, 120).await;
    (server, owner, to)
}

pub async fn text(server: &Server, owner: &str, to: &str) {
    let mut body = message(to, "payload");
    body["route"] = json!("text");
    server.accept(owner, body).await;
}

/// Whether the callback about `heard` is believed when it is signed with `token`.
pub async fn believed(server: &Server, nth: u32, heard: &Heard, token: &str) -> bool {
    let sid = format!("SM{nth:032x}");
    let fields = [("MessageSid", sid.as_str()), ("MessageStatus", "sent")];
    let url = heard.status_callback();
    let signature = twilio_signature(token, &url, &fields);
    let reply = server.call_back_signed(&url, &fields, Some(&signature)).await;
    assert!(matches!(reply.status, 204 | 403), "{}", reply.text());
    reply.status == 204
}

pub async fn changes(server: &Server, count: u32) {
    eventually("a changed secret", || async {
        let line = format!("keepgate_secret_changes_total {count}");
        metrics(server).await.lines().any(|told| told == line).then_some(())
    })
    .await;
}

pub fn trouble(told: &Value) -> Option<String> {
    let all = told["dependencies"].as_array().unwrap();
    let secrets = all.iter().find(|one| one["name"] == "secrets").unwrap();
    secrets["reason"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_provider_s_new_token_is_used_at_once_and_the_former_is_believed_for_a_while() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(Options::twilio(&twilio)).await;
    text(&server, &owner, &to).await;
    let before = twilio.wait_for(1).await.remove(0);
    assert_eq!(before.header("authorization"), Some(basic(AUTH_TOKEN).as_str()));
    assert!(!believed(&server, 1, &before, NEW).await);
    server.swap_file("twilio-token", NEW);
    changes(&server, 1).await;
    text(&server, &owner, &to).await;
    let after = twilio.wait_for(2).await.remove(1);
    assert_eq!(after.header("authorization"), Some(basic(NEW).as_str()));
    assert!(believed(&server, 2, &after, NEW).await);
    assert!(
        believed(&server, 1, &before, AUTH_TOKEN).await,
        "signed before the change"
    );
    assert!(!believed(&server, 1, &before, "00000000000000000000000000000000").await);
    assert!(!server.log().contains(NEW));
}

#[tokio::test]
async fn a_broken_new_value_keeps_the_old_one_and_is_told_until_it_is_mended() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(Options::twilio(&twilio)).await;
    let file = server.dir.path().join("twilio-token");
    let mode = |mode: u32| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    let readiness = || async { server.open("/readyz").await.expect(200).json() };
    for (what, wanted) in [("mode", "chmod 600"), ("empty", "is empty"), ("gone", "does not exist")] {
        match what {
            "mode" => mode(0o644),
            "empty" => server.swap_file("twilio-token", ""),
            _ => std::fs::remove_file(&file).unwrap(),
        }
        server.look_again();
        eventually(what, || async {
            trouble(&readiness().await).filter(|why| why.contains(wanted) && why.contains("providers[tw].auth_token"))
        })
        .await;
        text(&server, &owner, &to).await;
        let heard = twilio.wait_for(twilio.heard().len().max(1)).await;
        assert!(
            heard
                .iter()
                .all(|one| one.header("authorization") == Some(basic(AUTH_TOKEN).as_str()))
        );
        let told = metrics(&server).await;
        assert!(
            told.contains("keepgate_secret_errors_total{key=\"providers[tw].auth_token\"}"),
            "{told}"
        );
        server.swap_file("twilio-token", AUTH_TOKEN);
        eventually("well again", || async {
            trouble(&readiness().await).is_none().then_some(())
        })
        .await;
    }
    assert!(server.log().contains("stays in use"));
}

#[tokio::test]
async fn secrets_check_lists_every_reference_and_shows_no_value() {
    let twilio = StandIn::twilio().await;
    let home = Server::home(&Options::twilio(&twilio));
    let config = home.path().join("keepgate.toml");
    let check = |more: &'static str| {
        let config = config.to_str().unwrap().to_owned();
        async move {
            let args = ["secrets", "check", "--config", &config];
            run(args.into_iter().chain(more.split_whitespace())).await
        }
    };
    let told = check("").await.expect(0).out;
    assert!(
        told.contains("ok    providers[tw].auth_token") && told.contains("mode 0600"),
        "{told}"
    );
    let told = check("--json").await.expect(0).out;
    let json: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(json["secrets"][0]["store"], "file");
    assert_eq!(json["secrets"][0]["readable"], true);
    assert!(!told.contains(AUTH_TOKEN));
    let token = home.path().join("twilio-token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o640)).unwrap();
    let ended = check("").await.expect(4);
    assert!(
        ended.out.contains("FAIL  providers[tw].auth_token") && ended.out.contains("chmod 600"),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains(AUTH_TOKEN));
}
