//! Where instances can't hear of a revocation, they refuse what they can't check: never a 2xx with a revoked credential.
use std::time::{Duration, Instant};

use keepgate_tests::{BLIND, Fleet, Person, Wire, within};
use serde_json::json;

/// A fleet of three, its owner, and somebody with a token and an API key.
async fn fleet() -> (Fleet, String, Person, String) {
    let fleet = Fleet::start(3).await;
    let owner = fleet.first().owner().await;
    let ann = fleet.first().person(&owner, 2).await;
    let (_, key) = fleet.first().issue(&owner, json!({"name": "k", "level": 2})).await;
    for instance in &fleet.instances {
        // Warm caches are what a fault would be dangerous with.
        assert!(instance.server.admits(&ann.token).await && instance.server.admits(&key).await);
    }
    (fleet, owner, ann, key)
}

/// Asks every instance with each bearer for `long`; the worst that came back, and how often somebody answered.
async fn besiege(fleet: &Fleet, bearers: &[&str], long: Duration) -> Vec<u16> {
    let began = Instant::now();
    let mut answers = Vec::new();
    while began.elapsed() < long {
        for instance in &fleet.instances {
            for bearer in bearers {
                let server = &instance.server;
                let reply = server
                    .attempt(reqwest::Method::GET, &server.url("/v1/me"), Some(bearer), &[], None)
                    .await;
                answers.extend(reply.ok().map(|reply| reply.status));
            }
        }
    }
    answers
}

fn never_let_in(answers: &[u16]) {
    assert!(!answers.is_empty(), "somebody was asked");
    assert!(answers.iter().all(|status| matches!(status, 401 | 503)), "{answers:?}");
}

#[tokio::test]
async fn with_the_listeners_cut_the_poll_tells_and_the_door_refuses_meanwhile() {
    let (fleet, owner, ann, key) = fleet().await;
    assert!(fleet.cut_listeners().await >= 3, "each instance listens");
    let one = fleet.first();
    let (id, order) = (one.me(&ann.token).await, "/v1/revocations");
    one.post(order, &owner, json!({"kind": "principal", "id": id, "reason": "x"}))
        .await
        .expect(201);
    let service = one.me(&key).await;
    one.post(
        order,
        &owner,
        json!({"kind": "principal", "id": service, "reason": "x"}),
    )
    .await
    .expect(201);
    fleet.cut_listeners().await;
    never_let_in(&besiege(&fleet, &[&ann.token, &key], Duration::from_secs(2)).await);
    for instance in &fleet.instances {
        assert!(instance.server.admits(&owner).await, "everybody else goes on");
    }
}

#[tokio::test]
async fn with_a_frozen_database_nothing_is_believed_that_was_revoked_elsewhere() {
    let (fleet, owner, ann, key) = fleet().await;
    let mut stream = fleet.instances[1].server.stream(&ann.token, None).await;
    for instance in &fleet.instances[1..] {
        instance.wire(Wire::Frozen);
    }
    let one = fleet.first();
    for who in [one.me(&ann.token).await, one.me(&key).await] {
        let order = json!({"kind": "principal", "id": who, "reason": "x"});
        one.post("/v1/revocations", &owner, order).await.expect(201);
    }
    // From the first moment, while the views of the others still count as fresh, to long after they do not.
    never_let_in(&besiege(&fleet, &[&ann.token, &key], Duration::from_secs(6)).await);
    // The database does not even refuse: the stream is cut while it waits for an answer.
    let ended = tokio::time::timeout(BLIND, stream.next()).await;
    assert_eq!(ended.expect("cut in time"), None, "the stream was cut");
    for instance in &fleet.instances[1..] {
        let ready = instance.server.open("/readyz").await;
        assert_eq!(ready.status, 503, "{}", ready.text());
        assert!(ready.text().contains("revocations"), "{}", ready.text());
        instance.wire(Wire::Open);
    }
    within(Duration::from_secs(30), "recovery", || async {
        fleet.is_ready().await.then_some(())
    })
    .await;
    never_let_in(&besiege(&fleet, &[&ann.token, &key], Duration::from_millis(300)).await);
    for instance in &fleet.instances {
        assert!(instance.server.admits(&owner).await, "everybody else goes on");
    }
}

#[tokio::test]
async fn with_the_wire_cut_streams_end_and_nothing_is_believed() {
    let (fleet, owner, ann, key) = fleet().await;
    let mut streams = Vec::new();
    for instance in &fleet.instances[1..] {
        streams.push(instance.server.stream(&ann.token, None).await);
        streams.push(instance.server.stream(&owner, None).await);
        instance.wire(Wire::Cut);
    }
    let one = fleet.first();
    for who in [one.me(&ann.token).await, one.me(&key).await] {
        let order = json!({"kind": "principal", "id": who, "reason": "x"});
        one.post("/v1/revocations", &owner, order).await.expect(201);
    }
    for mut stream in streams {
        let ended = tokio::time::timeout(BLIND, stream.next()).await;
        assert_eq!(
            ended.expect("cut in time"),
            None,
            "who can't be checked gets nothing more"
        );
    }
    never_let_in(&besiege(&fleet, &[&ann.token, &key], Duration::from_secs(2)).await);
    for instance in &fleet.instances[1..] {
        instance.wire(Wire::Open);
    }
    within(Duration::from_secs(30), "recovery", || async {
        fleet.is_ready().await.then_some(())
    })
    .await;
    never_let_in(&besiege(&fleet, &[&ann.token, &key], Duration::from_millis(300)).await);
}

#[tokio::test]
async fn with_the_database_stopped_nobody_is_let_in() {
    let (mut fleet, owner, ann, key) = fleet().await;
    let one = fleet.first();
    one.press("/v1/auth/logout", &ann.token).await.expect(204);
    let service = one.me(&key).await;
    let order = json!({"kind": "principal", "id": service, "reason": "x"});
    one.post("/v1/revocations", &owner, order).await.expect(201);
    fleet.stop_database().await;
    never_let_in(&besiege(&fleet, &[&ann.token, &key, &owner], Duration::from_secs(5)).await);
}
