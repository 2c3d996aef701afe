//! Who has which access: the review that an admin reads and an auditor gets as a table.
use std::collections::BTreeMap;

use keepgate_tests::{Server, email};
use serde_json::{Value, json};

async fn review(server: &Server, bearer: &str) -> Vec<Value> {
    server.all(bearer, "/v1/access").await
}

fn of<'a>(all: &'a [Value], id: &str) -> &'a Value {
    let found = all.iter().find(|line| line["id"] == *id);
    found.unwrap_or_else(|| panic!("{id} is not in {all:#?}"))
}

/// Only the superuser turns time back, or makes a thousand at once.
async fn rewrite(server: &Server, table: &str, sql: &str) {
    server
        .past_the_guard(&format!(
            "alter table {table} disable trigger user; {sql}; alter table {table} enable trigger user"
        ))
        .await;
}

/// RFC 4180, read by hand: quotes, doubled quotes, CRLF.
fn table(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    assert!(
        !quoted && cell.is_empty() && row.is_empty(),
        "the table ends with a line"
    );
    rows
}

async fn csv(server: &Server, bearer: &str) -> Vec<BTreeMap<String, String>> {
    let reply = server.get("/v1/access?format=csv", bearer).await.expect(200);
    assert!(reply.header("content-type").unwrap().starts_with("text/csv"));
    assert!(reply.header("content-disposition").unwrap().starts_with("attachment"));
    let mut rows = table(&reply.text()).into_iter();
    let names = rows.next().unwrap();
    rows.map(|row| {
        assert_eq!(row.len(), names.len(), "{row:?}");
        names.iter().cloned().zip(row).collect()
    })
    .collect()
}

#[tokio::test]
async fn the_review_has_everybody_and_every_key_of_the_tenant_and_tells_who_answers_for_it() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let (_, far) = server.second_tenant(&admin).await;
    let lead = server.person(&owner, 4).await;
    let agent = server.person(&lead.token, 1).await;
    let (key, secret) = server.issue(&lead.token, json!({"name": "robot", "level": 3})).await;
    let tablet = json!({"name": "tablet", "owner": agent.id});
    let tablet = server
        .post("/v1/devices", &lead.token, tablet)
        .await
        .expect(201)
        .field("id");
    let all = review(&server, &owner).await;
    assert_eq!(
        (&of(&all, &tablet)["owner"], &of(&all, &tablet)["name"]),
        (&json!(agent.id), &json!("tablet"))
    );
    let kinds: Vec<&str> = all.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    let order = |kind: &&str| {
        ["user", "device", "service", "api_key"]
            .iter()
            .position(|word| word == kind)
    };
    assert!(kinds.is_sorted_by_key(order), "{kinds:?}");
    let line = of(&all, &agent.id);
    assert_eq!((&line["level"], &line["status"]), (&json!(1), &json!("active")));
    assert_eq!((&line["email"], &line["stale"]), (&json!(agent.email), &json!(false)));
    assert!(line["unit"].is_string() && line["last_used_at"].is_string() && line["owner"].is_null());
    assert_eq!(
        line["second_factors"],
        json!({"totp": false, "passkeys": 0, "recovery_codes": 0})
    );
    let line = of(&all, &key);
    assert_eq!((&line["owner"], &line["level"]), (&json!(lead.id), &json!(3)));
    assert_eq!(
        (&line["name"], &line["second_factors"]),
        (&json!("robot"), &Value::Null)
    );
    let services: Vec<&Value> = all.iter().filter(|line| line["kind"] == "service").collect();
    assert!(
        services
            .iter()
            .any(|line| line["owner"] == *lead.id && line["name"] == "robot")
    );
    assert!(!serde_json::to_string(&all).unwrap().contains(&secret));
    // Its own tenant's, and nothing of another's.
    let others = review(&server, &far).await;
    assert_eq!(others.len(), 1, "{others:?}");
    assert!(
        review(&server, &admin)
            .await
            .iter()
            .all(|line| line["level"].as_u64() >= Some(6))
    );
    // Whoever falls is told as fallen at once, with the keys that fell.
    server
        .patch(&format!("/v1/users/{}", lead.id), &owner, json!({"status": "disabled"}))
        .await
        .expect(200);
    let all = review(&server, &owner).await;
    assert_eq!(of(&all, &lead.id)["status"], "disabled");
    assert!(
        all.iter()
            .all(|line| line["id"] != *key || line["status"] == "disabled"),
        "{all:#?}"
    );
    server
        .delete(&format!("/v1/users/{}", lead.id), &owner)
        .await
        .expect(204);
    assert!(review(&server, &owner).await.iter().all(|line| line["id"] != *lead.id));
}

#[tokio::test]
async fn what_nobody_used_for_ninety_days_is_stale_until_it_is_used() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let ann = server.person(&owner, 2).await;
    let made = server
        .post("/v1/users", &owner, json!({"email": email(), "level": 2}))
        .await;
    let never = made.expect(201).field("id");
    let stale = async |id: &str| of(&review(&server, &owner).await, id)["stale"].clone();
    assert_eq!(
        (stale(&ann.id).await, stale(&never).await),
        (json!(false), json!(false))
    );
    for (days, expected) in [(89, false), (91, true)] {
        let then = format!("now() - interval '{days} days'");
        let sessions = format!(
            "update identity.session s set created_at = {then}, expires_at = {then} from rbac.principal p where p.id = s.principal_id and p.email = '{}'",
            ann.email
        );
        rewrite(&server, "identity.session", &sessions).await;
        let people = format!("update rbac.principal set created_at = {then} where email like 'user%'");
        rewrite(&server, "rbac.principal", &people).await;
        let both = (stale(&ann.id).await, stale(&never).await);
        assert_eq!(both, (json!(expected), json!(expected)), "{days} days");
    }
    let line = of(&review(&server, &owner).await, &never).clone();
    assert_eq!(line["last_used_at"], Value::Null, "never here: since it was made");
    server.login(&ann.email, keepgate_tests::PASSWORD).await.expect(200);
    assert_eq!(stale(&ann.id).await, json!(false));
}

#[tokio::test]
async fn a_table_is_whole_however_long_and_no_cell_of_it_is_a_formula() {
    let server = Server::start().await;
    let owner = server.owner().await;
    for name in [
        "=HYPERLINK(\"http://x\",\"y\")",
        "+1",
        "-2",
        "@SUM(A1)",
        "Ann, \"the\" Admin",
    ] {
        let body = json!({"email": email(), "level": 2, "display_name": name});
        server.post("/v1/users", &owner, body).await.expect(201);
    }
    server.issue(&owner, json!({"name": "=1+1", "level": 2})).await;
    // More than two pages' worth; a person at a time would take minutes.
    let many = "insert into rbac.principal (tenant_id, id, kind, display_name) select t.id, gen_random_uuid(), 'device', 'd' || n
                  from rbac.tenant t, generate_series(1, 1100) n where t.kind = 'customer'";
    rewrite(&server, "rbac.principal", many).await;
    let (rows, items) = (csv(&server, &owner).await, review(&server, &owner).await);
    assert!(rows.len() > 1100);
    assert!(
        rows.iter()
            .map(|row| json!(row["id"]))
            .eq(items.iter().map(|item| item["id"].clone()))
    );
    for row in &rows {
        for (name, cell) in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{name}: {cell}");
        }
    }
    let named = |name: &str| rows.iter().find(|row| row["name"] == name);
    assert!(named("'=HYPERLINK(\"http://x\",\"y\")").is_some() && named("'=1+1").is_some());
    assert!(named("Ann, \"the\" Admin").is_some(), "quotes and commas survive");
    let owner_row = rows.iter().find(|row| row["level"] == "5").unwrap();
    assert_eq!((&*owner_row["totp"], &*owner_row["recovery_codes"]), ("false", "0"));
}

#[tokio::test]
async fn only_admins_and_the_hats_that_look_review_access_and_each_review_is_on_record() {
    let server = Server::start().await;
    let owner = server.owner().await;
    for level in 1..=3 {
        let low = server.person(&owner, level).await;
        server.get("/v1/access", &low.token).await.problem(403, "level-too-low");
        server
            .get("/v1/access?format=csv", &low.token)
            .await
            .problem(403, "level-too-low");
    }
    let (_, key) = server.issue(&owner, json!({"name": "k", "level": 4})).await;
    server.get("/v1/access", &key).await.expect(403);
    for (hat, status) in [("auditor", 200), ("privacy_officer", 200), ("billing", 403)] {
        let wearer = server.person(&owner, 4).await;
        let path = format!("/v1/users/{}", wearer.id);
        server.patch(&path, &owner, json!({"hat": hat})).await.expect(200);
        let token = server
            .login(&wearer.email, keepgate_tests::PASSWORD)
            .await
            .expect(200)
            .field("access_token");
        server.get("/v1/access", &token).await.expect(status);
    }
    for (query, pointer) in [
        ("?format=xml", "?format"),
        ("?format=csv&limit=5", "?limit"),
        ("?format=csv&cursor=x", "?cursor"),
        ("?cursor=x", "?cursor"),
        ("?limit=0", "?limit"),
    ] {
        let reply = server.get(&format!("/v1/access{query}"), &owner).await;
        assert_eq!(reply.invalid(), pointer, "{query}");
    }
    server.get("/v1/access?tenant=x", &owner).await.expect(422);
    csv(&server, &owner).await;
    for (outcome, reason, count) in [
        ("done", None, 3),
        ("refused", Some("level-too-low"), 6),
        ("refused", Some("hat-leaves-out"), 1),
    ] {
        let query = format!("action=access.review&outcome={outcome}");
        let found = server.entries(&owner, &query, count).await;
        let with = found
            .iter()
            .filter(|entry| reason.is_none_or(|reason| entry["reason"] == reason));
        assert_eq!(with.count(), count, "{outcome} {reason:?}: {found:#?}");
    }
}
