//! What takes two people: a global admin, a locked-out owner, the end of a key.
use keepgate_tests::{Reply, Server, email, run};
use serde_json::{Value, json};

async fn ask(server: &Server, by: &str, body: Value) -> String {
    server.post("/v1/approvals", by, body).await.expect(201).field("id")
}

async fn approve(server: &Server, by: &str, id: &str) -> Reply {
    server.press(&format!("/v1/approvals/{id}/approve"), by).await
}

fn slug(reply: &Reply) -> String {
    let body = reply.json();
    body["type"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_second_global_admin_is_appointed_once_and_the_third_by_two() {
    let server = Server::start().await;
    let first = server.admin().await;
    let two = server.second_global_admin().await;
    let again = run([
        "admin",
        "appoint-second",
        "--email",
        "third@platform.example",
        "--data-dir",
        server.data_dir().to_str().unwrap(),
    ])
    .await;
    assert!(again.failed(1).contains("two may act already"));

    let third = email();
    let new = json!({"email": third, "level": 7});
    let alone = server.post("/v1/users", &first, new.clone()).await.expect(403);
    assert_eq!(slug(&alone), "approval-required");
    let body = json!({"action": "role.grant_global", "target": third, "reason": "a third for the holidays"});
    let id = ask(&server, &first, body).await;
    assert_eq!(slug(&approve(&server, &first, &id).await.expect(403)), "same-person");
    let approved = approve(&server, &two.token, &id).await.expect(200).json();
    assert_eq!(
        (&approved["state"], &approved["approved_by"]),
        (&json!("approved"), &json!(two.id))
    );
    let made = server.post("/v1/users", &first, new).await.expect(201).json();
    let token = server.enrol(made["enrolment"]["code"].as_str().unwrap()).await;
    assert_eq!(server.get("/v1/me", &token).await.expect(200).json()["level"], 7);
    let spent = server
        .get(&format!("/v1/approvals/{id}"), &first)
        .await
        .expect(200)
        .json();
    assert_eq!(spent["state"], "consumed");
    let log = server.whole_log(&first).await;
    for action in [
        "platform.genesis",
        "approval.request",
        "approval.approve",
        "user.create",
    ] {
        assert!(
            log.iter()
                .any(|entry| entry["action"] == action && entry["outcome"] == "done"),
            "{action} is in the log"
        );
    }
    let appointments = log.iter().filter(|entry| entry["action"] == "platform.genesis");
    assert_eq!(appointments.count(), 2, "the genesis and the second one");
}

#[tokio::test]
async fn a_locked_out_owner_is_let_in_again_and_the_tenant_s_log_tells_it() {
    let server = Server::start().await;
    let (owner, first) = (server.owner().await, server.admin().await);
    let two = server.second_global_admin().await;
    let tenant = server.get("/v1/me", &owner).await.expect(200).json()["tenant"]["id"].clone();
    let path = format!("/v1/tenants/{}/break-glass", tenant.as_str().unwrap());
    let alone = server.post(&path, &first, json!({})).await.expect(403);
    assert_eq!(slug(&alone), "approval-required");
    let body = json!({"action": "tenant.break-glass", "target": tenant, "reason": "the owner lost every device"});
    let id = ask(&server, &two.token, body).await;
    approve(&server, &first, &id).await.expect(200);
    let broken = server.post(&path, &first, json!({})).await.expect(201).json();
    let code = broken["code"].as_str().unwrap();
    assert!(server.admits(&owner).await);
    let again = server.enrol(code).await;
    assert!(!server.admits(&owner).await, "what was open before is closed");
    assert!(server.admits(&again).await);
    let log = server.whole_log(&again).await;
    let told: Vec<&Value> = log
        .iter()
        .filter(|entry| entry["action"] == "tenant.break-glass")
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["entity"], broken["owner"]);
    assert!(told[0]["actor"]["id"].as_str().unwrap().starts_with("usr_"));
    let platform = server.whole_log(&first).await;
    let done = platform
        .iter()
        .filter(|entry| entry["action"] == "tenant.break-glass" && entry["outcome"] == "done");
    assert_eq!(done.count(), 1);
}

#[tokio::test]
async fn a_data_key_is_condemned_by_two_and_what_it_sealed_still_opens() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.person(&owner, 4).await;
    // Something sealed under the first key: an answer kept for a repeated request.
    let body = json!({"name": "k", "level": 1});
    let first = server
        .post_once("/v1/api-keys", &owner, "once", &body)
        .await
        .expect(201)
        .json();
    let keys = server.get("/v1/keys", &admin.token).await.expect(200).json();
    assert_eq!(
        (&keys["items"][0]["version"], &keys["items"][0]["state"]),
        (&json!(1), &json!("sealing"))
    );
    let alone = server.delete("/v1/keys/1", &owner).await.expect(403);
    assert_eq!(slug(&alone), "approval-required");
    let body_key = json!({"action": "key.destroy", "target": "1", "reason": "the customer has left us"});
    let id = ask(&server, &owner, body_key).await;
    approve(&server, &admin.token, &id).await.expect(200);
    let condemned = server.delete("/v1/keys/1", &owner).await.expect(200).json();
    assert_eq!(condemned["state"], "pending-destruction");
    assert!(condemned["destroy_after"].is_string());
    let again = server
        .post_once("/v1/api-keys", &owner, "once", &body)
        .await
        .expect(201)
        .json();
    assert_eq!(first, again, "what was sealed opens");
    let other = server
        .post_once("/v1/api-keys", &owner, "twice", &body)
        .await
        .expect(201);
    assert_eq!(other.status, 201);
    let keys = server.get("/v1/keys", &owner).await.expect(200).json();
    let states: Vec<&str> = keys["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["pending-destruction", "sealing"], "and the next one is made");
    assert_eq!(
        slug(&server.delete("/v1/keys/1", &owner).await.expect(409)),
        "key-pending-destruction"
    );
}

#[tokio::test]
async fn an_approval_past_its_end_is_worth_nothing() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.person(&owner, 4).await;
    server
        .post_once("/v1/api-keys", &owner, "seal", &json!({"name": "k", "level": 1}))
        .await
        .expect(201);
    let body = json!({"action": "key.destroy", "target": "1", "reason": "the customer has left us"});
    let late = ask(&server, &owner, body.clone()).await;
    let agreed = ask(&server, &owner, body).await;
    approve(&server, &admin.token, &agreed).await.expect(200);
    // Four hours go by: the guard does not let even a superuser do that, so it is held for a moment.
    let back = "alter table rbac.approval disable trigger all;
        update rbac.approval set requested_at = requested_at - interval '241 minutes', expires_at = expires_at - interval '241 minutes',
          approved_at = approved_at - interval '241 minutes';
        alter table rbac.approval enable always trigger guard; alter table rbac.approval enable always trigger nodelete;
        alter table rbac.approval enable always trigger notruncate; alter table rbac.approval enable always trigger audited;";
    server.past_the_guard(back).await;
    assert_eq!(
        slug(&approve(&server, &admin.token, &late).await.expect(409)),
        "approval-expired"
    );
    assert_eq!(
        slug(&server.delete("/v1/keys/1", &owner).await.expect(403)),
        "approval-required"
    );
    let list = server.get("/v1/approvals", &owner).await.expect(200).json();
    assert!(
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["state"] == "expired"),
        "{list}"
    );
}
