//! Mail that can't be delivered, for a while or for good.
use std::time::{Duration, Instant};

use keepgate_tests::{MailServer, Mood, Options, PASSWORD, Person, Server, eventually};
use reqwest::Method;
use serde_json::json;

const NEW: &str = "nine purple kayaks at dawn";

async fn house(mail: &MailServer) -> (Server, Person) {
    house_with(mail.options()).await
}

async fn house_with(options: Options) -> (Server, Person) {
    let server = Server::with(options).await;
    let ann = server.person(&server.owner().await, 2).await;
    (server, ann)
}

async fn ask(server: &Server, email: &str) {
    server
        .send(Method::POST, "/v1/auth/reset", None, &[], &json!({"email": email}))
        .await
        .expect(202);
}

/// Waits until the mail with ann's code was tried and put aside.
async fn put_aside(server: &Server) {
    let sql = "select count(*) from identity.mail where kind = 'reset' and attempts > 0 and next_at > now() + interval '5 seconds' \
               and next_at < now() + interval '2 minutes'";
    eventually("a mail that waits", || async {
        (server.superuser(sql).await == "1").then_some(())
    })
    .await;
}

/// What the clock would do.
async fn due_now(server: &Server) {
    server.superuser("update identity.mail set next_at = now()").await;
}

async fn nothing_waits(server: &Server) {
    let empty = || async { (server.superuser("select count(*) from identity.mail").await == "0").then_some(()) };
    eventually("an empty outbox", empty).await;
}

/// The code that arrived works; nothing of it, and no address, is in the log.
async fn it_works(server: &mut Server, mail: &MailServer, ann: &Person) {
    let letter = mail.letter(&ann.email, "kgr_").await;
    let code = letter
        .text
        .lines()
        .find(|line| line.starts_with("kgr_"))
        .unwrap()
        .trim()
        .to_owned();
    let body = json!({"code": code, "password": NEW});
    server
        .send(Method::POST, "/v1/auth/reset/confirm", None, &[], &body)
        .await
        .expect(204);
    server.login(&ann.email, NEW).await.expect(200);
    tells_nothing(server, ann).await;
}

async fn tells_nothing(server: &mut Server, ann: &Person) {
    server.stop().await;
    let log = server.log();
    for secret in ["kgr_", ann.email.as_str(), "the mail password"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_server_that_is_busy_or_away_gets_the_mail_later() {
    let Some(mut mail) = MailServer::start("implicit").await else {
        return;
    };
    let (mut server, ann) = house(&mail).await;
    mail.refuse(Some("451 4.3.0 come again"));
    ask(&server, &ann.email).await;
    mail.saw("refused", 1).await;
    put_aside(&server).await;
    mail.stop().await;
    due_now(&server).await;
    let tried = "select count(*) from identity.mail where attempts = 2 and next_at > now()";
    eventually("a second try", || async {
        (server.superuser(tried).await == "1").then_some(())
    })
    .await;
    mail.start_again().await;
    mail.refuse(None);
    put_aside(&server).await;
    due_now(&server).await;
    it_works(&mut server, &mail, &ann).await;
}

#[tokio::test]
async fn an_address_that_nobody_has_is_given_up_and_a_wrong_password_of_ours_is_not() {
    let Some(mail) = MailServer::start("implicit").await else {
        return;
    };
    let (server, ann) = house(&mail).await;
    mail.refuse(Some("550 5.1.1 nobody of that name"));
    ask(&server, &ann.email).await;
    mail.saw("refused", 1).await;
    nothing_waits(&server).await;
    drop(server);
    let mut options = mail.options();
    options.files.retain(|(name, _)| name != "mail.password");
    options
        .files
        .push(("mail.password".into(), "not the mail password\n".into()));
    let (mut server, ann) = house_with(options).await;
    ask(&server, &ann.email).await;
    mail.saw("unknown", 1).await;
    put_aside(&server).await;
    assert!(mail.letters().is_empty());
    tells_nothing(&mut server, &ann).await;
}

#[tokio::test]
async fn nothing_is_said_to_a_server_with_another_s_certificate_or_without_tls() {
    for (security, mood) in [
        ("implicit", Mood::Misnamed),
        ("starttls", Mood::Misnamed),
        ("starttls", Mood::Bare),
    ] {
        let Some(mail) = MailServer::of_mood(security, mood).await else {
            return;
        };
        let (mut server, ann) = house(&mail).await;
        ask(&server, &ann.email).await;
        put_aside(&server).await;
        for event in ["known", "unknown", "refused", "taken"] {
            assert_eq!(mail.count(event), 0, "{security} {mood:?}: {event}");
        }
        tells_nothing(&mut server, &ann).await;
    }
}

#[tokio::test]
async fn a_mail_in_hand_when_the_service_is_killed_arrives_after_all() {
    let Some(mut mail) = MailServer::of_mood("implicit", Mood::Slow).await else {
        return;
    };
    let (mut server, ann) = house(&mail).await;
    ask(&server, &ann.email).await;
    mail.saw("asleep", 1).await;
    let started = Instant::now();
    ask(&server, "nobody@example.org").await;
    server.login(&ann.email, PASSWORD).await.expect(200);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "nobody waits for the mail server"
    );
    server.kill().await;
    mail.stop().await;
    mail.start_again_as(Mood::Kind).await;
    server.start_again().await;
    due_now(&server).await;
    it_works(&mut server, &mail, &ann).await;
}

#[tokio::test]
async fn a_mail_server_that_never_answers_holds_nobody_up() {
    let Some(mail) = MailServer::of_mood("implicit", Mood::Slow).await else {
        return;
    };
    let (mut server, ann) = house(&mail).await;
    ask(&server, &ann.email).await;
    mail.saw("asleep", 1).await;
    let started = Instant::now();
    assert_eq!(server.stop().await, Some(0));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}
