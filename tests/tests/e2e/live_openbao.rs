//! A provider's token in OpenBao itself: at the start, changed while the service runs, and taken away.
use keepgate_tests::{AUTH_TOKEN, Options, Server, StandIn, eventually, run, serve_until_end};
use serde_json::{Value, json};

use crate::{
    judges::openbao::OpenBao,
    live_secrets::{NEW, basic, believed, changes, desk, text, trouble},
};

const RULES: &str = r#"path "secret/data/keepgate/*" { capabilities = ["read"] }"#;

/// The provider of [`Options::twilio`] with its token at `reference` in `bao`.
async fn options(twilio: &StandIn, bao: &OpenBao, reference: &str) -> Options {
    let mut options = Options::twilio(twilio);
    options.config = options.config.replace("secret://file{dir}/twilio-token", reference);
    let sections = format!(
        "[openbao]\nurl = \"{}\"\nca_file = \"bao.pem\"\nauth = \"token\"\ntoken = \"secret://file{{dir}}/bao-token\"\n\
         [services]\npoll_seconds = 1\n",
        bao.url
    );
    options.config.push_str(&sections);
    options.files = vec![
        ("bao.pem".to_owned(), bao.ca_pem.clone()),
        ("bao-token".to_owned(), bao.token(RULES).await),
    ];
    options
}

async fn check(server: &Server) -> (Option<i32>, Value) {
    let config = server.dir.path().join("keepgate.toml");
    let ended = run(["secrets", "check", "--json", "--config", config.to_str().unwrap()]).await;
    assert!(
        ![AUTH_TOKEN, NEW].iter().any(|token| ended.out.contains(token)),
        "no value is shown"
    );
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    let all = told["secrets"].as_array().unwrap();
    let token = all.iter().find(|one| one["key"] == "providers[tw].auth_token").unwrap();
    (ended.code, token.clone())
}

#[tokio::test]
async fn a_token_in_openbao_is_read_renewed_and_kept_when_it_is_taken_away() {
    let Some(bao) = OpenBao::start().await else { return };
    bao.put("keepgate/twilio", json!({"token": AUTH_TOKEN})).await;
    let twilio = StandIn::twilio().await;
    let reference = "secret://openbao/secret/keepgate/twilio#token";
    let (server, owner, to) = desk(options(&twilio, &bao, reference).await).await;
    text(&server, &owner, &to).await;
    let before = twilio.wait_for(1).await.remove(0);
    assert_eq!(before.header("authorization"), Some(basic(AUTH_TOKEN).as_str()));
    bao.put("keepgate/twilio", json!({"token": NEW})).await;
    changes(&server, 1).await;
    text(&server, &owner, &to).await;
    let after = twilio.wait_for(2).await.remove(1);
    assert_eq!(after.header("authorization"), Some(basic(NEW).as_str()));
    assert!(
        believed(&server, 1, &before, AUTH_TOKEN).await,
        "signed with the former token"
    );
    let (code, told) = check(&server).await;
    assert_eq!(
        (code, &told["store"], &told["version"]),
        (Some(0), &json!("openbao"), &json!("2"))
    );

    bao.admin("DELETE", "secret/data/keepgate/twilio", Value::Null).await;
    eventually("the trouble at /readyz", || async {
        let told = server.open("/readyz").await.expect(200).json();
        trouble(&told).filter(|why| why.contains("providers[tw].auth_token"))
    })
    .await;
    text(&server, &owner, &to).await;
    let kept = twilio.wait_for(3).await.remove(2);
    assert_eq!(
        kept.header("authorization"),
        Some(basic(NEW).as_str()),
        "the last value stays in use"
    );
    let (code, told) = check(&server).await;
    assert_eq!((code, &told["readable"]), (Some(4), &json!(false)), "{told}");
}

#[tokio::test]
async fn a_start_tells_what_openbao_does_not_give() {
    let Some(bao) = OpenBao::start().await else { return };
    bao.put("keepgate/twilio", json!({"token": AUTH_TOKEN})).await;
    bao.put("others/twilio", json!({"token": AUTH_TOKEN})).await;
    let twilio = StandIn::twilio().await;
    for (reference, wanted) in [
        (
            "secret://openbao/secret/keepgate/none#token",
            "has no such secret or version",
        ),
        (
            "secret://openbao/secret/keepgate/twilio#pin",
            "providers[tw].auth_token",
        ),
        ("secret://openbao/secret/others/twilio#token", "does not allow it"),
    ] {
        let home = Server::home(&options(&twilio, &bao, reference).await);
        let told = serve_until_end(home.path(), "127.0.0.1:0", &[]).await.failed(4);
        assert!(
            told.contains(wanted) && !told.contains(AUTH_TOKEN),
            "{reference}: {told}"
        );
    }
}
