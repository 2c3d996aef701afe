//! Logging in through an OpenID provider that nobody here wrote (panva's oidc-provider, two of them).
use keepgate_tests::{Browser, Options, Reply, Server};
use serde_json::{Value, json};

use crate::judges::{Providers, REDIRECT, providers};

pub const CONFIG: &str = "public_url = \"https://gw.example\"\n[sso]\nallow_loopback = true\n";

/// A service, an owner, and two providers named `one` and `two`.
pub struct Scene {
    pub server: Server,
    pub owner: String,
    pub tenant: String,
    pub judges: Providers,
}

/// What the providers are configured with.
pub fn configured(issuer: &str) -> Value {
    json!({"issuer": issuer, "client_id": "gateway", "client_secret": "a secret of the test", "groups_claim": "groups",
        "group_levels": {"staff": {"level": 2}, "it": {"level": 4}}, "jit": true})
}

pub async fn scene() -> Option<Scene> {
    let judges = providers().await?;
    let server = Server::with(Options::config(CONFIG)).await;
    let owner = server.owner().await;
    let tenant = server.get("/v1/me", &owner).await.expect(200).json()["tenant"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (name, issuer) in ["one", "two"].iter().zip(&judges.issuers) {
        let made = server
            .put(&format!("/v1/sso/providers/{name}"), &owner, configured(issuer))
            .await
            .expect(200);
        assert!(!made.text().contains("a secret of the test"));
    }
    Some(Scene {
        server,
        owner,
        tenant,
        judges,
    })
}

impl Scene {
    /// What provider `index` says about the person from now on.
    pub async fn says(&self, index: usize, claims: Value) {
        let url = format!("{}/test/claims", self.judges.issuers[index]);
        let body = Some(claims.to_string().into_bytes());
        let told = self.server.raw(reqwest::Method::POST, &url, None, &[], body).await;
        told.expect(200);
    }

    pub fn start(&self, provider: &str) -> String {
        self.server
            .url(&format!("/v1/auth/sso/{provider}/start?tenant={}", self.tenant))
    }

    /// The callback's address at the service itself.
    pub fn callback(&self, address: &str) -> String {
        address.replace(REDIRECT, &self.server.url("/v1/auth/sso/callback"))
    }

    /// Goes through the provider; the address it sends the browser back to.
    pub async fn through(&self, browser: &mut Browser, provider: &str) -> String {
        let address = browser.follow(&self.start(provider), REDIRECT).await;
        self.callback(&address)
    }

    /// A whole log-in in a browser of its own.
    pub async fn log_in(&self, provider: &str) -> Reply {
        let mut browser = self.server.browser();
        let back = self.through(&mut browser, provider).await;
        browser.visit(&back).await
    }

    pub async fn me(&self, token: &str) -> Value {
        self.server.get("/v1/me", token).await.expect(200).json()
    }
}

#[tokio::test]
async fn a_stranger_comes_in_with_what_the_groups_stand_for_and_stays_the_same_person() {
    let Some(scene) = scene().await else { return };
    scene
        .says(
            0,
            json!({"groups": ["staff"], "email": "Ann@example.org", "email_verified": true, "name": "Ann"}),
        )
        .await;
    let reply = scene.log_in("one").await.expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.json()["token_type"], "Bearer");
    let me = scene.me(&reply.field("access_token")).await;
    assert_eq!(
        (&me["level"], &me["principal"]["display_name"]),
        (&json!(2), &json!("Ann"))
    );
    let id = me["principal"]["id"].as_str().unwrap();
    let user = scene
        .server
        .get(&format!("/v1/users/{id}"), &scene.owner)
        .await
        .expect(200);
    assert_eq!(user.json()["email"], "ann@example.org");
    // A change of address changes nothing about who it is.
    scene
        .says(
            0,
            json!({"groups": ["it"], "email": "ann.new@example.org", "email_verified": true}),
        )
        .await;
    let again = scene
        .me(&scene.log_in("one").await.expect(200).field("access_token"))
        .await;
    assert_eq!(
        (&again["principal"]["id"], &again["level"]),
        (&me["principal"]["id"], &json!(4))
    );
}

#[tokio::test]
async fn one_subject_at_two_providers_is_two_people() {
    let Some(scene) = scene().await else { return };
    let one = scene
        .me(&scene.log_in("one").await.expect(200).field("access_token"))
        .await;
    let two = scene
        .me(&scene.log_in("two").await.expect(200).field("access_token"))
        .await;
    assert_ne!(one["principal"]["id"], two["principal"]["id"]);
}

#[tokio::test]
async fn an_address_never_opens_somebody_else_s_account() {
    let Some(scene) = scene().await else { return };
    let victim = scene.server.person(&scene.owner, 4).await;
    scene
        .says(
            0,
            json!({"groups": ["staff"], "email": victim.email, "email_verified": true}),
        )
        .await;
    let refused = scene.log_in("one").await.expect(409);
    assert!(refused.text().contains("email-taken"));
    // An address that the provider has not verified is not taken over at all.
    scene
        .says(
            0,
            json!({"groups": ["staff"], "email": victim.email, "email_verified": false}),
        )
        .await;
    let me = scene
        .me(&scene.log_in("one").await.expect(200).field("access_token"))
        .await;
    assert_ne!(me["principal"]["id"], json!(victim.id));
    assert_eq!(me["level"], 2);
}

#[tokio::test]
async fn a_level_lowered_at_the_provider_falls_here_and_without_a_group_there_is_no_access() {
    let Some(scene) = scene().await else { return };
    scene.says(0, json!({"groups": ["it", "staff"]})).await;
    let high = scene.log_in("one").await.expect(200).field("access_token");
    assert_eq!(scene.me(&high).await["level"], 4);
    scene.says(0, json!({"groups": ["staff"]})).await;
    let low = scene.log_in("one").await.expect(200).field("access_token");
    assert_eq!(scene.me(&low).await["level"], 2);
    assert_eq!(
        scene.me(&high).await["level"],
        2,
        "the session from before has fallen with it"
    );
    scene.says(0, json!({"groups": ["nobody knows"]})).await;
    assert!(scene.log_in("one").await.expect(403).text().contains("no-group"));
    for token in [&high, &low] {
        assert!(!scene.server.admits(token).await, "what was open is shut");
    }
    scene.says(0, json!({"groups": ["staff"]})).await;
    let back = scene.log_in("one").await.expect(200).field("access_token");
    assert_eq!(scene.me(&back).await["level"], 2);
}

#[tokio::test]
async fn no_mapping_reaches_owners_or_the_platform() {
    let server = Server::start().await;
    let owner = server.owner().await;
    for level in 5..=7 {
        let mut body = configured("https://id.example.org");
        body["group_levels"]["staff"]["level"] = json!(level);
        let refused = server.put("/v1/sso/providers/x", &owner, body).await.expect(422);
        assert!(refused.text().contains("grant-not-below-own"), "{level}");
        let mut body = configured("https://id.example.org");
        body["default_level"] = json!(level);
        server.put("/v1/sso/providers/x", &owner, body).await.expect(422);
        // The same in the database, for whoever gets past the service.
        let provider = format!(
            "insert into sso.provider (tenant_id, name, issuer, client_id, default_level, jit, trust_mfa, configured_by)
             select tenant_id, 'x', 'https://id.example', 'c', {level}, true, true, id from rbac.principal limit 1"
        );
        let ended = server.sql("superuser", &provider).await;
        assert!(ended.err.contains("violates check constraint"), "{}", ended.err);
    }
}

#[tokio::test]
async fn with_its_owner_a_mapping_loses_its_authority() {
    let Some(scene) = scene().await else { return };
    let token = scene.log_in("one").await.expect(200).field("access_token");
    let admin = scene.server.admin().await;
    let me = scene.server.me(&scene.owner).await;
    let tenant = &scene.tenant;
    // A second owner, appointed from outside, disables nobody: the first is taken down in the database.
    let sql = format!(
        "begin; alter table rbac.principal disable trigger all; update rbac.principal set status = 'disabled' where email is not null
           and id = (select configured_by from sso.provider limit 1); alter table rbac.principal enable always trigger guard;
         alter table rbac.principal enable always trigger audited; commit; select '{me}{admin}{tenant}' is not null"
    );
    scene.server.past_the_guard(&sql).await;
    assert!(scene.server.admits(&token).await, "what was given stays");
    scene.says(0, json!({"groups": ["it"]})).await;
    let refused = scene.log_in("one").await.expect(403);
    assert!(refused.text().contains("mapping-without-owner"), "{}", refused.text());
    scene.says(1, json!({"groups": ["staff"]})).await;
    assert!(
        scene
            .log_in("two")
            .await
            .expect(403)
            .text()
            .contains("mapping-without-owner")
    );
    scene.says(0, json!({"groups": []})).await;
    scene.log_in("one").await.expect(403);
    assert!(
        !scene.server.admits(&token).await,
        "taking away needs nobody's authority"
    );
}

#[tokio::test]
async fn who_is_not_let_in_unasked_needs_an_account() {
    let Some(scene) = scene().await else { return };
    let mut body = configured(&scene.judges.issuers[0]);
    body["jit"] = json!(false);
    scene
        .server
        .put("/v1/sso/providers/one", &scene.owner, body)
        .await
        .expect(200);
    assert!(scene.log_in("one").await.expect(403).text().contains("no-account"));
}

#[tokio::test]
async fn a_client_without_a_secret_is_a_public_one() {
    let Some(scene) = scene().await else { return };
    let mut body = configured(&scene.judges.issuers[0]);
    body["client_id"] = json!("public");
    body.as_object_mut().unwrap().remove("client_secret");
    scene
        .server
        .put("/v1/sso/providers/one", &scene.owner, body)
        .await
        .expect(200);
    scene.log_in("one").await.expect(200);
}

#[tokio::test]
async fn second_factors_count_only_where_the_provider_is_trusted_with_them() {
    let Some(scene) = scene().await else { return };
    scene.says(0, json!({"groups": ["staff"], "amr": ["pwd", "mfa"]})).await;
    let factors = async || {
        scene.log_in("one").await.expect(200);
        scene
            .server
            .superuser("select factors from identity.session order by created_at desc limit 1")
            .await
    };
    assert_ne!(factors().await, "two");
    let mut body = configured(&scene.judges.issuers[0]);
    body["trust_mfa"] = json!(true);
    scene
        .server
        .put("/v1/sso/providers/one", &scene.owner, body)
        .await
        .expect(200);
    assert_eq!(factors().await, "two");
}

#[tokio::test]
async fn whoever_must_have_a_second_factor_owes_it_after_single_sign_on() {
    let Some(scene) = scene().await else { return };
    let server = &scene.server;
    scene.says(0, json!({"groups": ["staff"], "amr": ["pwd"]})).await;
    let factors = async |token: &str| scene.me(token).await["factors"].clone();
    let early = scene.log_in("one").await.expect(200).field("access_token");
    assert_eq!(factors(&early).await, "one", "level 2, and the tenant asks from 4 on");
    server
        .patch("/v1/tenant/policy", &scene.owner, json!({"mfa_level": 2}))
        .await
        .expect(200);
    let id = server
        .me(&early)
        .await
        .parse::<keepgate_kernel::PrincipalId>()
        .unwrap()
        .uuid();
    server
        .past_the_guard(&format!(
            "begin; alter table rbac.principal disable trigger user; \
             update rbac.principal set created_at = created_at - interval '25 hours' where id = '{id}'; commit"
        ))
        .await;
    let owing = scene.log_in("one").await.expect(200).field("access_token");
    assert_eq!(factors(&owing).await, "owing");
    server
        .get("/v1/recipients", &owing)
        .await
        .problem(403, "second-factor-required");
    let (mut app, _) = server.add_app(&owing).await;
    let again = scene.log_in("one").await.expect(200).field("access_token");
    assert_eq!(factors(&again).await, "owing", "the provider's word is one factor");
    server
        .get("/v1/recipients", &again)
        .await
        .problem(403, "second-factor-required");
    let proof = json!({"totp": app.code().await});
    let two = server.post("/v1/auth/step-up", &again, proof).await.expect(200);
    let two = two.field("access_token");
    assert_eq!(factors(&two).await, "two");
    server.get("/v1/recipients", &two).await.expect(200);
}

#[tokio::test]
async fn with_its_provider_the_sessions_of_whom_it_knows_end_and_nobody_else_s() {
    let Some(scene) = scene().await else { return };
    scene
        .says(
            0,
            json!({"groups": ["staff"], "email": "ann@example.org", "email_verified": true}),
        )
        .await;
    let through = |name: &'static str| {
        let scene = &scene;
        async move { scene.log_in(name).await.expect(200).field("access_token") }
    };
    let (first, second, elsewhere) = (through("one").await, through("one").await, through("two").await);
    let beside = scene.server.person(&scene.owner, 2).await;
    // Anything but its issuer may change.
    let mut body = configured(&scene.judges.issuers[0]);
    body["jit"] = json!(false);
    scene
        .server
        .put("/v1/sso/providers/one", &scene.owner, body)
        .await
        .expect(200);
    assert!(scene.server.admits(&first).await);
    scene
        .server
        .delete("/v1/sso/providers/one", &scene.owner)
        .await
        .expect(204);
    for ended in [&first, &second] {
        assert!(!scene.server.admits(ended).await, "at the next request");
    }
    for kept in [&elsewhere, &beside.token, &scene.owner] {
        assert!(scene.server.admits(kept).await);
    }
    // The other one becomes another issuer: as if it had been removed.
    let moved = configured("https://id.example.org");
    scene
        .server
        .put("/v1/sso/providers/two", &scene.owner, moved)
        .await
        .expect(200);
    assert!(!scene.server.admits(&elsewhere).await);
}
