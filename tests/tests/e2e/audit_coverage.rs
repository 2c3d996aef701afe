//! Every operation leaves exactly one entry, whatever becomes of it.
use std::collections::{BTreeMap, BTreeSet};

use keepgate_tests::{Operation, Server, message, placeholder};
use reqwest::Method;
use serde_json::{Value, json};

use crate::every_operation::{Asked, Asking, identity, log, messages, second_factors, sinks, sso};

/// Routes that are no operation of a principal. This list may only shrink.
const EXEMPT: [&str; 6] = [
    "GET /livez",
    "GET /readyz",
    "GET /version",
    "GET /openapi.json",
    "GET /.well-known/jwks.json",
    "GET /.well-known/keepgate-api-keys.json",
];

/// The entries of each request in the logs of the tenant and of the platform; those of workers under a request included.
async fn by_request(server: &Server, owner: &str, admin: &str) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let logs = [server.whole_log(owner).await, server.whole_log(admin).await].concat();
    for entry in logs {
        found
            .entry(entry["request_id"].as_str().unwrap().to_owned())
            .or_default()
            .push(entry);
    }
    found
}

fn actions(operations: &[Operation]) -> BTreeMap<String, String> {
    operations
        .iter()
        .filter_map(|operation| Some((operation.name(), operation.action.clone()?)))
        .collect()
}

/// The one entry of `asked`, about its own action; what a request does besides (the first use of a key, what an erasure
/// tells of the person) is told apart by action.
fn entry_of<'a>(asked: &Asked, action: &str, log: &'a BTreeMap<String, Vec<Value>>) -> Result<&'a Value, String> {
    let entries = log.get(&asked.request).map_or(&[][..], Vec::as_slice);
    let own: Vec<&Value> = entries
        .iter()
        .filter(|entry| !matches!(entry["action"].as_str(), Some("key.create" | "audit.erased")))
        .collect();
    match own.as_slice() {
        [entry] if entry["action"] == *action => Ok(entry),
        others => {
            let told: Vec<String> = others
                .iter()
                .map(|entry| format!("{} {}", entry["action"], entry["outcome"]))
                .collect();
            Err(format!(
                "{} ({}): wanted one {action}, found {told:?}",
                asked.name, asked.status
            ))
        }
    }
}

#[tokio::test]
async fn only_what_is_exempt_has_no_action() {
    let server = Server::start().await;
    let without: BTreeSet<String> = server
        .operations()
        .await
        .iter()
        .filter(|operation| operation.action.is_none())
        .map(Operation::name)
        .collect();
    let exempt: BTreeSet<String> = EXEMPT.iter().map(ToString::to_string).collect();
    assert!(without.is_subset(&exempt), "{without:?}");
}

#[tokio::test]
async fn every_operation_that_is_done_leaves_one_entry_and_every_operation_is_tried() {
    // Nobody listens there: what is to be mailed waits.
    let mail = "public_url = \"https://gate.example.org\"\n[mail]\nhost = \"127.0.0.1\"\nport = 9\nsecurity = \"none\"\nfrom = \"keepgate@example.org\"\n";
    let server = Server::with(keepgate_tests::Options::config(mail)).await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let actions = actions(&server.operations().await);
    let mut to = Asking {
        server: &server,
        asked: Vec::new(),
    };
    identity(&mut to, &owner, &admin).await;
    sso(&mut to, &owner).await;
    second_factors(&mut to, &owner).await;
    messages(&mut to, &owner).await;
    log(&mut to, &owner).await;
    sinks(&mut to, &owner).await;
    let asked = to.asked;
    let logged = by_request(&server, &owner, &admin).await;
    let mut wrong: Vec<String> = Vec::new();
    for asked in &asked {
        match entry_of(asked, &actions[&asked.name], &logged) {
            Ok(entry) if entry["outcome"] == "done" => {}
            Ok(entry) => wrong.push(format!("{}: {} {}", asked.name, entry["outcome"], entry["reason"])),
            Err(why) => wrong.push(why),
        }
    }
    // Callbacks are done in delivery.rs and sso.rs, where there is somebody to call back; a directory's operations in scim.rs,
    // time stamps in timestamps.rs, where there is an authority.
    let tried: BTreeSet<&String> = asked.iter().map(|asked| &asked.name).collect();
    let missing = actions.keys().filter(|name| {
        !tried.contains(name)
            && !name.contains("/hooks/")
            && !name.contains("/auth/sso/")
            && !name.contains("/me/sso/")
            && !name.contains("/scim/v2/")
            && !name.ends_with("/meta/timestamp")
            && !name.ends_with("/reset/confirm")
    });
    wrong.extend(missing.map(|name| format!("{name} was not tried")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_operation_that_is_refused_leaves_one_entry() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let (low, key) = (server.person(&owner, 1).await.token, server.key());
    let operations = server.operations().await;
    let actions = actions(&operations);
    let mut asked = Vec::new();
    for operation in operations
        .iter()
        .filter(|operation| actions.contains_key(&operation.name()))
    {
        let method: Method = operation.method.parse().unwrap();
        let url = server.url(&placeholder(&operation.path));
        let public = operation.path.starts_with("/v1/auth/log")
            || operation.path.starts_with("/v1/auth/reset")
            || operation.path.starts_with("/v1/auth/enrol")
            || operation.path.starts_with("/v1/auth/sso")
            || operation.path.starts_with("/v1/auth/device")
            || operation.path == "/v1/devices/enrol"
            || operation.path.ends_with(":report-leak")
            || operation.path == "/v1/auth/mfa";
        if public || operation.path.contains("/hooks/") || operation.path.starts_with("/scim/v2/") {
            continue;
        }
        for bearer in [&low, &key, &owner] {
            // A body that is no JSON, for whoever gets that far.
            let json = [("content-type", "application/json")];
            let body = (!matches!(method, Method::GET | Method::DELETE)).then(|| b"{".to_vec());
            let headers: &[(&str, &str)] = if body.is_some() { &json } else { &[] };
            let reply = server.raw(method.clone(), &url, Some(bearer), headers, body).await;
            if (400..500).contains(&reply.status) {
                asked.push(Asked::new(&operation.name(), &reply));
            }
        }
    }
    assert!(asked.len() > 80, "{}", asked.len());
    let logged = by_request(&server, &owner, &admin).await;
    let mut wrong = Vec::new();
    for asked in &asked {
        match entry_of(asked, &actions[&asked.name], &logged) {
            Ok(entry) if entry["outcome"] == "refused" && entry["reason"].is_string() => {}
            Ok(entry) => wrong.push(format!(
                "{} ({}): {} {}",
                asked.name, asked.status, entry["outcome"], entry["reason"]
            )),
            Err(why) => wrong.push(why),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        asked.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn a_failed_log_in_and_a_wrong_code_leave_an_entry() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let ann = server.person(&owner, 2).await;
    let tries = [
        (
            "POST /v1/auth/login",
            "auth.login",
            server.login(&ann.email, "wrong wrong wrong").await,
        ),
        (
            "POST /v1/auth/login",
            "auth.login",
            server.login("nobody@example.org", "wrong wrong wrong").await,
        ),
        (
            "POST /v1/auth/enrol",
            "auth.enrol",
            server.try_code("kge_nonsense").await,
        ),
    ];
    let logged = by_request(&server, &owner, &admin).await;
    for (name, action, reply) in &tries {
        let entry = entry_of(&Asked::new(name, reply), action, &logged).unwrap();
        assert_eq!(entry["outcome"], "refused");
        assert!(!entry.to_string().contains(&ann.email), "no address stands in the log");
    }
}

#[tokio::test]
async fn a_credential_that_is_not_believed_leaves_an_entry() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let ann = server.person(&owner, 2).await;
    server.press("/v1/auth/logout", &ann.token).await.expect(204);
    let reply = server.get("/v1/recipients", &ann.token).await.expect(401);
    let logged = by_request(&server, &owner, &admin).await;
    let entries = &logged[reply.header("x-request-id").unwrap()];
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["outcome"], "refused");
}

#[tokio::test]
async fn every_message_of_a_batch_leaves_its_own_entry() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let nobody = "rcp_00000000000000000000000000";
    let batch = json!({"messages": [message(&to, "a"), message(nobody, "b"), message(&to, "c")]});
    let reply = server.post("/v1/messages:batch", &owner, batch).await.expect(202);
    let request = reply.header("x-request-id").unwrap();
    let log = server.whole_log(&owner).await;
    let mine: Vec<&Value> = log
        .iter()
        .filter(|entry| entry["request_id"] == *request && entry["action"] == "message.accept")
        .collect();
    let outcomes: Vec<&str> = mine.iter().map(|entry| entry["outcome"].as_str().unwrap()).collect();
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == "done").count(),
        2,
        "{outcomes:?}"
    );
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == "refused").count(),
        1,
        "{outcomes:?}"
    );
    for item in reply.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["id"].as_str())
    {
        assert_eq!(
            mine.iter().filter(|entry| entry["entity"] == *item).count(),
            1,
            "{item}"
        );
    }
}
