//! The second factor over HTTP: adding it, being asked for it, losing it.
use std::process::Command;

use keepgate_tests::{App, PASSWORD, Person, Server};
use serde_json::{Value, json};

async fn question(server: &Server, person: &Person) -> Value {
    let body = server.login(&person.email, PASSWORD).await.expect(200).json();
    assert!(
        body.get("access_token").is_none(),
        "no token before the second factor: {body}"
    );
    body["mfa"].clone()
}

fn totp(question: &Value, code: &str) -> Value {
    json!({"challenge": question["challenge"], "totp": code})
}

/// `oathtool` of Debian, which nobody here wrote; `None` where it is not installed, and then only locally.
#[expect(clippy::disallowed_methods, reason = "CI says so in the environment")]
fn oathtool(secret: &str) -> Option<String> {
    match Command::new("oathtool").args(["--totp", "--base32", secret]).output() {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).unwrap().trim().to_owned()),
        Ok(output) => panic!("oathtool: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "oathtool is not installed: {error}"
            );
            println!("oathtool is not installed: skipped ({error})");
            None
        }
    }
}

#[tokio::test]
async fn the_codes_of_oathtool_open_the_door() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    let app = server.press("/v1/me/mfa/totp", &ann.token).await.expect(201);
    let (secret, uri) = (app.field("secret"), app.field("uri"));
    assert!(uri.starts_with("otpauth://totp/Keepgate:") && uri.contains(&format!("secret={secret}&issuer=Keepgate")));
    let Some(code) = oathtool(&secret) else { return };
    server
        .post("/v1/me/mfa/totp/confirm", &ann.token, json!({"code": code}))
        .await
        .expect(200);
    let question = question(&server, &ann).await;
    // The step just used is refused, its own judge or not; a code of another step follows from the same seed.
    server
        .answer(&totp(&question, &code))
        .await
        .problem(401, "invalid-second-factor");
    let next = Command::new("oathtool")
        .args(["--totp", "--base32", "--now", "+30 seconds", &secret])
        .output()
        .unwrap();
    let next = String::from_utf8(next.stdout).unwrap();
    let entered = server.answer(&totp(&question, next.trim())).await.expect(200);
    let me = server
        .get("/v1/me", &entered.field("access_token"))
        .await
        .expect(200)
        .json();
    assert_eq!(me["factors"], "two");
}

#[tokio::test]
async fn an_app_is_pending_until_its_first_code_and_asked_for_from_then_on() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    let made = server.press("/v1/me/mfa/totp", &ann.token).await.expect(201);
    assert!(made.field("id").starts_with("fac_"));
    let list = server.get("/v1/me/mfa", &ann.token).await.expect(200).json();
    assert_eq!(
        (&list["items"][0]["status"], &list["required"]),
        (&json!("pending"), &json!(false))
    );
    server
        .login(&ann.email, PASSWORD)
        .await
        .expect(200)
        .field("access_token");
    let wrong = server
        .post("/v1/me/mfa/totp/confirm", &ann.token, json!({"code": "000000"}))
        .await;
    assert_eq!(wrong.invalid(), "/code");
    let (mut app, codes) = server.add_app(&ann.token).await;
    assert_eq!(codes.len(), 10);
    server
        .post("/v1/me/mfa/totp/confirm", &ann.token, json!({"code": app.code().await}))
        .await
        .problem(409, "no-pending-factor");
    let asked = question(&server, &ann).await;
    assert_eq!(asked["methods"], json!(["totp", "recovery"]));
    assert!(asked.get("totp").is_none() && asked["expires_at"].is_string());
    let entered = server.answer(&totp(&asked, &app.code().await)).await.expect(200);
    assert!(entered.json().get("recovery_codes").is_none());
    server
        .answer(&totp(&asked, &app.code().await))
        .await
        .problem(401, "invalid-challenge");
    let list = server.get("/v1/me/mfa", &ann.token).await.expect(200).json();
    assert_eq!(
        (&list["items"][0]["status"], &list["recovery_codes_left"]),
        (&json!("active"), &json!(10))
    );
}

#[tokio::test]
async fn five_answers_are_looked_at_and_a_recovery_code_works_once() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    let (mut app, codes) = server.add_app(&ann.token).await;
    let asked = question(&server, &ann).await;
    for _ in 0..5 {
        server
            .answer(&totp(&asked, "000000"))
            .await
            .problem(401, "invalid-second-factor");
    }
    server
        .answer(&totp(&asked, &app.code().await))
        .await
        .problem(401, "invalid-challenge");
    for (status, slug) in [(200, ""), (401, "invalid-second-factor")] {
        let asked = question(&server, &ann).await;
        let reply = server
            .answer(&json!({"challenge": asked["challenge"], "recovery": codes[0]}))
            .await;
        if status == 200 {
            reply.expect(200);
        } else {
            reply.problem(status, slug);
        }
    }
}

#[tokio::test]
async fn a_wrong_password_does_not_tell_whether_there_is_a_second_factor() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (with, without) = (server.person(&owner, 2).await, server.person(&owner, 2).await);
    server.add_app(&with.token).await;
    let body = |reply: keepgate_tests::Reply| {
        let mut body = reply.problem(401, "invalid-credentials");
        body.as_object_mut().unwrap().remove("request_id");
        body
    };
    assert_eq!(
        body(server.login(&with.email, "wrong wrong wrong").await),
        body(server.login(&without.email, "wrong wrong wrong").await)
    );
}

#[tokio::test]
async fn malformed_and_foreign_challenges_are_told_alike() {
    let server = Server::start().await;
    let foreign = format!("kgm_{}", "A".repeat(64));
    for challenge in ["", "nonsense", foreign.as_str()] {
        server
            .answer(&json!({"challenge": challenge, "totp": "123456"}))
            .await
            .problem(401, "invalid-challenge");
    }
    assert_eq!(server.answer(&json!({"challenge": "x"})).await.invalid(), "");
    let both = json!({"challenge": "x", "totp": "123456", "recovery": "x"});
    assert_eq!(server.answer(&both).await.invalid(), "");
}

#[tokio::test]
async fn platform_levels_enrol_with_an_app_and_get_recovery_codes() {
    let server = Server::start().await;
    let reply = server
        .try_code(server.boot["platform_enrolment"].as_str().unwrap())
        .await
        .expect(200);
    let asked = reply.json()["mfa"].clone();
    assert_eq!(asked["methods"], json!(["totp-enrol"]));
    assert!(
        asked["totp"]["uri"]
            .as_str()
            .unwrap()
            .starts_with("otpauth://totp/Keepgate:")
    );
    let mut app = App::new(asked["totp"]["secret"].as_str().unwrap());
    server
        .answer(&totp(&asked, "000000"))
        .await
        .problem(401, "invalid-second-factor");
    let entered = server.answer(&totp(&asked, &app.code().await)).await.expect(200);
    assert_eq!(entered.json()["recovery_codes"].as_array().unwrap().len(), 10);
    let me = server
        .get("/v1/me", &entered.field("access_token"))
        .await
        .expect(200)
        .json();
    assert_eq!((&me["level"], &me["factors"]), (&json!(7), &json!("two")));
    let mine = server
        .get("/v1/me/mfa", &entered.field("access_token"))
        .await
        .expect(200)
        .json();
    let only = format!("/v1/me/mfa/{}", mine["items"][0]["id"].as_str().unwrap());
    server
        .delete(&only, &entered.field("access_token"))
        .await
        .problem(409, "last-second-factor");
}

#[tokio::test]
async fn after_a_day_an_admin_without_a_factor_can_only_add_one() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 4).await;
    let list = server.get("/v1/me/mfa", &ann.token).await.expect(200).json();
    assert!(list["required"] == true && list["grace_until"].is_string(), "{list}");
    server.enrolled_a_day_ago(&ann.id).await;
    let owing = server
        .login(&ann.email, PASSWORD)
        .await
        .expect(200)
        .field("access_token");
    let me = server.get("/v1/me", &owing).await.expect(200).json();
    assert_eq!(me["factors"], "owing");
    for path in ["/v1/users", "/v1/recipients", "/v1/api-keys"] {
        server.get(path, &owing).await.problem(403, "second-factor-required");
    }
    let (mut app, _) = server.add_app(&owing).await;
    let again = json!({"totp": app.code().await});
    let token = server
        .post("/v1/auth/step-up", &owing, again)
        .await
        .expect(200)
        .field("access_token");
    server.get("/v1/users", &token).await.expect(200);
    assert!(!server.admits(&owing).await, "the owing session is over");
}

#[tokio::test]
async fn a_tenant_says_from_which_level_and_it_counts_from_the_next_log_in() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let ann = server.person(&owner, 2).await;
    server.enrolled_a_day_ago(&ann.id).await;
    let factors = async || {
        let token = server
            .login(&ann.email, PASSWORD)
            .await
            .expect(200)
            .field("access_token");
        server.get("/v1/me", &token).await.expect(200).json()["factors"].clone()
    };
    assert_eq!(factors().await, "one");
    assert_eq!(
        server.get("/v1/tenant/policy", &owner).await.expect(200).json(),
        json!({"mfa_level": 4})
    );
    server
        .patch("/v1/tenant/policy", &owner, json!({"mfa_level": 2}))
        .await
        .expect(200);
    assert_eq!(factors().await, "owing");
    for level in [json!(0), json!(8), json!("2")] {
        server
            .patch("/v1/tenant/policy", &owner, json!({"mfa_level": level}))
            .await
            .invalid();
    }
    let admin = server.person(&owner, 4).await;
    server
        .patch("/v1/tenant/policy", &admin.token, json!({"mfa_level": 7}))
        .await
        .problem(403, "level-too-low");
}

#[tokio::test]
async fn an_admin_s_reset_ends_the_sessions_and_starts_no_second_day() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let ann = server.person(&owner, 4).await;
    server.add_app(&ann.token).await;
    server.enrolled_a_day_ago(&ann.id).await;
    server
        .delete(&format!("/v1/users/{}/mfa", ann.id), &owner)
        .await
        .expect(204);
    assert!(!server.admits(&ann.token).await);
    let owing = server
        .login(&ann.email, PASSWORD)
        .await
        .expect(200)
        .field("access_token");
    server
        .get("/v1/users", &owing)
        .await
        .problem(403, "second-factor-required");
    let bob = server.person(&owner, 4).await;
    let upward = format!("/v1/users/{}/mfa", server.me(&owner).await);
    server.delete(&upward, &bob.token).await.problem(403, "out-of-reach");
    server
        .delete(&format!("/v1/users/{}/mfa", ann.id), &bob.token)
        .await
        .problem(403, "out-of-reach");
}

#[tokio::test]
async fn no_secret_of_a_factor_is_in_the_database_or_in_the_log() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    let (app, codes) = server.add_app(&ann.token).await;
    let asked = question(&server, &ann).await;
    let dump = "select string_agg(t::text, ' ') from (select f::text from identity.factor f union all select r::text from identity.recovery_code r \
                union all select c::text from identity.mfa_challenge c union all select e::text from audit.entry e) t";
    let (dump, log) = (server.superuser(dump).await, server.log());
    let seed = data_encoding::HEXLOWER.encode(&data_encoding::BASE32_NOPAD.decode(app.secret.as_bytes()).unwrap());
    assert!(dump.len() > 500, "the dump holds the rows");
    for secret in [
        app.secret.as_str(),
        &seed,
        &codes[0],
        asked["challenge"].as_str().unwrap(),
    ] {
        assert!(!dump.contains(secret) && !log.contains(secret));
    }
}

#[tokio::test]
async fn the_second_step_gives_the_browser_its_cookie() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    let (mut app, _) = server.add_app(&ann.token).await;
    let asked = server.login(&ann.email, PASSWORD).await.expect(200);
    assert!(asked.header("set-cookie").is_none(), "not for half a log-in");
    let question = asked.json()["mfa"].clone();
    let entered = server.answer(&totp(&question, &app.code().await)).await.expect(200);
    let cookie = entered.header("set-cookie").expect("the cookie").to_owned();
    assert!(cookie.starts_with("__Host-kg_device=") && cookie.contains("; HttpOnly"));
    let pair = cookie.split(';').next().unwrap();
    let guess = async |headers: &[(&str, &str)], password: &str| {
        let body = json!({"email": ann.email, "password": password});
        server
            .send(reqwest::Method::POST, "/v1/auth/login", None, headers, &body)
            .await
    };
    for nth in 0..50 {
        if guess(&[], &format!("wrong password number {nth}")).await.status == 429 {
            break;
        }
    }
    guess(&[], PASSWORD).await.problem(429, "locked-out");
    let known = guess(&[("cookie", pair)], PASSWORD).await.expect(200).json();
    assert!(
        known["mfa"]["challenge"].is_string(),
        "let in to the question, and no further"
    );
}

#[tokio::test]
async fn eight_characters_are_a_password_beside_a_factor_only() {
    const SHORT: &str = "kayak-9?";
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    let change = async |present: &str, new: &str| {
        let body = json!({"current_password": present, "new_password": new});
        server.post("/v1/auth/password", &ann.token, body).await
    };
    assert_eq!(change(PASSWORD, SHORT).await.invalid(), "/new_password");
    server.add_app(&ann.token).await;
    change(PASSWORD, SHORT).await.expect(204);
    let own = server.get("/v1/me/mfa", &ann.token).await.expect(200).json();
    let path = format!("/v1/me/mfa/{}", own["items"][0]["id"].as_str().unwrap());
    server.delete(&path, &ann.token).await.problem(409, "short-password");
    change(SHORT, PASSWORD).await.expect(204);
    server.delete(&path, &ann.token).await.expect(204);
}
