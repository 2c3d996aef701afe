//! The message stream: in order, resumable, at least once, one's own only.
use std::time::Duration;

use keepgate_tests::{Event, Server, message};
use serde_json::json;

/// A service, its owner, and a recipient whose stream is the owner's own.
async fn desk() -> (Server, String, String) {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    (server, owner, to)
}

async fn send(server: &Server, to: &str, count: usize) -> Vec<String> {
    let mut sent = Vec::new();
    for n in 0..count {
        sent.push(server.accept(&server.key(), message(to, &format!("message {n}"))).await);
    }
    sent
}

fn messages(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.message().to_owned()).collect()
}

#[tokio::test]
async fn messages_come_whole_and_in_the_order_of_their_acceptance() {
    let (server, owner, to) = desk().await;
    let mut stream = server.stream(&owner, None).await;
    let sent = send(&server, &to, 20).await;
    let events = stream.take(20).await;
    assert_eq!(messages(&events), sent);
    assert_eq!(events[0].data["payload"], data_encoding::BASE64.encode(b"message 0"));
    let ids: Vec<u64> = events.iter().map(|event| event.id.parse().unwrap()).collect();
    assert!(
        ids.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "numbered without gaps: {ids:?}"
    );
}

#[tokio::test]
async fn what_was_sent_while_nobody_listened_comes_when_somebody_does() {
    let (server, owner, to) = desk().await;
    let sent = send(&server, &to, 5).await;
    let mut stream = server.stream(&owner, None).await;
    assert_eq!(messages(&stream.take(5).await), sent);
}

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_without_loss_or_double() {
    let (server, owner, to) = desk().await;
    let mut stream = server.stream(&owner, None).await;
    let mut sent = send(&server, &to, 6).await;
    let first = stream.take(3).await;
    drop(stream);
    sent.extend(send(&server, &to, 4).await);
    let mut stream = server.stream(&owner, Some(&first[2].id)).await;
    let rest = stream.take(7).await;
    assert_eq!([messages(&first), messages(&rest)].concat(), sent);
}

#[tokio::test]
async fn a_stream_resumes_across_a_killed_service() {
    let (mut server, owner, to) = desk().await;
    let mut stream = server.stream(&owner, None).await;
    let sent = send(&server, &to, 6).await;
    let events = stream.take(6).await;
    server.kill().await;
    server.start_again().await;
    let mut stream = server.stream(&owner, Some(&events[1].id)).await;
    assert_eq!(messages(&stream.take(4).await), sent[2..]);
}

#[tokio::test]
async fn an_event_id_that_is_none_of_ours_is_refused() {
    let (server, owner, _) = desk().await;
    for odd in ["nonsense", "-1", "1.5"] {
        let headers = [("last-event-id", odd)];
        let reply = server
            .raw(
                reqwest::Method::GET,
                &server.url("/v1/stream"),
                Some(&owner),
                &headers,
                None,
            )
            .await;
        assert!(matches!(reply.status, 400 | 422), "{odd}: {}", reply.status);
    }
}

#[tokio::test]
async fn two_connections_of_one_principal_both_hear() {
    let (server, owner, to) = desk().await;
    let (mut one, mut two) = (server.stream(&owner, None).await, server.stream(&owner, None).await);
    let sent = send(&server, &to, 3).await;
    assert_eq!(messages(&one.take(3).await), sent);
    assert_eq!(messages(&two.take(3).await), sent);
}

#[tokio::test]
async fn nobody_hears_what_is_for_another() {
    let (server, owner, to) = desk().await;
    let ann = server.person(&owner, 4).await;
    let to_ann = server.recipient(&owner, "internet", &ann.id).await;
    let mut hers = server.stream(&ann.token, None).await;
    let mut ours = server.stream(&owner, None).await;
    let sent = send(&server, &to, 3).await;
    assert_eq!(messages(&ours.take(3).await), sent);
    // Hers comes last of all, so whatever else came to her would be before it.
    let last = send(&server, &to_ann, 1).await;
    assert_eq!(messages(&hers.take(1).await), last);
}

#[tokio::test]
async fn revoking_the_session_cuts_its_stream_within_a_second_or_two() {
    let (server, owner, _) = desk().await;
    let ann = server.person(&owner, 2).await;
    let mut stream = server.stream(&ann.token, None).await;
    server
        .delete(&format!("/v1/principals/{}/sessions", ann.id), &owner)
        .await
        .expect(204);
    let end = tokio::time::timeout(Duration::from_secs(3), stream.next()).await;
    assert!(end.expect("the stream ends").is_none());
}

#[tokio::test]
async fn revoking_a_key_cuts_its_stream() {
    let (server, owner, _) = desk().await;
    let (id, key) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let mut stream = server.stream(&key, None).await;
    server.delete(&format!("/v1/api-keys/{id}"), &owner).await.expect(204);
    let end = tokio::time::timeout(Duration::from_secs(3), stream.next()).await;
    assert!(end.expect("the stream ends").is_none());
}

#[tokio::test]
async fn after_a_revocation_nothing_more_is_handed_over() {
    let (server, owner, _) = desk().await;
    let ann = server.person(&owner, 2).await;
    let to_ann = server.recipient(&owner, "internet", &ann.id).await;
    let mut stream = server.stream(&ann.token, None).await;
    server
        .delete(&format!("/v1/principals/{}/sessions", ann.id), &owner)
        .await
        .expect(204);
    send(&server, &to_ann, 1).await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn an_acknowledged_message_goes_no_further() {
    let (server, owner, to) = desk().await;
    server
        .route(&owner, "quick", &[("internet", 1, 1), ("sms", 1, 1)], true, 60)
        .await;
    let mut body = message(&to, "x");
    body["route"] = json!("quick");
    let mut stream = server.stream(&owner, None).await;
    let (acked, left) = (
        server.accept(&owner, body.clone()).await,
        server.accept(&owner, body).await,
    );
    stream.take(2).await;
    server
        .press(&format!("/v1/messages/{acked}/ack"), &owner)
        .await
        .expect(200);
    // The other message shows that the time for the next step came.
    let went_on = server
        .message_when(&owner, &left, |message| {
            message["attempts"].as_array().unwrap().len() > 1
        })
        .await;
    assert_eq!(went_on["attempts"][1]["channel"], "sms");
    let message = server.message(&owner, &acked).await;
    assert_eq!(message["status"], "acknowledged");
    assert_eq!(message["attempts"].as_array().unwrap().len(), 1, "{message}");
}

#[tokio::test]
async fn opening_a_stream_is_audited_and_its_messages_are_marked_delivered() {
    let (server, owner, to) = desk().await;
    let mut stream = server.stream(&owner, None).await;
    let sent = send(&server, &to, 1).await;
    stream.take(1).await;
    let message = server
        .message_when(&owner, &sent[0], |message| {
            message["attempts"][0]["state"] == "delivered"
        })
        .await;
    assert_eq!(
        message["status"], "delivering",
        "it still waits for the acknowledgement"
    );
    let me = server.me(&owner).await;
    let opened = server
        .entries(&owner, &format!("actor={me}&action=stream.open"), 1)
        .await;
    assert_eq!(opened[0]["outcome"], "done");
}

#[tokio::test]
async fn a_stream_says_that_it_is_open_before_there_is_anything_to_hear() {
    let (server, owner, _) = desk().await;
    let mut response = server
        .client()
        .get(server.url("/v1/stream"))
        .bearer_auth(&owner)
        .send()
        .await
        .unwrap();
    let first = tokio::time::timeout(Duration::from_secs(5), response.chunk()).await;
    let first = first.expect("something comes at once").unwrap().unwrap();
    assert!(
        first.starts_with(b":"),
        "a comment, and no event: {}",
        String::from_utf8_lossy(&first)
    );
}
