//! Forgotten passwords and notices, through a mail server that nobody here wrote.
use keepgate_tests::{Letter, MailServer, PASSWORD, Reply, Server, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use crate::live_secrets::changes;

pub const NEW: &str = "nine purple kayaks at dawn";

pub async fn ask(server: &Server, email: &str) -> Reply {
    server
        .send(Method::POST, "/v1/auth/reset", None, &[], &json!({"email": email}))
        .await
}

pub async fn confirm(server: &Server, code: &str, password: &str) -> Reply {
    let body = json!({"code": code, "password": password});
    server
        .send(Method::POST, "/v1/auth/reset/confirm", None, &[], &body)
        .await
}

pub fn code(letter: &Letter) -> String {
    let line = letter.text.lines().find(|line| line.starts_with("kgr_"));
    line.expect("the mail holds a code").trim().to_owned()
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_with_a_code_by_mail_that_works_once() {
    let Some(mail) = MailServer::start("implicit").await else {
        return;
    };
    let mut server = Server::with(mail.options()).await;
    let owner = server.owner().await;
    let (ann, bob) = (server.person(&owner, 2).await, server.person(&owner, 2).await);
    let known = ask(&server, &ann.email).await.expect(202);
    let unknown = ask(&server, "nobody@example.org").await.expect(202);
    assert_eq!(known.body, unknown.body);
    let names = |reply: &Reply| reply.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    let code = code(&mail.letter(&ann.email, "kgr_").await);
    confirm(&server, &code, "passwordpassword").await.expect(422);
    let done = confirm(&server, &code, NEW).await.expect(204);
    assert!(done.header("set-cookie").unwrap().starts_with("__Host-kg_device="));
    confirm(&server, &code, NEW).await.problem(401, "invalid-reset-code");
    confirm(&server, "kgr_nonsense", NEW)
        .await
        .problem(401, "invalid-reset-code");
    assert!(!server.admits(&ann.token).await, "every session is over");
    assert!(server.admits(&bob.token).await);
    server.login(&ann.email, PASSWORD).await.expect(401);
    server.login(&ann.email, NEW).await.expect(200);
    mail.letter(&ann.email, "A new password was set").await;
    let other = |letter: &Letter| letter.to != ann.email;
    assert!(!mail.letters().iter().any(other), "{:?}", mail.letters());
    let empty = || async { (server.superuser("select count(*) from identity.mail").await == "0").then_some(()) };
    eventually("nothing of a sent mail stays", empty).await;
    let log = server.whole_log(&owner).await;
    let told = serde_json::to_string(&log).unwrap();
    assert!(
        !told.contains(&code) && !told.contains(&ann.email),
        "the audit log names neither code nor address"
    );
    let done = |entry: &&Value| entry["action"] == "password.recover" && entry["outcome"] == "done";
    assert!(log.iter().filter(done).count() >= 3, "offered, issued, used");
    server.stop().await;
    let log = server.log();
    assert!(!log.contains(&code) && !log.contains(&ann.email) && !log.contains("the mail password"));
}

#[tokio::test]
async fn the_mail_server_s_password_changes_and_no_mail_is_lost() {
    let Some(mail) = MailServer::start("implicit").await else {
        return;
    };
    let server = Server::with(mail.options()).await;
    let owner = server.owner().await;
    let people = [
        server.person(&owner, 2).await,
        server.person(&owner, 2).await,
        server.person(&owner, 2).await,
    ];
    let [first, meanwhile, after] = &people;
    ask(&server, &first.email).await.expect(202);
    mail.letter(&first.email, "kgr_").await;
    mail.set_password("another mail password");
    ask(&server, &meanwhile.email).await.expect(202);
    mail.saw("unknown", 1).await;
    let put_off = "select count(*) from identity.mail where attempts > 0 and next_at > now()";
    eventually("the refused mail waits", || async {
        (server.superuser(put_off).await != "0").then_some(())
    })
    .await;
    server.swap_file("mail.password", "another mail password");
    changes(&server, 1).await;
    server.superuser("update identity.mail set next_at = now()").await;
    mail.letter(&meanwhile.email, "kgr_").await;
    ask(&server, &after.email).await.expect(202);
    mail.letter(&after.email, "kgr_").await;
    assert!(!server.log().contains("another mail password"));
}

#[tokio::test]
async fn an_admin_has_a_code_sent_to_its_owner_and_learns_nothing() {
    let Some(mail) = MailServer::start("starttls").await else {
        return;
    };
    let server = Server::with(mail.options()).await;
    let owner = server.owner().await;
    let (admin, ann) = (server.person(&owner, 4).await, server.person(&owner, 2).await);
    let reset = |id: &str| format!("/v1/users/{id}/reset");
    let answer = server.press(&reset(&ann.id), &admin.token).await.expect(202);
    assert!(answer.body.is_empty());
    let owner_id = server.me(&owner).await;
    server.press(&reset(&owner_id), &admin.token).await.expect(403);
    server.press(&reset(&admin.id), &admin.token).await.expect(403);
    server.press(&reset(&admin.id), &ann.token).await.expect(403);
    server.login(&ann.email, PASSWORD).await.expect(200);
    let code = code(&mail.letter(&ann.email, "kgr_").await);
    confirm(&server, &code, NEW).await.expect(204);
    server.login(&ann.email, NEW).await.expect(200);
}

#[tokio::test]
async fn a_newer_code_ends_the_older_and_too_many_requests_send_no_more() {
    let Some(mail) = MailServer::start("implicit").await else {
        return;
    };
    let server = Server::with(mail.options()).await;
    let ann = server.person(&server.owner().await, 2).await;
    for _ in 0..6 {
        ask(&server, &ann.email).await.expect(202);
    }
    eventually("three mails", || async { (mail.letters().len() == 3).then_some(()) }).await;
    server
        .post(
            "/v1/auth/password",
            &ann.token,
            json!({"current_password": PASSWORD, "new_password": NEW}),
        )
        .await
        .expect(204);
    mail.letter(&ann.email, "The password of your account was changed")
        .await;
    let codes: Vec<String> = mail.letters().iter().take(3).map(code).collect();
    confirm(&server, &codes[0], NEW)
        .await
        .problem(401, "invalid-reset-code");
    confirm(&server, &codes[2], PASSWORD).await.expect(204);
    assert_eq!(
        mail.letters()
            .iter()
            .filter(|letter| letter.text.contains("kgr_"))
            .count(),
        3
    );
}

#[tokio::test]
async fn the_owner_of_a_leaked_key_is_told_once() {
    let Some(mail) = MailServer::start("implicit").await else {
        return;
    };
    let mut server = Server::with(mail.options()).await;
    let owner = server.owner().await;
    let ann = server.person(&owner, 4).await;
    let (_, key) = server.issue(&ann.token, json!({"name": "k", "level": 2})).await;
    let report = || async {
        server
            .send(
                Method::POST,
                "/v1/api-keys:report-leak",
                None,
                &[],
                &json!({"key": key}),
            )
            .await
    };
    report().await.expect(202);
    report().await.expect(202);
    let letter = mail.letter(&ann.email, "found where it should not be").await;
    assert!(!letter.text.contains(&key[..20]), "the mail repeats nothing of it");
    assert!(!server.admits(&key).await);
    let empty = || async { (server.superuser("select count(*) from identity.mail").await == "0").then_some(()) };
    eventually("nothing is left to send", empty).await;
    assert_eq!(mail.letters().len(), 1);
    let mut taken = 0;
    for n in 0..40 {
        let body = json!({"key": format!("kgl_{n}")});
        let reply = server
            .send(Method::POST, "/v1/api-keys:report-leak", None, &[], &body)
            .await;
        if reply.status == 202 {
            taken += 1;
        } else {
            assert!(reply.header("retry-after").is_some());
            reply.problem(429, "rate-limited");
        }
    }
    assert!((28..=30).contains(&taken), "{taken} beside the two before");
    server.get("/v1/me", &ann.token).await.expect(200);
    server.stop().await;
    assert!(!server.log().contains(&key[..20]) && !server.log().contains(&ann.email));
}

#[tokio::test]
async fn without_mail_an_admin_is_told_and_nobody_else() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let ann = server.person(&owner, 2).await;
    server
        .press(&format!("/v1/users/{}/reset", ann.id), &owner)
        .await
        .problem(409, "mail-not-configured");
    let known = ask(&server, &ann.email).await.expect(202);
    let unknown = ask(&server, "nobody@example.org").await.expect(202);
    assert_eq!(known.body, unknown.body);
    assert_eq!(server.superuser("select count(*) from identity.mail").await, "0");
    assert!(server.log().contains("no mail is configured"), "the start says so");
}
