//! Provisioning by a directory, and how completely somebody leaves.
use keepgate_tests::{Reply, Server, email, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    judges,
    sso::{CONFIG, Scene, configured, scene},
};

/// A directory that provisions people into a service.
pub struct Directory<'a> {
    pub server: &'a Server,
    pub token: String,
    pub id: String,
}

impl<'a> Directory<'a> {
    /// The owner configures a provider and issues a token.
    pub async fn of(server: &'a Server, owner: &str, issuer: &str) -> Directory<'a> {
        server
            .put("/v1/sso/providers/one", owner, configured(issuer))
            .await
            .expect(200);
        let body = json!({"name": "directory", "provider": "one"});
        let made = server.post("/v1/scim/tokens", owner, body).await.expect(201);
        Self {
            server,
            token: made.field("token"),
            id: made.field("id"),
        }
    }

    pub async fn ask(&self, method: Method, path: &str, body: Value) -> Reply {
        let headers = [("content-type", "application/scim+json")];
        let body = (!body.is_null()).then(|| body.to_string().into_bytes());
        let url = self.server.url(&format!("/scim/v2{path}"));
        let headers: &[(&str, &str)] = if body.is_some() { &headers } else { &[] };
        self.server.raw(method, &url, Some(&self.token), headers, body).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, Value::Null).await
    }

    pub async fn user(&self, name: &str, external: &str) -> String {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "externalId": external,
            "displayName": "Somebody", "active": true});
        self.ask(Method::POST, "/Users", body).await.expect(201).field("id")
    }

    pub async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members});
        self.ask(Method::POST, "/Groups", body).await.expect(201).field("id")
    }

    pub async fn patch(&self, path: &str, operations: Value) -> Reply {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
        self.ask(Method::PATCH, path, body).await
    }
}

async fn level(server: &Server, owner: &str, id: &str) -> Value {
    server.get(&format!("/v1/users/{id}"), owner).await.expect(200).json()["level"].clone()
}

const ISSUER: &str = "https://id.example.org";

#[tokio::test]
async fn groups_give_and_take_levels_in_the_same_transaction() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let directory = Directory::of(&server, &owner, ISSUER).await;
    let ann = directory.user("ann@example.org", "ann").await;
    assert_eq!(level(&server, &owner, &ann).await, Value::Null, "no group, no access");
    let staff = directory.group("staff", &[&ann]).await;
    assert_eq!(level(&server, &owner, &ann).await, 2);
    let it = directory.group("it", &[]).await;
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]);
    directory.patch(&format!("/Groups/{it}"), add).await.expect(200);
    assert_eq!(level(&server, &owner, &ann).await, 4);
    let take = json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"]")}]);
    directory.patch(&format!("/Groups/{it}"), take).await.expect(200);
    assert_eq!(level(&server, &owner, &ann).await, 2);
    let user = directory.get(&format!("/Users/{ann}")).await.expect(200).json();
    assert_eq!(user["groups"][0]["display"], "staff");
    directory
        .ask(Method::DELETE, &format!("/Groups/{staff}"), Value::Null)
        .await
        .expect(204);
    assert_eq!(level(&server, &owner, &ann).await, Value::Null);
}

#[tokio::test]
async fn a_user_is_found_replaced_and_removed_and_errors_are_scim_s() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let directory = Directory::of(&server, &owner, ISSUER).await;
    let ann = directory.user("Ann@Example.org", "x1").await;
    let _bob = directory.user("bob@example.org", "x2").await;
    for filter in [
        "userName eq \"ann@example.ORG\"",
        "externalId eq \"x1\"",
        &format!("id eq \"{ann}\""),
    ] {
        let mut url: reqwest::Url = server.url("/scim/v2/Users").parse().unwrap();
        url.query_pairs_mut().append_pair("filter", filter);
        let path = format!("/Users?{}", url.query().unwrap());
        let found = directory.get(&path).await.expect(200).json();
        assert_eq!(
            (&found["totalResults"], &found["Resources"][0]["id"]),
            (&json!(1), &json!(ann)),
            "{filter}"
        );
    }
    let page = directory.get("/Users?startIndex=2&count=1").await.expect(200).json();
    assert_eq!(
        (&page["totalResults"], &page["itemsPerPage"], &page["startIndex"]),
        (&json!(2), &json!(1), &json!(2))
    );
    let twin = directory
        .ask(Method::POST, "/Users", json!({"userName": "ANN@example.org"}))
        .await
        .expect(409);
    assert_eq!(twin.header("content-type"), Some("application/scim+json"));
    assert_eq!(
        (&twin.json()["scimType"], &twin.json()["status"]),
        (&json!("uniqueness"), &json!("409"))
    );
    let bad = directory.get("/Users?filter=userName+sw+%22a%22").await.expect(400);
    assert_eq!(bad.json()["scimType"], "invalidFilter");
    let nobody = "usr_00000000000000000000000000";
    directory.get(&format!("/Users/{nobody}")).await.expect(404);
    let put = json!({"userName": "ann2@example.org", "externalId": "x1", "active": true});
    let replaced = directory
        .ask(Method::PUT, &format!("/Users/{ann}"), put)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&replaced["userName"], &replaced["displayName"]),
        (&json!("ann2@example.org"), &Value::Null)
    );
    directory
        .ask(Method::DELETE, &format!("/Users/{ann}"), Value::Null)
        .await
        .expect(204);
    directory.get(&format!("/Users/{ann}")).await.expect(404);
    directory.user("ann2@example.org", "x1").await;
}

#[tokio::test]
async fn people_made_by_hand_are_not_a_directory_s() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let directory = Directory::of(&server, &owner, ISSUER).await;
    let (ann, me) = (server.person(&owner, 2).await, server.me(&owner).await);
    let twin = json!({"userName": ann.email, "externalId": "ann"});
    directory.ask(Method::POST, "/Users", twin).await.expect(409);
    for id in [&ann.id, &me] {
        directory.get(&format!("/Users/{id}")).await.expect(404);
        let away = json!([{"op": "replace", "path": "active", "value": false}]);
        directory.patch(&format!("/Users/{id}"), away).await.expect(404);
        directory
            .ask(Method::DELETE, &format!("/Users/{id}"), Value::Null)
            .await
            .expect(404);
        let group = json!({"displayName": "it", "members": [{"value": id}]});
        directory.ask(Method::POST, "/Groups", group).await.expect(400);
    }
    assert!(server.admits(&ann.token).await && server.admits(&owner).await);
    assert_eq!(level(&server, &owner, &ann.id).await, 2);
}

#[tokio::test]
async fn another_tenant_s_directory_sees_nobody_of_this_one() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let directory = Directory::of(&server, &owner, ISSUER).await;
    let ann = directory.user("ann@example.org", "ann").await;
    let (_, stranger) = server.second_tenant(&admin).await;
    let other = Directory::of(&server, &stranger, ISSUER).await;
    other.get(&format!("/Users/{ann}")).await.expect(404);
    assert_eq!(other.get("/Users").await.expect(200).json()["totalResults"], 0);
    other
        .ask(Method::DELETE, &format!("/Users/{ann}"), Value::Null)
        .await
        .expect(404);
    other.user("ann@example.org", "ann").await;
}

#[tokio::test]
async fn a_token_is_a_directory_s_alone_and_ends_when_told() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.person(&owner, 4).await;
    server
        .post("/v1/scim/tokens", &owner, json!({"name": "d"}))
        .await
        .expect(422);
    let directory = Directory::of(&server, &owner, ISSUER).await;
    server
        .post("/v1/scim/tokens", &admin.token, json!({"name": "d"}))
        .await
        .expect(403);
    server.get("/v1/me", &directory.token).await.expect(401);
    for bearer in [&owner, &server.key(), "kgs_nonsense", ""] {
        server.get("/scim/v2/Users", bearer).await.expect(401);
    }
    directory.get("/Users").await.expect(200);
    let stored = server
        .superuser("select count(*) from sso.scim_token where encode(hash, 'escape') like 'kgs%'")
        .await;
    assert_eq!(stored, "0");
    let listed = server.get("/v1/scim/tokens", &admin.token).await.expect(200);
    assert!(!listed.text().contains("kgs_"), "a list shows no secret");
    let listed = listed.json();
    assert_eq!(
        (&listed["items"][0]["id"], &listed["next_cursor"]),
        (&json!(directory.id), &json!(null))
    );
    assert!(listed["items"][0].get("revoked_at").is_none());
    server.get("/v1/scim/tokens", &server.key()).await.expect(403);
    server
        .delete(&format!("/v1/scim/tokens/{}", directory.id), &admin.token)
        .await
        .expect(204);
    directory.get("/Users").await.expect(401);
    let listed = server.get("/v1/scim/tokens", &owner).await.expect(200).json();
    assert!(listed["items"][0]["revoked_at"].is_string());
    server
        .delete(&format!("/v1/scim/tokens/{}", directory.id), &owner)
        .await
        .expect(404);
    let entries = server.entries(&owner, "action=scim.read", 1).await;
    assert_eq!(entries[0]["actor"]["type"], "service", "the directory is the actor");
}

/// A leaver with everything somebody can hold: two sessions, an open stream, an API key owned.
async fn leaver(scene: &Scene, directory: &Directory<'_>, leave: impl AsyncFn(&str)) {
    let name = email();
    scene
        .says(0, json!({"sub": name, "groups": ["a lie of the token"]}))
        .await;
    let user = directory.user(&name, &name).await;
    directory.group("it", &[&user]).await;
    let first = scene.log_in("one").await.expect(200).field("access_token");
    let second = scene.log_in("one").await.expect(200).field("access_token");
    let me = scene.me(&first).await;
    assert_eq!(
        (&me["principal"]["id"], &me["level"]),
        (&json!(user), &json!(4)),
        "linked by externalId, levelled by the directory"
    );
    let (_, key) = scene.server.issue(&first, json!({"name": "k", "level": 1})).await;
    let mut stream = scene.server.stream(&second, None).await;
    assert!(scene.server.admits(&key).await);
    leave(&user).await;
    for credential in [&first, &second, &key] {
        assert!(!scene.server.admits(credential).await, "refused at once");
    }
    assert!(stream.next().await.is_none(), "the stream is cut");
    let again = scene.log_in("one").await;
    assert!(again.status == 403 || again.status == 401, "{}", again.status);
    let live = format!(
        "select count(*) from identity.session s join rbac.principal p on p.id = s.principal_id
          where p.id = '{}' and s.revoked_at is null",
        scene
            .server
            .superuser(&format!(
                "select principal_id from sso.account where user_name = '{name}'"
            ))
            .await
    );
    if again.json()["type"] == "/problems/account-disabled" {
        assert_eq!(scene.server.superuser(&live).await, "0");
    }
}

#[tokio::test]
async fn a_leaver_has_no_access_a_moment_later() {
    let Some(scene) = scene().await else { return };
    let mut body = configured(&scene.judges.issuers[0]);
    body["jit"] = json!(false);
    let directory = Directory::of(&scene.server, &scene.owner, &scene.judges.issuers[0]).await;
    scene
        .server
        .put("/v1/sso/providers/one", &scene.owner, body)
        .await
        .expect(200);
    leaver(&scene, &directory, async |user| {
        let away = json!([{"op": "replace", "value": {"active": false}}]);
        let reply = directory.patch(&format!("/Users/{user}"), away).await.expect(200);
        assert_eq!(reply.json()["active"], false);
    })
    .await;
    directory
        .ask(
            Method::DELETE,
            &format!("/Groups/{}", group_id(&directory).await),
            Value::Null,
        )
        .await
        .expect(204);
    leaver(&scene, &directory, async |user| {
        directory
            .ask(Method::DELETE, &format!("/Users/{user}"), Value::Null)
            .await
            .expect(204);
    })
    .await;
    eventually("the leavers in the log", || async {
        let entries = scene.server.entries(&scene.owner, "action=scim.provision", 4).await;
        (!entries.is_empty()).then_some(())
    })
    .await;
}

async fn group_id(directory: &Directory<'_>) -> String {
    directory.get("/Groups").await.expect(200).json()["Resources"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn scim2_tester_finds_nothing_wrong() {
    let Some(python) = judges::scim_tester().await else {
        return;
    };
    let server = Server::with(keepgate_tests::Options::config(CONFIG)).await;
    let owner = server.owner().await;
    let directory = Directory::of(&server, &owner, ISSUER).await;
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/scim.py");
    let judged = tokio::process::Command::new(python.interpreter)
        .env("PYTHONPATH", python.packages)
        .arg(script)
        .args([&server.url("/scim/v2"), server.ca_cert(), &directory.token])
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&judged.stdout).into_owned();
    let verdict: Value = serde_json::from_str(told.trim())
        .unwrap_or_else(|_| panic!("the judge ended: {told} {}", String::from_utf8_lossy(&judged.stderr)));
    assert_eq!(
        verdict["bad"],
        json!([]),
        "of {} checks; skipped {}",
        verdict["checks"],
        verdict["skipped"]
    );
    assert!(verdict["checks"].as_u64().unwrap() > 30, "{verdict}");
    println!("{} checks, skipped: {}", verdict["checks"], verdict["skipped"]);
}
