//! Who may do what: every operation of the document against every kind of caller, and every grant against every level.
use keepgate_kernel::{Action, Level};
use keepgate_policy::rule;
use keepgate_tests::{Operation, PASSWORD, Server, email, placeholder};
use reqwest::Method;
use serde_json::{Value, json};

/// A body that the operation would read, about things that do not exist.
fn body(operation: &Operation) -> Value {
    match operation.name().as_str() {
        "POST /v1/auth/login" => json!({"email": email(), "password": "wrong wrong wrong"}),
        "POST /v1/auth/enrol" => json!({"code": "none", "password": "wrong wrong wrong"}),
        "POST /v1/me/mfa/totp/confirm" => json!({"code": "000000"}),
        "POST /v1/me/mfa/passkeys/confirm" => json!({"passkey": {"id": "AAAA", "type": "public-key",
            "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}}),
        "POST /v1/users" => json!({"email": email(), "level": 1}),
        "PATCH /v1/users/{user}" => json!({"status": "disabled"}),
        "POST /v1/api-keys" => json!({"name": "k", "level": 1}),
        "POST /v1/api-keys:import" => {
            json!({"name": "k", "level": 1, "lookup": "acmeprefix", "bcrypt": format!("$2b$10${}", "a".repeat(53))})
        }
        "POST /v1/auth/password" => json!({"current_password": PASSWORD, "new_password": PASSWORD}),
        "PUT /v1/sso/providers/{provider}" => {
            json!({"issuer": "https://id.example.org", "client_id": "k", "group_levels": {}, "jit": false})
        }
        "POST /v1/scim/tokens" => json!({"name": "d"}),
        "POST /v1/api-keys/{key}/rotate" => json!({"overlap_seconds": 0}),
        "POST /v1/revocations" => {
            json!({"kind": "session", "id": "ses_00000000000000000000000000", "reason": "r"})
        }
        "POST /v1/tenants" => json!({"name": "t"}),
        "POST /v1/services" => json!({"name": "s", "level": 1}),
        "PATCH /v1/services/{service}" => json!({"status": "disabled"}),
        "POST /v1/devices" | "PATCH /v1/devices/{device}" => json!({"name": email()}),
        "POST /v1/devices/enrol" => {
            json!({"code": "none", "public_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="})
        }
        "POST /v1/auth/device/challenge" => json!({"device": "dev_00000000000000000000000000"}),
        "POST /v1/auth/device" => {
            json!({"device": "dev_00000000000000000000000000", "challenge": "none", "signature": "A".repeat(86) + "=="})
        }
        "POST /v1/sinks" => json!({"name": email(), "target": {"kind": "https", "url": "https://siem.example/in",
            "auth": {"scheme": "bearer", "token": "t"}}}),
        "PATCH /v1/sinks/{sink}" => json!({"paused": true}),
        "POST /v1/sinks/{sink}/replay" => json!({"from_index": 0}),
        "POST /v1/units" | "PATCH /v1/units/{unit}" => json!({"name": email()}),
        "POST /v1/approvals" => json!({"action": "key.destroy", "target": "1", "reason": "asked by a test"}),
        "POST /v1/erasures" => json!({"subject": "usr_00000000000000000000000000", "reason": "asked by a test"}),
        "POST /v1/holds" => json!({"reason": "asked by a test"}),
        "PATCH /v1/tenants/{tenant}" => json!({"status": "active"}),
        "POST /v1/recipients" => json!({"name": "r", "contacts": [{"channel": "sms", "address": "+15005550001"}]}),
        "PATCH /v1/recipients/{recipient}" => json!({"name": "r2"}),
        "PUT /v1/routes/{name}" => {
            json!({"steps": [{"channel": "sms", "wait_seconds": 1}], "require_ack": false, "deadline_seconds": 60})
        }
        "POST /v1/messages" => json!({"to": [{"channel": "sms", "address": "+15005550001"}], "payload": "aGk="}),
        "POST /v1/messages:batch" => {
            json!({"messages": [{"to": [{"channel": "sms", "address": "+15005550001"}], "payload": "aGk="}]})
        }
        "POST /v1/webhooks" => {
            json!({"url": format!("https://{}.example/hook", email().replace('@', ".")), "events": ["message.failed"]})
        }
        _ => json!({}),
    }
}

/// Makes the request of `operation` as `bearer`.
async fn call(server: &Server, operation: &Operation, bearer: Option<&str>) -> (u16, String) {
    let method: Method = operation.method.parse().unwrap();
    let path = placeholder(&operation.path)
        + if operation.path == "/v1/audit/proof" {
            "?index=0"
        } else {
            ""
        };
    let path = if operation.path.ends_with("/export") {
        format!("{path}?format=jsonl")
    } else {
        path
    };
    let reply = match operation.method.as_str() {
        "GET" | "DELETE" => server.raw(method, &server.url(&path), bearer, &[], None).await,
        _ => server.send(method, &path, bearer, &[], &body(operation)).await,
    };
    let slug = reply.json()["type"]
        .as_str()
        .and_then(|kind| kind.rsplit('/').next().map(str::to_owned));
    (reply.status, slug.unwrap_or_default())
}

fn action(operation: &Operation) -> Option<Action> {
    operation
        .action
        .as_deref()
        .map(|name| name.parse().unwrap_or_else(|_| panic!("no such action: {name}")))
}

/// Permissions that the table holds and no operation asks for yet. The list may only shrink.
const NOT_OFFERED: &[Action] = &[];

#[tokio::test]
async fn every_operation_of_the_document_has_an_action_and_tells_its_rule() {
    let server = Server::start().await;
    let operations = server.operations().await;
    assert!(operations.len() >= 50, "{}", operations.len());
    for operation in &operations {
        let Some(action) = action(operation) else { continue };
        let rule = rule(action);
        let levels: Vec<u8> = Level::ALL
            .into_iter()
            .filter(|level| rule.levels.contains(*level))
            .map(Level::number)
            .collect();
        assert_eq!(
            (&operation.levels, operation.keys),
            (&levels, rule.keys),
            "{}",
            operation.name()
        );
    }
}

#[tokio::test]
async fn every_action_of_people_can_be_asked_for_over_http() {
    let server = Server::start().await;
    let offered: Vec<Action> = server.operations().await.iter().filter_map(action).collect();
    let unasked: Vec<Action> = Action::ALL
        .iter()
        .filter(|action| {
            Level::ALL
                .into_iter()
                .any(|level| rule(**action).levels.contains(level))
        })
        .filter(|action| !offered.contains(action))
        .copied()
        .collect();
    assert_eq!(unasked, NOT_OFFERED);
}

/// People are asked for in `matrix`; here API keys are, which differ in what no key ever carries.
#[tokio::test]
async fn every_operation_answers_an_api_key_as_the_rule_says() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (_, key4) = server.issue(&owner, json!({"name": "k", "level": 4})).await;
    let mut wrong = Vec::new();
    for (level, key) in [(Level::Operator, server.key()), (Level::TenantAdmin, key4)] {
        for operation in &server.operations().await {
            let Some(action) = action(operation) else { continue };
            let rule = rule(action);
            if rule.system {
                continue; // nobody's credential counts there
            }
            let (status, slug) = call(&server, operation, Some(&key)).await;
            let denied = matches!(slug.as_str(), "level-too-low" | "not-for-api-keys" | "scope-missing");
            let right = if !rule.levels.contains(level) {
                (status, slug.as_str()) == (403, "level-too-low")
            } else if !rule.keys {
                (status, slug.as_str()) == (403, "not-for-api-keys")
            } else {
                status != 401 && !denied && status < 500
            };
            if !right {
                wrong.push(format!("{level}: {} ({action}): {status} {slug}", operation.name()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} answers are not what the rule says:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn a_level_is_given_only_from_above_and_within_its_plane() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let mut granters: Vec<(u8, String)> = vec![
        (5, owner.clone()),
        (7, admin.clone()),
        (6, server.person(&admin, 6).await.token),
    ];
    for level in 1..=4 {
        granters.push((level, server.person(&owner, level).await.token));
    }
    for (own, token) in &granters {
        for level in 1..=7 {
            let body = json!({"email": email(), "level": level});
            let reply = server.post("/v1/users", token, body).await;
            let same_plane = (level >= 6) == (*own >= 6);
            let allowed = matches!(own, 4 | 5 | 7) && level < *own && same_plane;
            assert_eq!(
                reply.status,
                if allowed { 201 } else { 403 },
                "{own} gives {level}: {}",
                reply.text()
            );
        }
    }
}

#[tokio::test]
async fn a_global_admin_appoints_owners_in_tenants_and_nobody_else_there() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner().await, server.admin().await);
    let tenant = server.boot["tenant"].as_str().unwrap();
    for level in 1..=7 {
        let body = json!({"email": email(), "level": level, "tenant": tenant});
        let reply = server.post("/v1/users", &admin, body).await;
        assert_eq!(
            reply.status,
            if level == 5 { 201 } else { 403 },
            "{level}: {}",
            reply.text()
        );
    }
    let elsewhere = json!({"email": email(), "level": 4, "tenant": server.boot["platform_tenant"]});
    let reply = server.post("/v1/users", &owner, elsewhere).await;
    assert!(matches!(reply.status, 403 | 404), "{}", reply.text());
}

#[tokio::test]
async fn nobody_changes_a_peer_a_superior_or_themselves() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (ann, peer) = (server.person(&owner, 4).await, server.person(&owner, 4).await);
    let superior = server.me(&owner).await;
    let change = |id: &str, body: Value| {
        let (path, token) = (format!("/v1/users/{id}"), ann.token.clone());
        let server = &server;
        async move { server.patch(&path, &token, body).await }
    };
    for id in [&peer.id, &superior, &ann.id] {
        for body in [json!({"level": 1}), json!({"level": 4}), json!({"status": "disabled"})] {
            let reply = change(id, body.clone()).await;
            assert_eq!(reply.status, 403, "{id} {body}: {}", reply.text());
        }
        assert_eq!(
            server.delete(&format!("/v1/users/{id}"), &ann.token).await.status,
            403,
            "{id}"
        );
    }
    let low = server.person(&owner, 1).await;
    change(&low.id, json!({"level": 3})).await.expect(200);
    for level in [4, 5, 6, 7] {
        assert_eq!(change(&low.id, json!({"level": level})).await.status, 403, "{level}");
    }
}

#[tokio::test]
async fn a_demotion_holds_at_the_next_request_of_an_old_token() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let ann = server.person(&owner, 4).await;
    server
        .post("/v1/users", &ann.token, json!({"email": email(), "level": 1}))
        .await
        .expect(201);
    server
        .patch(&format!("/v1/users/{}", ann.id), &owner, json!({"level": 2}))
        .await
        .expect(200);
    let reply = server
        .post("/v1/users", &ann.token, json!({"email": email(), "level": 1}))
        .await;
    assert!(matches!(reply.status, 401 | 403), "{}", reply.text());
}
