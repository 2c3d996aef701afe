//! Providers that refuse, throttle, break off or are not there: nothing is sent twice, nothing stops silently.
use std::time::Duration;

use keepgate_tests::{Answer, Options, Server, StandIn, message, within};
use serde_json::{Value, json};

const PHONE: &str = "+15005550009";

/// A service on `twilio`, its owner, and a recipient with a telephone.
async fn desk(twilio: &StandIn) -> (Server, String, String) {
    let server = Server::with(Options::twilio(twilio)).await;
    let owner = server.owner().await;
    let contacts = json!([{"channel": "sms", "address": PHONE}, {"channel": "voice", "address": PHONE}]);
    let to = server.recipient_with(&owner, contacts).await;
    (server, owner, to)
}

fn by(route: &str, to: &str) -> Value {
    let mut body = message(to, "x");
    body["route"] = json!(route);
    body
}

fn journey(message: &Value) -> Vec<(&str, &str, &str)> {
    let text = |value: &'_ Value| -> &'static str {
        match value.as_str() {
            Some(text) => text.to_owned().leak(),
            None => "",
        }
    };
    let attempts = message["attempts"].as_array().unwrap();
    attempts
        .iter()
        .map(|a| (text(&a["channel"]), text(&a["state"]), text(&a["reason"])))
        .collect()
}

#[tokio::test]
async fn steps_without_contact_or_provider_are_skipped_at_once_with_their_reason() {
    let server = Server::start().await;
    let owner = server.owner().await;
    server
        .route(
            &owner,
            "all",
            &[("internet", 60, 1), ("sms", 60, 1), ("voice", 60, 1)],
            true,
            600,
        )
        .await;
    let to = server.recipient(&owner, "sms", PHONE).await;
    let id = server.accept(&owner, by("all", &to)).await;
    // No step waits its minute: the message has failed within the time a test waits.
    let message = server.message_is(&owner, &id, "failed").await;
    assert_eq!(
        journey(&message),
        [
            ("internet", "refused", "no-contact"),
            ("sms", "refused", "no-provider"),
            ("voice", "refused", "no-contact")
        ]
    );
}

#[tokio::test]
async fn a_throttled_request_is_tried_again_on_the_same_step() {
    let twilio = StandIn::twilio_but(|_, n| (n == 1).then(|| Some(Answer::twilio_error(429, 20429)))).await;
    let (server, owner, to) = desk(&twilio).await;
    server.route(&owner, "text", &[("sms", 30, 2)], true, 60).await;
    let id = server.accept(&owner, by("text", &to)).await;
    twilio.wait_for(2).await;
    let message = server
        .message_when(&owner, &id, |message| message["attempts"][1]["state"] == "accepted")
        .await;
    let journey = journey(&message);
    assert_eq!((journey[0].0, journey[0].1, journey[1].0), ("sms", "refused", "sms"));
    assert!(
        journey[0].2.contains("20429") || journey[0].2.contains("429"),
        "{journey:?}"
    );
    assert_ne!(
        message["attempts"][0]["id"], message["attempts"][1]["id"],
        "a new try has a new key"
    );
}

#[tokio::test]
async fn an_opted_out_number_is_refused_and_the_next_step_begins_at_once() {
    let twilio = StandIn::twilio_but(|heard, _| {
        heard
            .path
            .contains("/Messages")
            .then(|| Some(Answer::twilio_error(400, 21610)))
    })
    .await;
    let (server, owner, to) = desk(&twilio).await;
    server
        .route(&owner, "phone", &[("sms", 300, 3), ("voice", 30, 1)], true, 600)
        .await;
    let id = server.accept(&owner, by("phone", &to)).await;
    let heard = twilio.wait_for(2).await;
    assert!(heard[1].path.contains("/Calls"), "not asked again: {heard:?}");
    let message = server
        .message_when(&owner, &id, |message| message["attempts"][1]["state"] == "accepted")
        .await;
    let journey = journey(&message);
    assert_eq!((journey[0].0, journey[0].1, journey[1].0), ("sms", "refused", "voice"));
    assert!(journey[0].2.contains("21610"), "{journey:?}");
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_is_unknown_and_never_sent_again() {
    let twilio = StandIn::twilio_but(|heard, _| heard.path.contains("/Messages").then_some(None)).await;
    let (server, owner, to) = desk(&twilio).await;
    server
        .route(&owner, "phone", &[("sms", 8, 3), ("voice", 1, 1)], true, 60)
        .await;
    let id = server.accept(&owner, by("phone", &to)).await;
    server
        .message_when(&owner, &id, |message| message["attempts"][0]["state"] == "unknown")
        .await;
    // The step's time runs out, longer than any pause before a second try would last; then the call comes.
    let message = server.message_is(&owner, &id, "failed").await;
    let texts = twilio
        .heard()
        .iter()
        .filter(|heard| heard.path.contains("/Messages"))
        .count();
    assert_eq!(texts, 1, "the recipient may have got it: {:?}", journey(&message));
    assert_eq!(journey(&message)[0].1, "unknown");
}

#[tokio::test]
async fn a_provider_s_own_error_is_unknown_as_well() {
    let twilio = StandIn::twilio_but(|_, n| (n == 1).then(|| Some(Answer::twilio_error(500, 20500)))).await;
    let (server, owner, to) = desk(&twilio).await;
    server.route(&owner, "text", &[("sms", 7, 3)], true, 60).await;
    let id = server.accept(&owner, by("text", &to)).await;
    let message = server.message_is(&owner, &id, "failed").await;
    assert_eq!((twilio.heard().len(), journey(&message)[0].1), (1, "unknown"));
}

#[tokio::test]
async fn a_report_settles_an_attempt_whose_answer_was_lost() {
    let twilio = StandIn::twilio_but(|_, _| Some(None)).await;
    let (server, owner, to) = desk(&twilio).await;
    server.route(&owner, "text", &[("sms", 30, 1)], false, 60).await;
    let id = server.accept(&owner, by("text", &to)).await;
    let heard = twilio.wait_for(1).await;
    server
        .message_when(&owner, &id, |message| message["attempts"][0]["state"] == "unknown")
        .await;
    let fields = [("MessageSid", "SM1"), ("MessageStatus", "delivered")];
    server.call_back(&heard[0].status_callback(), &fields).await.expect(204);
    let message = server.message_is(&owner, &id, "delivered").await;
    assert_eq!(journey(&message)[0].1, "delivered");
}

#[tokio::test]
async fn wrong_account_credentials_end_the_step_and_not_the_message() {
    let twilio = StandIn::twilio_but(|heard, _| {
        heard
            .path
            .contains("/Messages")
            .then(|| Some(Answer::twilio_error(401, 20003)))
    })
    .await;
    let (server, owner, to) = desk(&twilio).await;
    server
        .route(&owner, "phone", &[("sms", 300, 3), ("voice", 30, 1)], true, 600)
        .await;
    let id = server.accept(&owner, by("phone", &to)).await;
    let message = server
        .message_when(&owner, &id, |message| message["attempts"][1]["channel"] == "voice")
        .await;
    assert_eq!(journey(&message)[0].1, "refused");
    assert!(
        !server.log().contains(keepgate_tests::AUTH_TOKEN),
        "the token stands in the log"
    );
}

#[tokio::test]
async fn a_provider_that_is_down_does_not_hold_up_the_stream() {
    let twilio = StandIn::twilio_but(|_, _| Some(None)).await;
    let (server, owner, to) = desk(&twilio).await;
    server.route(&owner, "text", &[("sms", 30, 1)], true, 60).await;
    for _ in 0..8 {
        server.accept(&owner, by("text", &to)).await;
    }
    let mine = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let mut stream = server.stream(&owner, None).await;
    let id = server.accept(&owner, message(&mine, "x")).await;
    assert_eq!(stream.next().await.unwrap().message(), id);
}

#[tokio::test]
async fn a_killed_service_never_asks_a_provider_twice_for_one_attempt() {
    let twilio = StandIn::twilio().await;
    let (mut server, owner, to) = desk(&twilio).await;
    server.route(&owner, "text", &[("sms", 2, 1)], true, 300).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(server.accept(&owner, by("text", &to)).await);
    }
    twilio.wait_for(3).await;
    server.kill().await;
    server.start_again().await;
    // What was in hand is taken up again when its lease of a minute is over.
    within(Duration::from_secs(100), "the end of every message", || async {
        let failed = server.all(&owner, "/v1/messages?status=failed").await;
        (failed.len() == ids.len()).then_some(())
    })
    .await;
    let mut callbacks: Vec<String> = twilio
        .heard()
        .iter()
        .map(keepgate_tests::Heard::status_callback)
        .collect();
    let asked = callbacks.len();
    callbacks.sort();
    callbacks.dedup();
    assert_eq!(callbacks.len(), asked, "an attempt was sent twice");
    assert!(asked <= ids.len());
}
