//! Canaries: known plaintexts go the whole real way, and are then looked for where they must not lie: tables, write-ahead log, a dump,
//! the service's log with every line switched on, metrics, exports, and the memory of the process. Beside each place lies something
//! that is meant to be there, and is found by the same search.
use std::{os::unix::fs::PermissionsExt, path::Path};

use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER};
use keepgate_kernel::{AuditId, Clock, SystemClock};
use keepgate_tests::{Answer, Options, Reply, Server, StandIn, eventually, message};
use reqwest::Method;
use serde_json::{Value, json};

use crate::key_memory::{alone, core_dump, holding, settled};

/// Where a caller comes from.
const ADDRESS: &str = "2001:db8:cafe:77::dead";

/// A plaintext nobody else has, and what it is.
struct Canary {
    what: &'static str,
    forms: Vec<String>,
}

impl Canary {
    /// As it is, in hexadecimal and in base64.
    fn new(what: &'static str, bytes: &[u8]) -> Self {
        let mut forms = vec![
            HEXLOWER.encode(bytes),
            BASE64.encode(bytes),
            BASE64URL_NOPAD.encode(bytes),
        ];
        forms.extend(String::from_utf8(bytes.to_vec()));
        forms.dedup();
        Self { what, forms }
    }

    /// Where it lies in or below `place`.
    fn lies(&self, place: &Path) -> Vec<String> {
        self.forms.iter().flat_map(|form| holding(place, form)).collect()
    }
}

fn text(what: &str) -> String {
    format!(
        "canary of the {what} {}",
        AuditId::new(SystemClock.now()).uuid().simple()
    )
}

/// One call on a connection of its own: what it carried leaves the service's memory with it.
async fn told(server: &Server, method: Method, path: &str, bearer: &str, body: &Value) -> Value {
    let (status, body) = alone(server, method, path, bearer, Some(body)).await;
    assert!((200..300).contains(&status), "{path}: {body}");
    serde_json::from_str(&body).unwrap_or(Value::Null)
}

/// Sends every canary on its way; a message that a provider refused with a canary of its own is over by then.
async fn flown(server: &Server, owner: &str, refusal: String) -> Vec<Canary> {
    let [payload, said, note, token] = ["payload", "text", "note", "token"].map(text);
    let to = server.recipient(owner, "sms", "+15005550123").await;
    server.route(owner, "quick", &[("sms", 1, 1)], false, 60).await;
    let mut body = message(&to, &payload);
    (body["text"], body["route"]) = (json!(said), json!("quick"));
    let sent = told(server, Method::POST, "/v1/messages", owner, &body).await;
    server.message_is(owner, sent["id"].as_str().unwrap(), "failed").await;

    let me = server.get("/v1/me", owner).await.expect(200).json();
    let waits = server
        .recipient(owner, "internet", me["principal"]["id"].as_str().unwrap())
        .await;
    let kept = told(server, Method::POST, "/v1/messages", owner, &message(&waits, &payload)).await;
    let ack = format!("/v1/messages/{}/ack", kept["id"].as_str().unwrap());
    told(server, Method::POST, &ack, owner, &json!({"note": note})).await;

    let hook = json!({"url": "https://desk.example/hook", "events": ["message.failed"]});
    let hook = told(server, Method::POST, "/v1/webhooks", owner, &hook).await;
    let secret = hook["secret"].as_str().unwrap().rsplit('_').next().unwrap().to_owned();
    let sink = json!({"name": "s", "target":
        {"kind": "https", "url": "https://siem.example/in", "auth": {"scheme": "bearer", "token": token.replace(' ', "-")}}});
    let (status, answer) = alone(server, Method::POST, "/v1/sinks", owner, Some(&sink)).await;
    assert_eq!(status, 201, "{answer}");
    let app = told(server, Method::POST, "/v1/me/mfa/totp", owner, &json!({})).await;
    let seed = app["secret"].as_str().unwrap().to_owned();
    let from = [("x-forwarded-for", ADDRESS)];
    let seen: Reply = server
        .raw(Method::GET, &server.url("/v1/audit?limit=1"), Some(owner), &from, None)
        .await;
    seen.expect(200);
    let mut seeds = Canary::new("seed", &BASE32_NOPAD.decode(seed.as_bytes()).unwrap());
    seeds.forms.push(seed);
    vec![
        Canary::new("payload", payload.as_bytes()),
        Canary::new("text", said.as_bytes()),
        Canary::new("note", note.as_bytes()),
        Canary::new("token", token.replace(' ', "-").as_bytes()),
        Canary::new("webhook's secret", secret.as_bytes()),
        Canary::new("provider's words", refusal.as_bytes()),
        Canary::new("address", ADDRESS.as_bytes()),
        seeds,
    ]
}

/// What the service tells anybody in files: a dump, metrics, every export. `exports` lies apart: addresses may stand there.
async fn written_down(server: &Server, owner: &str, places: &Path, exports: &Path) {
    std::fs::set_permissions(places, std::fs::Permissions::from_mode(0o777)).unwrap();
    server.superuser("checkpoint").await;
    server.pg_dump("", &places.join("dump.sql")).await;
    let metrics = server
        .raw(Method::GET, &server.admin_url("/metrics"), None, &[], None)
        .await;
    std::fs::write(places.join("metrics"), metrics.expect(200).text()).unwrap();
    for format in ["jsonl", "csv", "ocsf", "bundle"] {
        let export = server
            .get(&format!("/v1/audit/export?format={format}"), owner)
            .await
            .expect(200);
        std::fs::write(exports.join(format), export.body).unwrap();
    }
}

#[tokio::test]
async fn a_known_plaintext_lies_nowhere_after_its_way() {
    let refusal = text("refusal");
    let words = json!({"code": 21_211, "message": refusal, "more_info": refusal, "status": 400}).to_string();
    let twilio = StandIn::twilio_but(move |_, _| Some(Some(Answer::new(400, words.clone())))).await;
    let mut options = Options::twilio(&twilio);
    options.config = format!(
        "[limits]\ntrusted_proxies = 1\n[log]\nlevel = \"trace\"\nformat = \"json\"\n{}",
        options.config
    );
    let server = Server::with(options).await;
    let owner = server.owner().await;
    let plain = text("control").replace(' ', "-");
    let named = json!({"name": plain, "contacts": [{"channel": "sms", "address": "+15005550199"}]});
    server.post("/v1/recipients", &owner, named).await.expect(201);

    let canaries = flown(&server, &owner, refusal).await;
    drop(twilio);
    settled(&server, &owner).await;
    let (places, exports) = (server.dir.path().join("places"), server.dir.path().join("exports"));
    for folder in [&places, &exports] {
        std::fs::create_dir(folder).unwrap();
    }
    written_down(&server, &owner, &places, &exports).await;

    let found = holding(server.dir.path(), &plain);
    for place in ["/data/pgdata/base/", "/data/pgdata/pg_wal/", "/places/dump.sql"] {
        assert!(
            found.iter().any(|file| file.contains(place)),
            "the search finds nothing in {place}: {found:?}"
        );
    }
    assert_eq!(holding(&exports, "recipient.create").len(), 4);
    assert_eq!(holding(&places.join("metrics"), "keepgate_").len(), 1);
    assert_eq!(
        holding(&server.dir.path().join("log"), "DEBUG").len(),
        1,
        "every line is logged"
    );

    for canary in &canaries {
        let mut lies = canary.lies(server.dir.path());
        if canary.what == "address" {
            lies.retain(|file| !file.contains("/exports/"));
        }
        assert_eq!(lies, [""; 0], "the {}", canary.what);
    }
    let Some(dump) = eventually("the memory", || async { Some(core_dump(&server)) }).await else {
        return;
    };
    assert_eq!(holding(&dump, "keepgate").len(), 1, "the search finds what is there");
    for canary in canaries.iter().filter(|canary| canary.what != "address") {
        assert_eq!(canary.lies(&dump), [""; 0], "the {} in memory", canary.what);
    }
}
