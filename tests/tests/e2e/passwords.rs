//! Passwords: changing them, and guessing them.
use keepgate_tests::{Options, PASSWORD, Reply, Server};
use reqwest::Method;
use serde_json::json;

const NEW: &str = "nine purple kayaks at dawn";

async fn change(server: &Server, bearer: &str, present: &str, new: &str) -> Reply {
    let body = json!({"current_password": present, "new_password": new});
    server.post("/v1/auth/password", bearer, body).await
}

/// Tries to log in with more headers.
async fn login_with(server: &Server, email: &str, password: &str, headers: &[(&str, &str)]) -> Reply {
    let body = json!({"email": email, "password": password});
    server.send(Method::POST, "/v1/auth/login", None, headers, &body).await
}

/// The `name=value` of the cookie that a log-in has set.
fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie").expect("a log-in sets the cookie");
    set.split(';').next().unwrap().to_owned()
}

/// Guesses with ever new passwords until refused; how many were looked at.
async fn guess(server: &Server, email: &str, headers: &[(&str, &str)], most: u32) -> u32 {
    for nth in 0..most {
        let reply = login_with(server, email, &format!("wrong password number {nth}"), headers).await;
        if reply.status == 429 {
            return nth;
        }
        reply.problem(401, "invalid-credentials");
    }
    most
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session_and_this_one_goes_on() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    let other = server
        .login(&ann.email, PASSWORD)
        .await
        .expect(200)
        .field("access_token");
    change(&server, &ann.token, "not my password at all", NEW)
        .await
        .problem(403, "wrong-password");
    for (weak, place) in [
        ("short", "/new_password"),
        ("passwordpassword", "/new_password"),
        (ann.email.as_str(), "/new_password"),
        (PASSWORD, "/new_password"),
    ] {
        assert_eq!(
            change(&server, &ann.token, PASSWORD, weak).await.invalid(),
            place,
            "{weak}"
        );
    }
    assert!(server.admits(&other).await, "nothing has happened yet");
    change(&server, &ann.token, PASSWORD, NEW).await.expect(204);
    assert!(!server.admits(&other).await, "whoever learnt the old one is out");
    assert!(server.admits(&ann.token).await);
    server.login(&ann.email, PASSWORD).await.expect(401);
    server.login(&ann.email, NEW).await.expect(200);
    change(&server, &server.key(), PASSWORD, NEW)
        .await
        .problem(403, "not-for-api-keys");
}

#[tokio::test]
async fn whoever_stole_a_token_cant_guess_the_password_with_it() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    for nth in 0..11 {
        change(&server, &ann.token, &format!("a guess number {nth}"), NEW)
            .await
            .problem(403, "wrong-password");
    }
    let refused = change(&server, &ann.token, PASSWORD, NEW).await;
    assert!(refused.header("retry-after").is_some());
    refused.problem(429, "locked-out");
    server.login(&ann.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_browser_that_logged_in_before_is_let_in_while_strangers_are_locked_out() {
    let mut server = Server::start().await;
    let owner = server.owner().await;
    let (ann, bob) = (server.person(&owner, 2).await, server.person(&owner, 2).await);
    let first = server.login(&ann.email, PASSWORD).await.expect(200);
    let set = first.header("set-cookie").unwrap();
    for part in [
        "__Host-kg_device=",
        "; Path=/",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Strict",
        "; Max-Age=",
    ] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Domain"), "{set}");
    let known = cookie(&first);
    assert_eq!(guess(&server, &ann.email, &[], 50).await, 5);
    server.login(&ann.email, PASSWORD).await.problem(429, "locked-out");
    let headers = [("cookie", known.as_str())];
    let again = login_with(&server, &ann.email, PASSWORD, &headers).await.expect(200);
    assert_ne!(cookie(&again), known, "each log-in gives a new one");
    login_with(&server, &bob.email, "not bob's password", &headers)
        .await
        .expect(401);
    let forged = known.replace("kg_device=", "kg_device=A");
    login_with(&server, &ann.email, PASSWORD, &[("cookie", &forged)])
        .await
        .problem(429, "locked-out");
    // The next start remembers.
    server.stop().await;
    server.start_again().await;
    server.login(&ann.email, PASSWORD).await.problem(429, "locked-out");
    login_with(&server, &ann.email, PASSWORD, &headers).await.expect(200);
    let log = server.log();
    assert!(!log.contains("kg_device") && !log.contains(known.split_once('=').unwrap().1));
}

#[tokio::test]
async fn an_address_that_fails_on_many_accounts_is_blocked_and_proxies_tell_which() {
    let server = Server::with(Options::config("[limits]\ntrusted_proxies = 1\n")).await;
    let ann = server.person(&server.owner().await, 2).await;
    let from = |address: &'static str| [("x-forwarded-for", address)];
    for nth in 0..10 {
        login_with(
            &server,
            &format!("user{nth}@example.net"),
            PASSWORD,
            &from("203.0.113.7"),
        )
        .await
        .problem(401, "invalid-credentials");
    }
    let blocked = login_with(&server, &ann.email, PASSWORD, &from("10.1.1.1, 203.0.113.7")).await;
    let wait: u64 = blocked.header("retry-after").unwrap().parse().unwrap();
    blocked.problem(429, "locked-out");
    assert!((800..=901).contains(&wait), "{wait}");
    login_with(&server, &ann.email, PASSWORD, &from("203.0.113.7, 203.0.113.8"))
        .await
        .expect(200);
    let metrics = server
        .raw(Method::GET, &server.admin_url("/metrics"), None, &[], None)
        .await
        .text();
    assert!(
        metrics.contains("keepgate_login_refusals_total{guard=\"address\"} 1"),
        "{metrics}"
    );
}
