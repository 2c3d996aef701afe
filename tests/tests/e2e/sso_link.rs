//! Linking an account of a provider to oneself.
use keepgate_tests::{Browser, PASSWORD, Person, Reply};
use serde_json::{Value, json};

use crate::{
    judges::REDIRECT,
    sso::{Scene, scene},
};

/// Begins to link; the provider's address and the cookie.
async fn begin(scene: &Scene, token: &str) -> (String, String) {
    let begun = scene.server.press("/v1/me/sso/one/link", token).await.expect(200);
    let cookie = begun.header("set-cookie").unwrap();
    for word in ["__Host-kg-sso=", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    (begun.field("location"), cookie.split(';').next().unwrap().to_owned())
}

/// Goes to the provider in a browser of its own, and comes back with `cookie`.
async fn come_back(scene: &Scene, browser: &mut Browser, location: &str, cookie: &str) -> Reply {
    let back = scene.callback(&browser.follow(location, REDIRECT).await);
    scene
        .server
        .raw(reqwest::Method::GET, &back, None, &[("cookie", cookie)], None)
        .await
}

async fn link(scene: &Scene, token: &str) -> Reply {
    let (location, cookie) = begin(scene, token).await;
    come_back(scene, &mut scene.server.browser(), &location, &cookie).await
}

async fn ann(scene: &Scene) -> Person {
    let claims = json!({"groups": ["staff"], "email": "ann@id.example", "email_verified": true});
    scene.says(0, claims).await;
    scene.server.person(&scene.owner, 2).await
}

#[tokio::test]
async fn a_linked_account_opens_the_person_s_own_sessions_and_no_second_person_s() {
    let Some(scene) = scene().await else { return };
    let ann = ann(&scene).await;
    let linked = link(&scene, &ann.token).await.expect(200);
    assert_eq!(linked.json(), json!({"linked": "one"}), "no session comes of it");
    let me = scene
        .me(&scene.log_in("one").await.expect(200).field("access_token"))
        .await;
    assert_eq!(me["principal"]["id"], json!(ann.id));
    scene.server.login(&ann.email, PASSWORD).await.expect(200);
    let bob = scene.server.person(&scene.owner, 3).await;
    let taken = link(&scene, &bob.token).await.expect(409);
    assert!(taken.text().contains("account-taken"));
    let still = scene
        .me(&scene.log_in("one").await.expect(200).field("access_token"))
        .await;
    assert_eq!(still["principal"]["id"], json!(ann.id));
    let log = scene.server.whole_log(&scene.owner).await;
    let done = |entry: &&Value| entry["action"] == "sso.link" && entry["outcome"] == "done";
    assert_eq!(log.iter().filter(done).count(), 2);
    let told = scene
        .server
        .superuser("select count(*) from identity.mail where kind = 'provider-linked'")
        .await;
    assert!(told == "1" || told == "0", "sent or waiting: {told}");
}

#[tokio::test]
async fn another_browser_another_session_or_none_links_nothing() {
    let Some(scene) = scene().await else { return };
    let ann = ann(&scene).await;
    // A link of the attacker's account foisted on somebody: the browser lacks the cookie.
    let (location, cookie) = begin(&scene, &ann.token).await;
    let back = scene.callback(&scene.server.browser().follow(&location, REDIRECT).await);
    let foisted = scene.server.browser().visit(&back).await.expect(401);
    assert!(foisted.text().contains("state-of-another-browser"));
    // With the cookie it would still do; but the session ends first.
    scene.server.press("/v1/auth/logout", &ann.token).await.expect(204);
    let late = scene
        .server
        .raw(reqwest::Method::GET, &back, None, &[("cookie", &cookie)], None)
        .await;
    assert!(late.expect(401).text().contains("link-over"));
    let stranger = scene.log_in("one").await.expect(200).field("access_token");
    assert_ne!(scene.me(&stranger).await["principal"]["id"], json!(ann.id));
}

#[tokio::test]
async fn owners_and_keys_link_nothing_and_an_old_session_proves_itself_first() {
    let Some(scene) = scene().await else { return };
    let ann = ann(&scene).await;
    let path = "/v1/me/sso/one/link";
    scene.server.press(path, &scene.owner).await.expect(403);
    scene.server.press(path, &scene.server.key()).await.expect(403);
    let unknown = scene.server.press("/v1/me/sso/nobody/link", &ann.token).await;
    unknown.problem(404, "provider-not-found");
    // The token goes on claiming that it is new: the database demands the wish to be fresh.
    crate::step_up::age(&scene.server, &ann.token).await;
    scene.server.press(path, &ann.token).await.problem(403, "forbidden");
}
