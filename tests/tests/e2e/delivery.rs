//! The way of a message: internet, then SMS, then voice, through a provider that is a stand-in.
use data_encoding::BASE64;
use keepgate_tests::{AUTH_TOKEN, CALLBACK_BASE, Heard, Options, Server, StandIn, eventually, message};
use serde_json::{Value, json};

const PHONE: &str = "+15005550009";
const PAYLOAD: &str = "the sealed payload";

/// A service on `twilio`, its owner, and a recipient with a stream and a telephone.
async fn desk(twilio: &StandIn) -> (Server, String, String) {
    let server = Server::with(Options::twilio(twilio)).await;
    let owner = server.owner().await;
    let contacts = json!([
        {"channel": "internet", "address": server.me(&owner).await},
        {"channel": "sms", "address": PHONE},
        {"channel": "voice", "address": PHONE},
    ]);
    let to = server.recipient_with(&owner, contacts).await;
    (server, owner, to)
}

fn by(route: &str, to: &str) -> Value {
    let mut body = message(to, PAYLOAD);
    body["route"] = json!(route);
    body
}

fn states(message: &Value) -> Vec<(&str, &str)> {
    let attempts = message["attempts"].as_array().unwrap();
    attempts
        .iter()
        .map(|attempt| (attempt["channel"].as_str().unwrap(), attempt["state"].as_str().unwrap()))
        .collect()
}

/// The field of an SMS's status callback that says how far it is.
fn status(heard: &Heard, state: &'static str) -> Vec<(&'static str, String)> {
    let sid = format!("SM{:032x}", 1);
    let to = heard.form("To").unwrap();
    vec![
        ("MessageSid", sid),
        ("MessageStatus", state.to_owned()),
        ("To", to),
        ("AccountSid", format!("AC{}", "0".repeat(32))),
    ]
}

async fn report(server: &Server, heard: &Heard, fields: &[(&str, String)]) -> keepgate_tests::Reply {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    server.call_back(&heard.status_callback(), &fields).await
}

#[tokio::test]
async fn a_message_that_nobody_acknowledges_goes_from_internet_to_sms_to_voice_and_fails_visibly() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(&twilio).await;
    server
        .route(
            &owner,
            "quick",
            &[("internet", 1, 1), ("sms", 1, 1), ("voice", 1, 1)],
            true,
            60,
        )
        .await;
    let mut body = by("quick", &to);
    body["text"] = json!("Pump 4 is leaking & hot");
    let mut stream = server.stream(&owner, None).await;
    let id = server.accept(&server.key(), body).await;
    assert_eq!(stream.next().await.unwrap().message(), id);
    let heard = twilio.wait_for(2).await;
    assert!(
        heard[0].path.ends_with("/Messages.json") && heard[1].path.ends_with("/Calls.json"),
        "{heard:?}"
    );
    let account = format!("/2010-04-01/Accounts/AC{}/", "0".repeat(32));
    let login = format!(
        "Basic {}",
        BASE64.encode(format!("AC{}:{AUTH_TOKEN}", "0".repeat(32)).as_bytes())
    );
    for request in &heard {
        assert!(
            request.method == "POST" && request.path.starts_with(&account),
            "{}",
            request.path
        );
        assert_eq!(request.header("authorization"), Some(login.as_str()));
        assert_eq!(
            (request.form("To"), request.form("From")),
            (Some(PHONE.into()), Some("+15005550006".into()))
        );
    }
    assert!(heard[0].form("Body").unwrap().contains("Pump 4 is leaking & hot"));
    let ended = server.message_is(&owner, &id, "failed").await;
    let channels: Vec<&str> = states(&ended).iter().map(|(channel, _)| *channel).collect();
    assert_eq!(channels, ["internet", "sms", "voice"]);
    for (nth, attempt) in ended["attempts"].as_array().unwrap().iter().enumerate().skip(1) {
        assert_eq!(
            (&attempt["provider"], &attempt["step"]),
            (&json!("tw"), &json!(nth)),
            "{attempt}"
        );
        assert!(attempt["provider_ref"].is_string(), "{attempt}");
        let called = heard[nth - 1].status_callback();
        assert!(
            called.starts_with(CALLBACK_BASE) && called.contains(attempt["id"].as_str().unwrap()),
            "{called}"
        );
    }
    assert_eq!(twilio.heard().len(), 2, "one request for each attempt");
}

#[tokio::test]
async fn sms_and_voice_never_carry_the_payload() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(&twilio).await;
    server
        .route(&owner, "phone", &[("sms", 1, 1), ("voice", 1, 1)], true, 60)
        .await;
    let id = server.accept(&owner, by("phone", &to)).await;
    let heard = twilio.wait_for(2).await;
    for request in &heard {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        for secret in [PAYLOAD, "sealed", &BASE64.encode(PAYLOAD.as_bytes())] {
            assert!(!body.contains(secret), "{body}");
        }
    }
    assert!(
        !heard[0].form("Body").unwrap().is_empty(),
        "without a text it says that a message waits"
    );
    server.message_is(&owner, &id, "failed").await;
}

#[tokio::test]
async fn a_call_says_the_text_and_asks_for_one_digit() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(&twilio).await;
    server.route(&owner, "call", &[("voice", 30, 1)], true, 60).await;
    let mut body = by("call", &to);
    body["text"] = json!("Pump <4> & valve");
    server.accept(&owner, body).await;
    let heard = twilio.wait_for(1).await;
    let twiml = heard[0].form("Twiml").expect("the call brings its script");
    assert!(
        twiml.contains("<Gather") && twiml.contains("numDigits=\"1\""),
        "{twiml}"
    );
    assert!(
        twiml.contains("Pump &lt;4&gt; &amp; valve"),
        "the text is escaped: {twiml}"
    );
}

/// The address a call's digits go to.
fn digits_to(heard: &Heard) -> String {
    let twiml = heard.form("Twiml").unwrap();
    let (_, rest) = twiml.split_once("action=\"").unwrap();
    rest.split('"').next().unwrap().replace("&amp;", "&")
}

#[tokio::test]
async fn pressing_1_acknowledges_and_another_digit_does_not() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(&twilio).await;
    server.route(&owner, "call", &[("voice", 30, 1)], true, 60).await;
    let id = server.accept(&owner, by("call", &to)).await;
    let heard = twilio.wait_for(1).await;
    let action = digits_to(&heard[0]);
    let sid = format!("CA{:032x}", 1);
    let press = |digits: &'static str| {
        let (server, action, sid) = (&server, action.clone(), sid.clone());
        async move {
            server
                .call_back(&action, &[("CallSid", &sid), ("Digits", digits)])
                .await
        }
    };
    let reply = press("7").await.expect(200);
    assert!(
        reply.text().contains("<Response"),
        "a caller hears something: {}",
        reply.text()
    );
    assert_ne!(server.message(&owner, &id).await["status"], "acknowledged");
    press("1").await.expect(200);
    server.message_is(&owner, &id, "acknowledged").await;
    press("1").await.expect(200);
    let acks = server.entries(&owner, &format!("entity={id}&outcome=done"), 1).await;
    assert!(acks.len() < 10, "a repeated digit is no new operation of the message");
}

#[tokio::test]
async fn a_digit_without_a_signature_acknowledges_nothing() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(&twilio).await;
    server.route(&owner, "call", &[("voice", 30, 1)], true, 60).await;
    let id = server.accept(&owner, by("call", &to)).await;
    let action = digits_to(&twilio.wait_for(1).await[0]);
    let fields = [("CallSid", "CA1"), ("Digits", "1")];
    for signature in [None, Some(""), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA="), Some("nonsense")] {
        let reply = server.call_back_signed(&action, &fields, signature).await;
        assert_eq!(reply.status, 403, "{signature:?}: {}", reply.text());
    }
    assert_ne!(server.message(&owner, &id).await["status"], "acknowledged");
}

#[tokio::test]
async fn a_signed_report_settles_an_attempt_and_never_takes_it_back() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(&twilio).await;
    server.route(&owner, "text", &[("sms", 30, 1)], false, 60).await;
    let id = server.accept(&owner, by("text", &to)).await;
    let heard = twilio.wait_for(1).await;
    server
        .message_when(&owner, &id, |message| message["attempts"][0]["state"] == "accepted")
        .await;
    report(&server, &heard[0], &status(&heard[0], "sent")).await.expect(204);
    report(&server, &heard[0], &status(&heard[0], "delivered"))
        .await
        .expect(204);
    let message = server.message_is(&owner, &id, "delivered").await;
    assert_eq!(states(&message), [("sms", "delivered")]);
    for late in ["sent", "undelivered", "delivered", "queued"] {
        report(&server, &heard[0], &status(&heard[0], late)).await.expect(204);
    }
    let after = server.message(&owner, &id).await;
    assert_eq!(
        (&after["status"], states(&after)),
        (&json!("delivered"), vec![("sms", "delivered")])
    );
}

#[tokio::test]
async fn a_report_that_is_not_signed_is_refused_and_audited() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(&twilio).await;
    let admin = server.admin().await;
    server.route(&owner, "text", &[("sms", 30, 1)], false, 60).await;
    let id = server.accept(&owner, by("text", &to)).await;
    let heard = twilio.wait_for(1).await;
    let fields = [("MessageSid", "SM1"), ("MessageStatus", "delivered")];
    let reply = server
        .call_back_signed(&heard[0].status_callback(), &fields, None)
        .await;
    let request = reply.header("x-request-id").unwrap().to_owned();
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert_ne!(server.message(&owner, &id).await["status"], "delivered");
    let log = [server.whole_log(&owner).await, server.whole_log(&admin).await].concat();
    let entry = log
        .iter()
        .find(|entry| entry["request_id"] == *request)
        .expect("the refusal is logged");
    assert_eq!(
        (&entry["action"], &entry["outcome"]),
        (&json!("provider.callback"), &json!("refused"))
    );
}

#[tokio::test]
async fn a_signature_holds_for_its_own_address_and_fields_only() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(&twilio).await;
    server.route(&owner, "text", &[("sms", 30, 1)], false, 60).await;
    let (one, two) = (
        server.accept(&owner, by("text", &to)).await,
        server.accept(&owner, by("text", &to)).await,
    );
    let heard = twilio.wait_for(2).await;
    let sid = format!("SM{:032x}", 1);
    let fields = [("MessageSid", sid.as_str()), ("MessageStatus", "delivered")];
    let signed = format!("{}MessageSid{sid}MessageStatusdelivered", heard[0].status_callback());
    let signature = keepgate_tests::hmac_sha1(AUTH_TOKEN.as_bytes(), &signed);
    let other = server
        .call_back_signed(&heard[1].status_callback(), &fields, Some(&signature))
        .await;
    assert_eq!(other.status, 403, "another attempt: {}", other.text());
    let changed = [("MessageSid", sid.as_str()), ("MessageStatus", "failed")];
    let changed = server
        .call_back_signed(&heard[0].status_callback(), &changed, Some(&signature))
        .await;
    assert_eq!(changed.status, 403, "other fields: {}", changed.text());
    server
        .call_back_signed(&heard[0].status_callback(), &fields, Some(&signature))
        .await
        .expect(204);
    // A report that overtakes our own note of the attempt waits for it.
    let both = || async {
        let messages = [server.message(&owner, &one).await, server.message(&owner, &two).await];
        let ends = messages
            .iter()
            .filter(|message| message["status"] == "delivered")
            .count();
        (ends > 0).then_some(ends)
    };
    assert_eq!(eventually("one is delivered", both).await, 1);
}

#[tokio::test]
async fn an_undelivered_text_goes_on_to_the_next_step_at_once() {
    let twilio = StandIn::twilio().await;
    let (server, owner, to) = desk(&twilio).await;
    server
        .route(&owner, "phone", &[("sms", 50, 1), ("voice", 1, 1)], true, 60)
        .await;
    let id = server.accept(&owner, by("phone", &to)).await;
    let heard = twilio.wait_for(1).await;
    let mut fields = status(&heard[0], "undelivered");
    fields.push(("ErrorCode", "30005".to_owned()));
    report(&server, &heard[0], &fields).await.expect(204);
    twilio.wait_for(2).await;
    let message = server
        .message_when(&owner, &id, |message| {
            message["attempts"].as_array().unwrap().len() == 2
        })
        .await;
    assert_eq!(states(&message)[0], ("sms", "undelivered"));
    assert!(
        message["attempts"][0]["reason"].as_str().unwrap().contains("30005"),
        "{message}"
    );
}

#[tokio::test]
async fn an_unsigned_request_that_names_no_attempt_is_refused_and_audited_as_well() {
    let twilio = StandIn::twilio().await;
    let server = Server::with(Options::twilio(&twilio)).await;
    let admin = server.admin().await;
    let mut requests = Vec::new();
    for path in [
        "message",
        "message?attempt=nonsense",
        "message?attempt=att_00000000000000000000000000",
        "nosuch",
        "call?x=1",
    ] {
        let url = format!("{CALLBACK_BASE}/v1/hooks/twilio/{path}");
        let reply = server
            .call_back_signed(&url, &[("MessageStatus", "delivered")], None)
            .await;
        assert_eq!(reply.status, 403, "{path}: {}", reply.text());
        requests.push(reply.header("x-request-id").unwrap().to_owned());
    }
    let log = server.whole_log(&admin).await;
    for request in requests {
        let found: Vec<&Value> = log.iter().filter(|entry| entry["request_id"] == *request).collect();
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
