//! What a code by mail can't do: stand in for a second factor, outlive its time, or reach another tenant.
use keepgate_tests::{MailServer, PASSWORD, Server, email, eventually};
use reqwest::Method;
use serde_json::json;

use crate::mail::{NEW, ask, code, confirm};

#[tokio::test]
async fn a_new_password_does_not_stand_in_for_the_second_factor_nor_the_other_way_round() {
    let Some(mail) = MailServer::start("implicit").await else {
        return;
    };
    let server = Server::with(mail.options()).await;
    let ann = server.person(&server.owner().await, 2).await;
    let (mut app, _) = server.add_app(&ann.token).await;
    let before = server.login(&ann.email, PASSWORD).await.expect(200).json()["mfa"].clone();
    assert!(before["challenge"].is_string());
    ask(&server, &ann.email).await.expect(202);
    let code = code(&mail.letter(&ann.email, "kgr_").await);
    // The factor alone sets nothing.
    confirm(&server, &app.code().await, NEW)
        .await
        .problem(401, "invalid-reset-code");
    let alone = json!({"new_password": NEW, "totp": app.code().await});
    server.post("/v1/auth/password", &ann.token, alone).await.expect(422);
    server.login(&ann.email, NEW).await.expect(401);
    let done = confirm(&server, &code, NEW).await.expect(204);
    assert!(done.body.is_empty(), "no session comes of it");
    assert!(!server.admits(&ann.token).await);
    let cookie = done.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    // Neither the password that began it nor its browser makes the old log-in good.
    server
        .answer(&json!({"challenge": before["challenge"], "totp": app.code().await}))
        .await
        .problem(401, "invalid-challenge");
    let login = json!({"email": ann.email, "password": NEW});
    let after = server
        .send(Method::POST, "/v1/auth/login", None, &[("cookie", &cookie)], &login)
        .await
        .expect(200)
        .json();
    assert!(after.get("access_token").is_none(), "{after}");
    server
        .answer(&json!({"challenge": after["mfa"]["challenge"], "totp": app.code().await}))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_code_is_good_for_its_time_and_for_its_tenant() {
    let Some(mail) = MailServer::start("implicit").await else {
        return;
    };
    let server = Server::with(mail.options()).await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let (second, other_owner) = server.second_tenant(&admin).await;
    let address = email();
    for by in [&owner, &other_owner] {
        let made = server
            .post("/v1/users", by, json!({"email": address, "level": 2}))
            .await
            .expect(201)
            .json();
        server.enrol(made["enrolment"]["code"].as_str().unwrap()).await;
    }
    let named = json!({"email": address, "tenant": second});
    server
        .send(Method::POST, "/v1/auth/reset", None, &[], &named)
        .await
        .expect(202);
    let letter = mail.letter(&address, &second).await;
    confirm(&server, &code(&letter), NEW).await.expect(204);
    let into = |tenant: String, password: &'static str| {
        let body = json!({"email": address, "password": password, "tenant": tenant});
        let server = &server;
        async move {
            server
                .send(Method::POST, "/v1/auth/login", None, &[], &body)
                .await
                .status
        }
    };
    let first = server.boot["tenant"].as_str().unwrap().to_owned();
    assert_eq!(into(second.clone(), NEW).await, 200);
    assert_eq!(
        into(first.clone(), PASSWORD).await,
        200,
        "the other account keeps its password"
    );
    assert_eq!(into(first, NEW).await, 401);
    let codes = || mail.letters().into_iter().filter(|letter| letter.text.contains("kgr_"));
    assert_eq!(codes().count(), 1, "one tenant was named");
    // Without a name both get one.
    ask(&server, &address).await.expect(202);
    eventually("two more", || async { (codes().count() == 3).then_some(()) }).await;
    let (quiet, loud) = ("disable trigger audited", "enable always trigger audited");
    server
        .past_the_guard(&format!(
            "begin; alter table identity.reset {quiet}; update identity.reset set expires_at = now(); alter table identity.reset {loud}; commit"
        ))
        .await;
    for letter in codes() {
        confirm(&server, &code(&letter), PASSWORD)
            .await
            .problem(401, "invalid-reset-code");
    }
}
