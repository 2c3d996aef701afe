//! What may become of a message: acknowledged, cancelled, replayed, expired; and who may see it.
use keepgate_tests::{Server, in_seconds, message};
use serde_json::json;

/// A service, its owner, and a recipient whose stream is the owner's own.
async fn desk() -> (Server, String, String) {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    (server, owner, to)
}

fn path(id: &str, verb: &str) -> String {
    format!("/v1/messages/{id}/{verb}")
}

#[tokio::test]
async fn an_acknowledgement_ends_a_message_well_and_repeating_it_changes_nothing() {
    let (server, owner, to) = desk().await;
    let id = server.accept(&server.key(), message(&to, "x")).await;
    server
        .post(&path(&id, "ack"), &owner, json!({"note": "seen"}))
        .await
        .expect(200);
    let first = server.message_is(&owner, &id, "acknowledged").await;
    let again = server.post(&path(&id, "ack"), &owner, json!({})).await;
    assert!(matches!(again.status, 200 | 409), "{}", again.text());
    assert_eq!(server.message(&owner, &id).await["status"], first["status"]);
    let cancel = server.press(&path(&id, "cancel"), &owner).await;
    assert_eq!(cancel.status, 409, "an end is an end: {}", cancel.text());
}

#[tokio::test]
async fn an_ack_needs_no_body() {
    let (server, owner, to) = desk().await;
    let id = server.accept(&owner, message(&to, "x")).await;
    server.press(&path(&id, "ack"), &owner).await.expect(200);
    server.message_is(&owner, &id, "acknowledged").await;
}

#[tokio::test]
async fn a_cancelled_message_stays_so() {
    let (server, owner, to) = desk().await;
    let id = server.accept(&owner, message(&to, "x")).await;
    server.press(&path(&id, "cancel"), &owner).await.expect(200);
    server.message_is(&owner, &id, "cancelled").await;
    let ack = server.press(&path(&id, "ack"), &owner).await;
    assert_eq!(ack.status, 409, "{}", ack.text());
    assert_eq!(server.message(&owner, &id).await["status"], "cancelled");
}

#[tokio::test]
async fn a_replay_is_a_new_message_with_the_same_content() {
    let (server, owner, to) = desk().await;
    let mut stream = server.stream(&owner, None).await;
    let first = server.accept(&owner, message(&to, "same content")).await;
    let before = stream.next().await.unwrap();
    server.press(&path(&first, "cancel"), &owner).await.expect(200);
    let reply = server.press(&path(&first, "replay"), &owner).await;
    assert!(matches!(reply.status, 200 | 202), "{}", reply.text());
    let second = reply.field("id");
    assert_ne!(first, second);
    let after = stream.next().await.unwrap();
    assert_eq!(
        (after.message(), &after.data["payload"]),
        (second.as_str(), &before.data["payload"])
    );
    assert_eq!(server.message(&owner, &second).await["replay_of"], *first);
    assert_eq!(
        server.message(&owner, &first).await["status"],
        "cancelled",
        "the first stays as it ended"
    );
}

#[tokio::test]
async fn a_message_whose_deadline_passes_is_expired_and_says_so() {
    let (server, owner, to) = desk().await;
    let mut body = message(&to, "x");
    body["deadline"] = json!(in_seconds(2));
    let id = server.accept(&owner, body).await;
    let message = server.message_is(&owner, &id, "expired").await;
    assert!(message["attempts"].is_array());
    let query = format!("entity={id}&action=delivery.advance");
    let entries = server.entries(&owner, &query, 1).await;
    assert_eq!(entries[0]["actor"]["type"], "system");
}

#[tokio::test]
async fn a_message_that_needs_no_ack_is_delivered_when_its_stream_hands_it_over() {
    let (server, owner, to) = desk().await;
    let mut body = message(&to, "x");
    body["require_ack"] = json!(false);
    let mut stream = server.stream(&owner, None).await;
    let id = server.accept(&owner, body).await;
    assert_eq!(stream.next().await.unwrap().message(), id);
    let message = server.message_is(&owner, &id, "delivered").await;
    assert_eq!(message["attempts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_field_agent_sees_and_acknowledges_only_what_is_its_own() {
    let (server, owner, to) = desk().await;
    let (ann, bob) = (server.person(&owner, 1).await, server.person(&owner, 1).await);
    let to_ann = server.recipient(&owner, "internet", &ann.id).await;
    let hers = server.accept(&owner, message(&to_ann, "for ann")).await;
    let others = server.accept(&owner, message(&to, "for the owner")).await;
    server
        .get(&format!("/v1/messages/{hers}"), &ann.token)
        .await
        .expect(200);
    server
        .get(&format!("/v1/messages/{others}"), &ann.token)
        .await
        .missing();
    server.get(&format!("/v1/messages/{hers}"), &bob.token).await.missing();
    assert_eq!(server.all(&ann.token, "/v1/messages").await.len(), 1);
    assert!(server.all(&bob.token, "/v1/messages").await.is_empty());
    server.press(&path(&hers, "ack"), &bob.token).await.missing();
    server
        .press(&path(&hers, "cancel"), &ann.token)
        .await
        .problem(403, "level-too-low");
    server.press(&path(&hers, "ack"), &ann.token).await.expect(200);
    server.message_is(&owner, &hers, "acknowledged").await;
}

#[tokio::test]
async fn operators_and_supervisors_see_their_unit_s_messages_and_admins_the_tenant_s() {
    let (server, owner, to) = desk().await;
    let (ann, desk, lead) = (
        server.person(&owner, 1).await,
        server.person(&owner, 2).await,
        server.person(&owner, 3).await,
    );
    let unit = server.accept(&ann.token, message(&to, "from the field")).await;
    let tenant = server.accept(&owner, message(&to, "from the owner")).await;
    assert_eq!(server.all(&desk.token, "/v1/messages").await.len(), 1);
    server
        .get(&format!("/v1/messages/{unit}"), &desk.token)
        .await
        .expect(200);
    server
        .get(&format!("/v1/messages/{tenant}"), &desk.token)
        .await
        .missing();
    assert_eq!(server.all(&lead.token, "/v1/messages").await.len(), 1);
    assert_eq!(server.all(&owner, "/v1/messages").await.len(), 2);
}

#[tokio::test]
async fn recipients_are_created_read_changed_and_deleted_and_their_messages_stay() {
    let (server, owner, _) = desk().await;
    let me = server.me(&owner).await;
    let body = json!({"name": "Ann", "contacts": [{"channel": "internet", "address": me}], "locale": "de-AT",
        "quiet_hours": {"start": "22:00", "end": "07:00", "timezone": "Europe/Vienna"}});
    let id = server
        .post("/v1/recipients", &owner, body.clone())
        .await
        .expect(201)
        .field("id");
    let path = format!("/v1/recipients/{id}");
    let shown = server.get(&path, &owner).await.expect(200).json();
    assert_eq!(
        (&shown["name"], &shown["locale"], &shown["quiet_hours"]),
        (&body["name"], &body["locale"], &body["quiet_hours"])
    );
    assert_eq!(shown["contacts"][0]["address"], *me);
    let sent = server.accept(&owner, message(&id, "x")).await;
    let changed = server
        .patch(&path, &owner, json!({"name": "Bea"}))
        .await
        .expect(200)
        .json();
    assert_eq!((&changed["name"], &changed["locale"]), (&json!("Bea"), &json!("de-AT")));
    server.delete(&path, &owner).await.expect(204);
    server.get(&path, &owner).await.missing();
    assert_eq!(server.message(&owner, &sent).await["recipient"], *id);
}

#[tokio::test]
async fn a_message_keeps_the_route_it_was_accepted_with() {
    let (server, owner, to) = desk().await;
    server.route(&owner, "slow", &[("internet", 60, 1)], true, 600).await;
    let mut body = message(&to, "x");
    body["route"] = json!("slow");
    let id = server.accept(&owner, body.clone()).await;
    let before = server.message(&owner, &id).await["route"].clone();
    server.route(&owner, "slow", &[("sms", 5, 1)], false, 60).await;
    assert_eq!(server.message(&owner, &id).await["route"], before);
    server.delete("/v1/routes/slow", &owner).await.expect(204);
    server.get("/v1/routes/slow", &owner).await.missing();
    assert_eq!(server.message(&owner, &id).await["route"], before);
    let reply = server.post("/v1/messages", &owner, body).await;
    assert!(matches!(reply.status, 404 | 422), "{}", reply.text());
}

#[tokio::test]
async fn every_tenant_has_the_standard_route_from_birth() {
    let (server, owner, _) = desk().await;
    let route = server.get("/v1/routes/standard", &owner).await.expect(200).json();
    let steps: Vec<(&str, u64)> = route["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            (
                step["channel"].as_str().unwrap(),
                step["wait_seconds"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(steps, [("internet", 60), ("sms", 120), ("voice", 180)]);
    assert!(
        server
            .all(&owner, "/v1/routes")
            .await
            .iter()
            .any(|item| item["name"] == "standard")
    );
}
