//! The policy's table, in each place where it is told: the golden file, the API description, the database.
use std::collections::BTreeMap;

use keepgate_tests::{Server, golden};
use serde_json::{Value, json};

/// A line of the golden file as the API description and the database tell it.
fn told(row: &golden::Row) -> Value {
    let hats: Vec<&str> = ["auditor", "billing", "privacy_officer"]
        .into_iter()
        .zip(row.hats)
        .filter_map(|(hat, left)| left.then_some(hat))
        .collect();
    json!({
        "action": row.action, "levels": row.people, "api_keys": !row.keys.is_empty(), "hats": hats, "step_up": row.step_up,
        "two_person": row.two_person, "one_factor": row.one_factor, "reach": row.reach,
    })
}

#[tokio::test]
async fn every_operation_of_the_document_tells_its_line_of_the_golden_file() {
    let server = Server::start().await;
    let document = server.open("/openapi.json").await.expect(200).json();
    let rows = golden::rows();
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item
            .as_object()
            .unwrap()
            .iter()
            .filter(|(method, _)| *method != "parameters")
        {
            let Some(action) = operation["x-keepgate-action"].as_str() else {
                continue;
            };
            assert_eq!(
                operation["x-keepgate-permission"],
                told(&rows[action]),
                "{method} {path}"
            );
            seen += 1;
        }
    }
    assert!(seen >= 49, "{seen}");
}

#[tokio::test]
async fn the_database_has_every_line_of_the_golden_file_and_no_other() {
    let server = Server::start().await;
    let text = server
        .superuser("select json_agg(to_jsonb(p) - 'description' order by action) from rbac.permission p")
        .await;
    let stored: Vec<Value> = serde_json::from_str(&text).unwrap();
    let stored: BTreeMap<String, Value> = stored
        .into_iter()
        .map(|row| (row["action"].as_str().unwrap().to_owned(), row))
        .collect();
    let golden: BTreeMap<String, Value> = golden::rows()
        .values()
        .map(|row| {
            let mut told = told(row);
            told["worker"] = json!(row.worker);
            (row.action.to_owned(), told)
        })
        .collect();
    assert_eq!(stored, golden);
}

#[tokio::test]
async fn the_table_is_the_policy_s_and_nobody_else_s() {
    let server = Server::start().await;
    for sql in [
        "insert into rbac.permission select 'x.y', 'x', '{1}', true, false, '{}', false, false, false, 'own'",
        "update rbac.permission set levels = '{1,2,3,4,5,6,7}'",
        "delete from rbac.permission",
    ] {
        let ended = server.sql("kg_app", sql).await;
        assert!(
            ended.err.contains("permission denied"),
            "{sql}: {}{}",
            ended.out,
            ended.err
        );
    }
}

#[tokio::test]
async fn an_api_key_s_scopes_name_only_what_a_key_can_carry_even_for_the_superuser() {
    let server = Server::start().await;
    for scope in ["user.create", "message.everything", "tenant.update", "attempt.start"] {
        let ended = server
            .sql(
                "superuser",
                &format!("update identity.api_key set scopes = '{{message.accept,{scope}}}'"),
            )
            .await;
        assert!(
            ended.err.contains("no API key carries that"),
            "{scope}: {}{}",
            ended.out,
            ended.err
        );
    }
    // What a key can carry gets as far as the next wall: no change without an entry.
    let ended = server
        .sql("superuser", "update identity.api_key set scopes = '{message.accept}'")
        .await;
    assert!(!ended.err.contains("no API key carries that"), "{}", ended.err);
}

#[tokio::test]
async fn every_entry_of_the_log_names_an_operation_of_the_table() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    server.person(&owner, 2).await;
    let rows = golden::rows();
    for entry in [server.whole_log(&owner).await, server.whole_log(&admin).await].concat() {
        let action = entry["action"].as_str().unwrap();
        assert!(rows.contains_key(action), "{action}");
    }
}
