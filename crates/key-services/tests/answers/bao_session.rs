//! How a session with OpenBao begins, goes on and ends.
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use keepgate_key_services::{Credential, Unreadable, openbao::Auth};
use secrecy::SecretString;
use serde_json::json;

use crate::{
    bao::bao,
    stand_in::{Heard, Reply, StandIn, says},
    table::got,
};

const NAME: &str = "kv/a#field";

fn role() -> Auth {
    Auth::AppRole {
        mount: "team/approle".to_owned(),
        role_id: "role".to_owned(),
        secret_id: SecretString::from("the secret id\n").into(),
    }
}

fn secret() -> Reply {
    let metadata = json!({"version": 1, "deletion_time": "", "destroyed": false});
    says(
        200,
        json!({"data": {"data": {"field": "x"}, "metadata": metadata}}).to_string(),
    )
}

fn granted(token: &str, lease: u64, renewable: bool) -> Reply {
    let auth = json!({"client_token": token, "lease_duration": lease, "renewable": renewable});
    says(200, json!({"auth": auth}).to_string())
}

fn logged_in(heard: &Heard, known: &str) -> Reply {
    if heard.header("x-vault-token") == Some(known) {
        secret()
    } else {
        says(403, r#"{"errors":["permission denied"]}"#)
    }
}

#[tokio::test]
async fn who_comes_first_logs_in_for_all() {
    let there = StandIn::start(|heard| match heard.is("/auth/") {
        true => granted("one", 3600, true),
        false => logged_in(heard, "one"),
    })
    .await;
    let store = bao(there.url.clone(), role()).secrets();
    let all = (0..8).map(|_| got(&store, NAME, None));
    assert_eq!(futures_util::future::join_all(all).await, ["ok"; 8]);
    let asked = there.heard("POST /v1/auth/team/approle/login ");
    assert_eq!(asked.len(), 1);
    let body: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(body, json!({"role_id": "role", "secret_id": "the secret id"}));
    assert_eq!(asked[0].header("x-vault-token"), None);
}

#[tokio::test]
async fn a_signed_token_of_the_platform_logs_in() {
    let there = StandIn::start(|heard| match heard.is("/auth/") {
        true => granted("one", 3600, true),
        false => logged_in(heard, "one"),
    })
    .await;
    let auth = Auth::Jwt {
        mount: "kubernetes".to_owned(),
        role: "keepgate".to_owned(),
        jwt: SecretString::from("e.y.J").into(),
    };
    assert_eq!(got(&bao(there.url.clone(), auth).secrets(), NAME, None).await, "ok");
    let asked = there.heard("POST /v1/auth/kubernetes/login ");
    let body: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(body, json!({"role": "keepgate", "jwt": "e.y.J"}));
}

#[tokio::test]
async fn a_lease_is_renewed_before_it_ends_and_given_up_when_it_shrinks() {
    let renewals = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&renewals);
    let there = StandIn::start(move |heard| {
        if heard.is("/login") {
            return granted("one", 2, true);
        }
        if heard.is("/renew-self") {
            // The second time, the longest lease is nearly over.
            let shrinks = count.fetch_add(1, Ordering::Relaxed) > 0;
            return granted("one", if shrinks { 0 } else { 2 }, true);
        }
        logged_in(heard, "one")
    })
    .await;
    let store = bao(there.url.clone(), role()).secrets();
    for (logins, renewed) in [(1, 0), (1, 1), (2, 2)] {
        assert_eq!(got(&store, NAME, None).await, "ok");
        let counted = (there.heard("/login").len(), there.heard("/renew-self").len());
        assert_eq!(counted, (logins, renewed));
        // Past two thirds of the lease.
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
}

#[tokio::test]
async fn what_is_left_of_a_lease_is_used_and_then_nothing() {
    let there = StandIn::start(|heard| match (heard.is("/auth/"), heard.is("/renew-self")) {
        (_, true) => says(503, ""),
        (true, _) if heard.body.contains("secret id") => granted("one", 2, true),
        _ => logged_in(heard, "one"),
    })
    .await;
    let given = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&given);
    let auth = Auth::AppRole {
        mount: "approle".to_owned(),
        role_id: "role".to_owned(),
        secret_id: Credential::new(move || match count.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(SecretString::from("secret id")),
            _ => Err(Unreadable),
        }),
    };
    let store = bao(there.url.clone(), auth).secrets();
    assert_eq!(got(&store, NAME, None).await, "ok");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(got(&store, NAME, None).await, "ok", "the lease has half a second left");
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(got(&store, NAME, None).await, "denied", "fails closed");
}

#[tokio::test]
async fn a_revoked_token_is_replaced_once() {
    let current = Arc::new(Mutex::new("one".to_owned()));
    let known = Arc::clone(&current);
    let there = StandIn::start(move |heard| {
        let known = known.lock().unwrap().clone();
        match heard.is("/auth/") {
            true => granted(&known, 3600, true),
            false => logged_in(heard, &known),
        }
    })
    .await;
    let store = bao(there.url.clone(), role()).secrets();
    assert_eq!(got(&store, NAME, None).await, "ok");
    *current.lock().unwrap() = "two".to_owned();
    assert_eq!(got(&store, NAME, None).await, "ok");
    assert_eq!(there.heard("/login").len(), 2);
}

#[tokio::test]
async fn who_may_not_does_not_log_in_again_and_again() {
    let there = StandIn::start(|heard| match heard.is("/auth/") {
        true => granted("one", 3600, true),
        false => says(403, "{}"),
    })
    .await;
    let store = bao(there.url.clone(), role()).secrets();
    for _ in 0..5 {
        assert_eq!(got(&store, NAME, None).await, "denied");
    }
    assert_eq!(
        there.heard("/login").len(),
        2,
        "the log-in, and one more after the first refusal"
    );
}

#[tokio::test]
async fn a_token_that_somebody_renewed_is_picked_up() {
    let current = Arc::new(Mutex::new("one".to_owned()));
    let (known, held) = (Arc::clone(&current), Arc::clone(&current));
    let there = StandIn::start(move |heard| match heard.is("/lookup-self") {
        true => says(200, r#"{"data":{"ttl":3600,"renewable":true}}"#),
        false => logged_in(heard, &known.lock().unwrap()),
    })
    .await;
    let kept = Credential::new(move || Ok(SecretString::from(held.lock().unwrap().as_str())));
    let store = bao(there.url.clone(), Auth::Token(kept)).secrets();
    for token in ["one", "two"] {
        *current.lock().unwrap() = token.to_owned();
        assert_eq!(got(&store, NAME, None).await, "ok", "{token}");
    }
    assert_eq!(there.heard("/lookup-self").len(), 2);
}

#[tokio::test]
async fn a_refused_log_in_is_denied() {
    for status in [400, 403, 404] {
        let there = StandIn::start(move |_| says(status, r#"{"errors":["invalid role or secret ID"]}"#)).await;
        assert_eq!(
            got(&bao(there.url.clone(), role()).secrets(), NAME, None).await,
            "denied"
        );
    }
}
