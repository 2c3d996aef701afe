//! Units, and what becomes of those who are moved, disabled or deleted.
use keepgate_tests::{PASSWORD, Reply, Server, email};
use serde_json::json;

fn slug(reply: &Reply) -> String {
    let body = reply.json();
    body["type"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

async fn unit(server: &Server, by: &str, name: &str) -> String {
    server
        .post("/v1/units", by, json!({"name": name}))
        .await
        .expect(201)
        .field("id")
}

#[tokio::test]
async fn a_unit_comes_is_renamed_and_goes_when_nobody_is_in_it() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let north = unit(&server, &owner, "north").await;
    let path = format!("/v1/units/{north}");
    let taken = server
        .post("/v1/units", &owner, json!({"name": "north"}))
        .await
        .expect(409);
    assert_eq!(slug(&taken), "unit-name-taken");
    server.post("/v1/units", &owner, json!({"name": ""})).await.expect(422);
    server
        .patch(&path, &owner, json!({"name": "far north"}))
        .await
        .expect(200);
    let main = server.get("/v1/units", &owner).await.expect(200).json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|unit| unit["name"] == "main")
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ann = server.person(&owner, 2).await;
    server
        .patch(&format!("/v1/users/{}", ann.id), &owner, json!({"unit": north}))
        .await
        .expect(200);
    assert_eq!(slug(&server.delete(&path, &owner).await.expect(409)), "unit-not-empty");
    // Ann sees the unit she is in, and no other.
    assert_eq!(
        server.get(&path, &ann.token).await.expect(200).json()["name"],
        "far north"
    );
    server.get(&format!("/v1/units/{main}"), &ann.token).await.expect(404);
    let seen = server.get("/v1/units", &ann.token).await.expect(200).json();
    assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
    server
        .delete(&format!("/v1/users/{}", ann.id), &owner)
        .await
        .expect(204);
    server.delete(&path, &owner).await.expect(204);
    server.get(&path, &owner).await.expect(404);
    let gone = json!({"email": email(), "level": 2, "unit": north});
    server.post("/v1/users", &owner, gone).await.expect(422);
}

#[tokio::test]
async fn a_deleted_owner_of_keys_takes_them_along_and_a_deleted_newcomer_its_code() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.person(&owner, 4).await;
    let (_, key) = server.issue(&admin.token, json!({"name": "k", "level": 2})).await;
    server.get("/v1/recipients", &key).await.expect(200);
    server
        .delete(&format!("/v1/users/{}", admin.id), &owner)
        .await
        .expect(204);
    server.get("/v1/recipients", &key).await.expect(401);
    server.get("/v1/recipients", &admin.token).await.expect(401);
    let made = server
        .post("/v1/users", &owner, json!({"email": email(), "level": 2}))
        .await
        .expect(201)
        .json();
    server
        .delete(&format!("/v1/users/{}", made["id"].as_str().unwrap()), &owner)
        .await
        .expect(204);
    server
        .try_code(made["enrolment"]["code"].as_str().unwrap())
        .await
        .expect(401);
}

#[tokio::test]
async fn a_disabled_owner_of_keys_disables_them_on_the_next_transaction() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.person(&owner, 4).await;
    let (_, key) = server.issue(&admin.token, json!({"name": "k", "level": 2})).await;
    server.get("/v1/recipients", &key).await.expect(200);
    let path = format!("/v1/users/{}", admin.id);
    server
        .patch(&path, &owner, json!({"status": "disabled"}))
        .await
        .expect(200);
    server.get("/v1/recipients", &key).await.expect(401);
    server.get("/v1/recipients", &admin.token).await.expect(401);
    server
        .patch(&path, &owner, json!({"status": "active"}))
        .await
        .expect(200);
    server.get("/v1/recipients", &key).await.expect(401);
    assert!(server.login(&admin.email, PASSWORD).await.status == 200, "logs in anew");
}

#[tokio::test]
async fn a_hat_takes_the_writes_away_and_is_shown() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.person(&owner, 4).await;
    let path = format!("/v1/users/{}", admin.id);
    let worn = server
        .patch(&path, &owner, json!({"hat": "auditor"}))
        .await
        .expect(200)
        .json();
    assert_eq!((&worn["hat"], &worn["level"]), (&json!("auditor"), &json!(4)));
    server.get("/v1/me", &admin.token).await.expect(401);
    let token = server
        .login(&admin.email, PASSWORD)
        .await
        .expect(200)
        .field("access_token");
    assert_eq!(server.get("/v1/me", &token).await.expect(200).json()["hat"], "auditor");
    server.get("/v1/audit", &token).await.expect(200);
    assert_eq!(
        slug(&server.get("/v1/users", &token).await.expect(403)),
        "hat-leaves-out"
    );
    let refused = server
        .post("/v1/users", &token, json!({"email": email(), "level": 2}))
        .await
        .expect(403);
    assert_eq!(slug(&refused), "hat-leaves-out");
    let bare = server
        .patch(&path, &owner, json!({"hat": null}))
        .await
        .expect(200)
        .json();
    assert!(bare.get("hat").is_none(), "{bare}");
    server.get("/v1/audit", &token).await.expect(401);
}

#[tokio::test]
async fn a_suspended_tenant_is_shut_to_sessions_keys_and_codes_and_opens_again() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (tenant, owner) = server.second_tenant(&admin).await;
    let (_, key) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let made = server
        .post("/v1/users", &owner, json!({"email": email(), "level": 2}))
        .await
        .expect(201)
        .json();
    let code = made["enrolment"]["code"].as_str().unwrap();
    let path = format!("/v1/tenants/{tenant}");
    server.get("/v1/recipients", &key).await.expect(200);
    server
        .patch(&path, &admin, json!({"status": "suspended"}))
        .await
        .expect(200);
    server.get("/v1/recipients", &owner).await.expect(401);
    server.get("/v1/recipients", &key).await.expect(401);
    server.try_code(code).await.expect(401);
    server
        .patch(&path, &admin, json!({"status": "active"}))
        .await
        .expect(200);
    server.get("/v1/recipients", &key).await.expect(200);
    server.try_code(code).await.expect(200);
}
