//! Log-ins through a provider that must fail. Sources: RFC 9700, RFC 9207, OpenID Connect Core 3.1.3.7.
use keepgate_tests::{Answer, Options, Server, StandIn, b64, hmac_sha256};
use reqwest::Url;
use serde_json::{Value, json};

use crate::sso::{CONFIG, configured, scene};

/// `address` with the query parameter `name` replaced, or removed.
fn with(address: &str, name: &str, value: Option<&str>) -> String {
    let mut url: Url = address.parse().unwrap();
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(kept);
    if let Some(value) = value {
        url.query_pairs_mut().append_pair(name, value);
    }
    url.into()
}

fn value(address: &str, name: &str) -> String {
    let url: Url = address.parse().unwrap();
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

#[tokio::test]
async fn a_callback_works_once_and_in_the_browser_that_began() {
    let Some(scene) = scene().await else { return };
    let mut browser = scene.server.browser();
    let back = scene.through(&mut browser, "one").await;
    // Somebody else's browser: a log-in can't be foisted on it.
    let mut other = scene.server.browser();
    let foisted = other.visit(&back).await.expect(401);
    assert!(foisted.text().contains("state-of-another-browser"));
    let _own = scene.through(&mut other, "one").await;
    assert!(other.visit(&back).await.expect(401).text().contains("state-unknown"));
    // None of that used it up. Its own browser, once.
    let cookies = browser.cookies(&back);
    browser.visit(&back).await.expect(200);
    assert!(!browser.cookies(&back).contains("kg-sso"), "the cookie is taken back");
    let again = scene
        .server
        .raw(reqwest::Method::GET, &back, None, &[("cookie", &cookies)], None)
        .await;
    assert!(again.expect(401).text().contains("state-unknown"));
}

#[tokio::test]
async fn a_code_of_another_log_in_is_worth_nothing() {
    let Some(scene) = scene().await else { return };
    let (mut attacker, mut victim) = (scene.server.browser(), scene.server.browser());
    let stolen = scene.through(&mut victim, "one").await;
    let own = scene.through(&mut attacker, "one").await;
    let injected = with(&own, "code", Some(&value(&stolen, "code")));
    let refused = attacker.visit(&injected).await.expect(401);
    assert!(refused.text().contains("code-refused"), "{}", refused.text());
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_a_mix_up() {
    let Some(scene) = scene().await else { return };
    for issuer in [
        Some(scene.judges.issuers[1].as_str()),
        Some("https://evil.example"),
        None,
    ] {
        let mut browser = scene.server.browser();
        let back = scene.through(&mut browser, "one").await;
        let refused = browser.visit(&with(&back, "iss", issuer)).await.expect(401);
        assert!(refused.text().contains("issuer-mix-up"), "{issuer:?}");
    }
}

#[tokio::test]
async fn a_token_with_another_nonce_is_refused() {
    let Some(scene) = scene().await else { return };
    let mut browser = scene.server.browser();
    let sent = browser.visit(&scene.start("one")).await.expect(303);
    let address = with(sent.header("location").unwrap(), "nonce", Some("another"));
    let back = browser.follow(&address, crate::judges::REDIRECT).await;
    let refused = browser.visit(&scene.callback(&back)).await.expect(401);
    assert!(refused.text().contains("id-token-nonce"), "{}", refused.text());
}

#[tokio::test]
async fn a_provider_changed_under_a_log_in_ends_it() {
    let Some(scene) = scene().await else { return };
    let mut browser = scene.server.browser();
    let back = scene.through(&mut browser, "one").await;
    scene
        .server
        .delete("/v1/sso/providers/two", &scene.owner)
        .await
        .expect(204);
    let moved = configured(&scene.judges.issuers[1]);
    scene
        .server
        .put("/v1/sso/providers/one", &scene.owner, moved)
        .await
        .expect(200);
    assert!(
        browser
            .visit(&back)
            .await
            .expect(401)
            .text()
            .contains("provider-not-found")
    );
}

#[tokio::test]
async fn a_refusal_at_the_provider_is_one_here_and_uses_the_log_in_up() {
    let Some(scene) = scene().await else { return };
    let mut browser = scene.server.browser();
    let back = scene.through(&mut browser, "one").await;
    let denied = with(&with(&back, "code", None), "error", Some("access_denied"));
    assert!(
        browser
            .visit(&denied)
            .await
            .expect(401)
            .text()
            .contains("refused-by-provider")
    );
    assert!(browser.visit(&back).await.expect(401).text().contains("state-unknown"));
}

/// A provider that lies: its token endpoint gives out whatever `token` makes of the nonce it was sent.
async fn liar(token: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> StandIn {
    let nonce = std::sync::Mutex::new(String::new());
    StandIn::start(move |heard| {
        let own = format!("http://{}", heard.header("host").unwrap());
        let body = match heard.path.split('?').next().unwrap() {
            "/.well-known/openid-configuration" => {
                json!({"issuer": own, "authorization_endpoint": format!("{own}/auth"),
                "token_endpoint": format!("{own}/token"), "jwks_uri": format!("{own}/jwks")})
            }
            "/jwks" => json!({"keys": []}),
            "/test/nonce" => {
                *nonce.lock().unwrap() = String::from_utf8(heard.body.clone()).unwrap();
                json!({})
            }
            "/token" => {
                json!({"access_token": "a", "token_type": "Bearer", "id_token": token(&own, &nonce.lock().unwrap())})
            }
            _ => return Some(Answer::new(404, "{}")),
        };
        Some(Answer::new(200, body.to_string()))
    })
    .await
}

fn claims(issuer: &str, nonce: &str) -> Value {
    let now = keepgate_kernel::Clock::now(&keepgate_kernel::SystemClock).timestamp();
    json!({"iss": issuer, "sub": "42", "aud": "gateway", "exp": now + 600, "iat": now, "auth_time": now, "nonce": nonce,
        "groups": ["it"]})
}

fn forged(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| b64(value.to_string().as_bytes());
    format!("{}.{}.{}", part(header), part(claims), b64(signature))
}

#[tokio::test]
async fn a_token_that_nobody_signed_or_anybody_could_have_is_refused() {
    let server = Server::with(Options::config(CONFIG)).await;
    let owner = server.owner().await;
    let tenant = server.get("/v1/me", &owner).await.expect(200).json()["tenant"]["id"].clone();
    type Lie = fn(&str, &str) -> String;
    let lies: [(Lie, &str); 4] = [
        (
            |issuer, nonce| forged(&json!({"alg": "none"}), &claims(issuer, nonce), b""),
            "id-token-algorithm",
        ),
        (
            |issuer, nonce| {
                let (header, claims) = (json!({"alg": "HS256"}), claims(issuer, nonce));
                let part = |value: &Value| b64(value.to_string().as_bytes());
                let message = format!("{}.{}", part(&header), part(&claims));
                let signature = hmac_sha256(b"a secret of the test", message.as_bytes());
                forged(
                    &header,
                    &claims,
                    &data_encoding::BASE64.decode(signature.as_bytes()).unwrap(),
                )
            },
            "id-token-algorithm",
        ),
        (
            |issuer, nonce| forged(&json!({"alg": "RS256", "kid": "k"}), &claims(issuer, nonce), &[0; 256]),
            "id-token-key-unknown",
        ),
        (|_, _| "not a token".into(), "id-token-malformed"),
    ];
    for (lie, reason) in lies {
        let liar = liar(lie).await;
        server
            .put("/v1/sso/providers/liar", &owner, configured(&liar.url))
            .await
            .expect(200);
        let mut browser = server.browser();
        let start = server.url(&format!("/v1/auth/sso/liar/start?tenant={}", tenant.as_str().unwrap()));
        let sent = browser.visit(&start).await.expect(303);
        let to = sent.header("location").unwrap();
        let body = Some(value(to, "nonce").into_bytes());
        let url = format!("{}/test/nonce", liar.url);
        server
            .raw(reqwest::Method::POST, &url, None, &[], body)
            .await
            .expect(200);
        let back = format!("/v1/auth/sso/callback?code=c&state={}", value(to, "state"));
        let refused = browser.visit(&server.url(&back)).await.expect(401);
        assert!(refused.text().contains(reason), "{reason}: {}", refused.text());
    }
    let made = server.superuser("select count(*) from sso.account").await;
    assert_eq!(made, "0");
}

#[tokio::test]
async fn a_provider_inside_the_house_is_not_visited() {
    let server = Server::with(Options::config("public_url = \"https://gw.example\"\n")).await;
    let owner = server.owner().await;
    let tenant = server.get("/v1/me", &owner).await.expect(200).json()["tenant"]["id"].clone();
    let inside = StandIn::start(|_| Some(Answer::new(200, "{}"))).await;
    for (issuer, status) in [
        (inside.url.as_str(), 200),
        ("https://10.0.0.1", 200),
        ("http://10.0.0.1", 422),
        ("http://id.example", 422),
        ("file:///etc/passwd", 422),
    ] {
        let put = server.put("/v1/sso/providers/x", &owner, configured(issuer)).await;
        assert_eq!(put.status, status, "{issuer}");
        if status == 200 {
            let start = format!("/v1/auth/sso/x/start?tenant={}", tenant.as_str().unwrap());
            server.open(&start).await.expect(503);
        }
    }
    assert!(inside.heard().is_empty());
}

#[tokio::test]
async fn nobody_learns_which_tenants_and_providers_there_are() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let tenant = server.get("/v1/me", &owner).await.expect(200).json()["tenant"]["id"].clone();
    let mut bodies = Vec::new();
    for tenant in [tenant.as_str().unwrap(), "ten_00000000000000000000000000", "nonsense"] {
        let reply = server
            .open(&format!("/v1/auth/sso/nowhere/start?tenant={tenant}"))
            .await
            .expect(404);
        let mut body = reply.json();
        body.as_object_mut().unwrap().remove("request_id");
        bodies.push(body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    for query in ["", "?state=x", "?state=x&code=y", "?code=y&iss=z"] {
        server.open(&format!("/v1/auth/sso/callback{query}")).await.expect(401);
    }
}

#[tokio::test]
async fn a_log_in_and_its_refusals_are_told_in_the_log_without_names() {
    let Some(scene) = scene().await else { return };
    scene
        .says(
            0,
            json!({"groups": ["staff"], "email": "ann@example.org", "email_verified": true}),
        )
        .await;
    let token = scene.log_in("one").await.expect(200).field("access_token");
    scene.says(0, json!({"groups": []})).await;
    scene.log_in("one").await.expect(403);
    let me = scene.server.get("/v1/me", &token).await.expect(401);
    assert!(me.header("x-request-id").is_some());
    let entries = scene.server.entries(&scene.owner, "action=auth.sso", 5).await;
    let told: Vec<(&str, &str)> = entries
        .iter()
        .map(|entry| {
            (
                entry["outcome"].as_str().unwrap(),
                entry["reason"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert!(told.contains(&("refused", "no-group")), "{told:?}");
    let text = serde_json::to_string(&entries).unwrap();
    assert!(!text.contains("ann@example.org") && !text.contains("a secret of the test"));
    assert!(!scene.server.log().contains("a secret of the test"));
}
