//! Devices: from the code to the stream, and out.
use keepgate_tests::{Gadget, Reply, Server, email};
use serde_json::{Value, json};

fn slug(reply: &Reply) -> String {
    let body = reply.json();
    body["type"]
        .as_str()
        .unwrap_or_default()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned()
}

async fn supervisor(server: &Server, owner: &str, unit: &str) -> String {
    let body = json!({"email": email(), "level": 3, "unit": unit});
    let made = server.post("/v1/users", owner, body).await.expect(201).json();
    server.enrol(made["enrolment"]["code"].as_str().unwrap()).await
}

#[tokio::test]
async fn a_supervisor_s_device_enrols_logs_in_and_receives() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let lead = server.person(&owner, 3).await;
    let body = json!({"name": "scanner 7", "owner": lead.id});
    let gadget = server.gadget(&lead.token, body, 1).await;
    let token = server.sign_in(&gadget).await.expect(200).json();
    assert_eq!(
        (&token["token_type"], &token["expires_in"]),
        (&json!("Bearer"), &json!(28800))
    );
    let token = token["access_token"].as_str().unwrap().to_owned();
    let me = server.get("/v1/me", &token).await.expect(200).json();
    assert_eq!(
        (&me["principal"]["id"], &me["principal"]["type"], &me["level"]),
        (&json!(gadget.id), &json!("device"), &json!(1))
    );
    let recipient = server.recipient(&owner, "internet", &gadget.id).await;
    let mut stream = server.stream(&token, None).await;
    let sent = server
        .accept(&owner, keepgate_tests::message(&recipient, "hello"))
        .await;
    let event = stream.next().await.expect("an event");
    assert!(event.data.to_string().contains(&sent), "{event:?}");
    // Its own things and nothing else.
    let seen = server
        .get(&format!("/v1/devices/{}", gadget.id), &token)
        .await
        .expect(200)
        .json();
    assert_eq!((&seen["name"], &seen["owner"]), (&json!("scanner 7"), &json!(lead.id)));
    assert!(seen["enrolled_at"].is_string() && !seen.to_string().contains(&gadget.public_key()));
    for reply in [
        server.post("/v1/devices", &token, json!({"name": "another"})).await,
        server
            .patch(&format!("/v1/devices/{}", gadget.id), &token, json!({"name": "x"}))
            .await,
        server.get("/v1/users", &token).await,
    ] {
        assert_eq!((reply.status, slug(&reply).as_str()), (403, "level-too-low"));
    }
    let log = server.whole_log(&owner).await;
    for (action, actor) in [
        ("device.create", &lead.id),
        ("device.join", &gadget.id),
        ("auth.device", &gadget.id),
    ] {
        let told =
            |entry: &&Value| entry["action"] == action && entry["actor"]["id"] == *actor && entry["outcome"] == "done";
        assert!(log.iter().any(|entry| told(&entry)), "{action}");
    }
    assert!(!serde_json::to_string(&log).unwrap().contains(&gadget.public_key()));
}

#[tokio::test]
async fn a_code_and_a_challenge_are_good_once_and_unknown_devices_look_alike() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let made = server
        .post("/v1/devices", &owner, json!({"name": "a"}))
        .await
        .expect(201)
        .json();
    let (id, code) = (
        made["id"].as_str().unwrap(),
        made["enrolment"]["code"].as_str().unwrap(),
    );
    let gadget = Gadget::new(id, 1);
    let stolen = json!({"code": code, "public_key": gadget.public_key(), "signature": Gadget::new(id, 2).sign("x")});
    let refused = server.knock("/v1/devices/enrol", &stolen).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/signature");
    let as_a_person = server.try_code(code).await.expect(401);
    assert_eq!(slug(&as_a_person), "invalid-enrolment-code");
    // The signature may be left out: the key proves itself at the first log-in.
    let plain = json!({"code": code, "public_key": gadget.public_key()});
    let joined = server.knock("/v1/devices/enrol", &plain).await.expect(200).json();
    assert_eq!(joined["device"], id);
    let again = server.knock("/v1/devices/enrol", &plain).await.expect(401);
    assert_eq!(slug(&again), "invalid-enrolment-code");

    let challenge = server.challenge(id).await;
    let body = gadget.answer(&challenge);
    server.knock("/v1/auth/device", &body).await.expect(200);
    let replayed = server.knock("/v1/auth/device", &body).await.expect(401);
    let nobody = Gadget::new("dev_00000000000000000000000000", 3);
    let unknown = server.sign_in(&nobody).await.expect(401);
    let forged = Gadget::new(id, 2);
    let wrong = server.sign_in(&forged).await.expect(401);
    let told = |reply: &Reply| {
        let mut body = reply.json();
        body["request_id"] = Value::Null;
        body.to_string()
    };
    assert!(told(&replayed).contains("invalid-credentials"));
    assert_eq!(told(&replayed), told(&unknown));
    assert_eq!(told(&replayed), told(&wrong));
    assert_eq!(challenge.len(), server.challenge(&nobody.id).await.len());
}

#[tokio::test]
async fn disabled_moved_and_deleted_devices() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let yard = server
        .post("/v1/units", &owner, json!({"name": "yard"}))
        .await
        .expect(201)
        .field("id");
    let (here, there) = (
        server.person(&owner, 3).await.token,
        supervisor(&server, &owner, &yard).await,
    );
    let gadget = server.gadget(&here, json!({"name": "a"}), 1).await;
    let path = format!("/v1/devices/{}", gadget.id);
    let token = server.sign_in(&gadget).await.expect(200).field("access_token");
    assert!(server.admits(&token).await);
    for reply in [
        server.get(&path, &there).await,
        server.patch(&path, &there, json!({"status": "disabled"})).await,
        server.press(&format!("{path}/enrol"), &there).await,
        server.delete(&path, &there).await,
    ] {
        assert_eq!((reply.status, slug(&reply).as_str()), (404, "device-not-found"));
    }
    let moved = server.patch(&path, &here, json!({"unit": yard})).await.expect(422);
    assert_eq!(slug(&moved), "unit-not-found");
    server.patch(&path, &owner, json!({"unit": yard})).await.expect(200);
    assert_eq!(server.get(&path, &here).await.status, 404);
    server
        .patch(&path, &there, json!({"status": "disabled"}))
        .await
        .expect(200);
    assert!(!server.admits(&token).await, "its session fell");
    server.sign_in(&gadget).await.expect(401);
    server
        .patch(&path, &there, json!({"status": "active"}))
        .await
        .expect(200);
    let token = server.sign_in(&gadget).await.expect(200).field("access_token");
    server.delete(&path, &there).await.expect(204);
    assert!(!server.admits(&token).await);
    server.sign_in(&gadget).await.expect(401);
    assert_eq!(server.get(&path, &owner).await.status, 404);
    assert!(server.all(&owner, "/v1/devices").await.is_empty());
}
