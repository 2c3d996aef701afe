//! A revocation is everywhere at once: on every instance, in open streams, and after a restart.
use std::time::{Duration, Instant};

use keepgate_tests::{Fleet, PASSWORD, Server, eventually, jwt_part};
use serde_json::json;

/// Every instance's answer to `/v1/me`.
async fn statuses(fleet: &Fleet, bearer: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for instance in &fleet.instances {
        statuses.push(instance.server.get("/v1/me", bearer).await.status);
    }
    statuses
}

#[tokio::test]
async fn every_kind_of_revocation_is_refused_by_every_instance_at_the_next_request() {
    let fleet = Fleet::start(3).await;
    let [one, two, three] = [0, 1, 2].map(|n| &fleet.instances[n].server);
    let (owner, admin) = (one.owner().await, two.admin().await);
    let order = async |server: &Server, bearer: &str, kind: &str, id: &str| {
        let body = json!({"kind": kind, "id": id, "reason": "laptop stolen"});
        server.post("/v1/revocations", bearer, body).await.expect(201).json()
    };
    let dead = |bearer: String| {
        let fleet = &fleet;
        async move {
            // The one that revoked and the ones that hear of it: none lets it in once the order was answered.
            assert_eq!(statuses(fleet, &bearer).await, [401, 401, 401]);
        }
    };
    let ann = one.person(&owner, 2).await;
    assert_eq!(statuses(&fleet, &ann.token).await, [200, 200, 200]);
    two.press("/v1/auth/logout", &ann.token).await.expect(204);
    dead(ann.token).await;

    let again = three.login(&ann.email, PASSWORD).await.expect(200);
    order(one, &owner, "session", &again.field("session_id")).await;
    dead(again.field("access_token")).await;

    let again = three
        .login(&ann.email, PASSWORD)
        .await
        .expect(200)
        .field("access_token");
    let killed = order(two, &owner, "principal", &ann.id).await;
    assert_eq!(killed["sessions"], 1);
    dead(again).await;
    let again = one.login(&ann.email, PASSWORD).await.expect(200).field("access_token");
    assert_eq!(
        statuses(&fleet, &again).await,
        [200, 200, 200],
        "who logs in afterwards is let in"
    );

    let (key, secret) = one.issue(&owner, json!({"name": "k", "level": 2})).await;
    assert_eq!(statuses(&fleet, &secret).await, [200, 200, 200]);
    order(three, &owner, "key", &key).await;
    dead(secret).await;

    let tenant = fleet.boot["tenant"].as_str().unwrap();
    order(two, &owner, "tenant", tenant).await;
    dead(again).await;
    dead(owner).await;
    dead(fleet.boot["service_key"].as_str().unwrap().to_owned()).await;
    assert_eq!(statuses(&fleet, &admin).await, [200, 200, 200], "the platform goes on");

    let bob = two.login(&ann.email, PASSWORD).await.expect(200).field("access_token");
    let everything = json!({"kind": "all", "reason": "drill"});
    one.post("/v1/revocations", &bob, everything.clone()).await.expect(403);
    three.post("/v1/revocations", &admin, everything).await.expect(201);
    dead(bob).await;
    dead(admin).await;
}

#[tokio::test]
async fn open_streams_end_when_their_credential_does_on_another_instance() {
    let fleet = Fleet::start(2).await;
    let [one, two] = [0, 1].map(|n| &fleet.instances[n].server);
    let owner = one.owner().await;
    let ann = one.person(&owner, 2).await;
    let mut stream = two.stream(&ann.token, None).await;
    let mut others = two.stream(&owner, None).await;
    let began = Instant::now();
    one.delete(&format!("/v1/principals/{}/sessions", ann.id), &owner)
        .await
        .expect(204);
    assert_eq!(stream.next().await, None);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let me = one.me(&owner).await;
    let to = one.recipient(&owner, "internet", &me).await;
    let id = one.accept(&owner, keepgate_tests::message(&to, "x")).await;
    assert_eq!(others.take(1).await[0].message(), id, "the other streams go on");
}

#[tokio::test]
async fn a_suspended_tenant_s_sessions_stay_dead_and_its_keys_live_again() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let tenant = format!("/v1/tenants/{}", server.boot["tenant"].as_str().unwrap());
    for status in ["suspended", "active"] {
        server
            .patch(&tenant, &admin, json!({"status": status}))
            .await
            .expect(200);
    }
    assert!(!server.admits(&owner).await && server.admits(&server.key()).await);
}

#[tokio::test]
async fn a_restart_knows_what_was_revoked_before_it_is_ready() {
    let mut server = Server::start().await;
    let owner = server.owner().await;
    let ann = server.person(&owner, 2).await;
    server.press("/v1/auth/logout", &ann.token).await.expect(204);
    server.stop().await;
    server.start_again().await;
    assert!(!server.admits(&ann.token).await && server.admits(&owner).await);
    let ready = server.open("/readyz").await.expect(200).json();
    let named = ready["dependencies"].as_array().unwrap();
    assert!(
        named
            .iter()
            .any(|one| one["name"] == "revocations" && one["ready"] == true),
        "{ready}"
    );
    let shown = eventually("the metrics", || async {
        let url = server.admin_url("/metrics");
        let text = server.raw(reqwest::Method::GET, &url, None, &[], None).await.text();
        text.contains("keepgate_revocation_view_age").then_some(text)
    })
    .await;
    assert!(shown.contains("keepgate_revocations_known"), "{shown}");
}

#[tokio::test]
async fn the_view_refuses_although_the_door_would_not() {
    // The session is brought back to life behind the service's back: only the view still knows that it was revoked.
    let server = Server::start().await;
    let owner = server.owner().await;
    let ann = server.person(&owner, 2).await;
    server.press("/v1/auth/logout", &ann.token).await.expect(204);
    let principal = jwt_part(&ann.token, 1);
    assert!(principal["rev"].is_u64());
    let (off, on) = ("disable trigger user", "enable always trigger");
    server
        .past_the_guard(&format!(
            "begin; alter table identity.session {off}; update identity.session set revoked_at = null; \
             alter table identity.session {on} guard; alter table identity.session {on} audited; \
             alter table identity.session {on} revoke; commit"
        ))
        .await;
    assert!(!server.admits(&ann.token).await);
}

#[tokio::test]
async fn an_order_says_what_it_killed_is_audited_and_keeps_its_reason() {
    let server = Server::start().await;
    let (owner, ann) = {
        let owner = server.owner().await;
        let ann = server.person(&owner, 2).await;
        (owner, ann)
    };
    let body = json!({"kind": "principal", "id": ann.id, "reason": "laptop stolen"});
    let done = server
        .post_once("/v1/revocations", &owner, "r-1", &body)
        .await
        .expect(201);
    assert_eq!(
        (done.json()["sessions"].clone(), done.json()["keys"].clone()),
        (json!(1), json!(0))
    );
    let again = server
        .post_once("/v1/revocations", &owner, "r-1", &body)
        .await
        .expect(201);
    assert_eq!(
        (again.header("idempotency-replayed"), again.json()),
        (Some("true"), done.json())
    );
    let entries = server.entries(&owner, "action=revocation.create", 1).await;
    assert!(
        entries.iter().all(|entry| entry["entity"] == ann.id.as_str()),
        "{entries:?}"
    );
    let reason = server
        .superuser("select kind || ' ' || reason from identity.revocation_order")
        .await;
    assert_eq!(reason, "principal laptop stolen");
    for (body, pointer) in [
        (json!({"kind": "everything", "reason": "x"}), "/kind"),
        (json!({"kind": "session", "reason": "x"}), "/id"),
        (json!({"kind": "kid", "id": "x", "reason": "x"}), "/id"),
        (json!({"kind": "principal", "id": ann.id, "reason": ""}), "/reason"),
    ] {
        assert_eq!(server.post("/v1/revocations", &owner, body).await.invalid(), pointer);
    }
    let own = server.person(&owner, 4).await;
    let refused = json!({"kind": "principal", "id": ann.id, "reason": "x"});
    server.post("/v1/revocations", &own.token, refused).await.expect(403);
    let nobody = json!({"kind": "tenant", "id": server.boot["platform_tenant"], "reason": "x"});
    server
        .post("/v1/revocations", &owner, nobody)
        .await
        .problem(404, "nothing-to-revoke");
}
