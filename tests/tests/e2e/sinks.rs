//! Sinks: the log goes on to other systems, whole, in order, and nowhere it may not.
use keepgate_tests::{
    Answer, Options, Server, StandIn, eventually, hmac_sha256, indices, lines, receiver_check, signed_by,
};
use serde_json::{Value, json};

pub const LOOPBACK: &str = "[sinks]\nallow_loopback = true\n";

/// A bearer target at `/in` of `siem`.
pub fn bearer(siem: &StandIn) -> Value {
    json!({"kind": "https", "url": format!("{}/in", siem.url), "auth": {"scheme": "bearer", "token": "hush-hush"}})
}

pub async fn add(server: &Server, owner: &str, sink: Value) -> Value {
    server.post("/v1/sinks", owner, sink).await.expect(201).json()
}

pub fn path(sink: &Value) -> String {
    format!("/v1/sinks/{}", sink["id"].as_str().unwrap())
}

/// Waits until the sink looks as wanted.
pub async fn when(server: &Server, owner: &str, sink: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually("the sink fares so", || async {
        let shown = server.get(&path(sink), owner).await.expect(200).json();
        wanted(&shown).then_some(shown)
    })
    .await
}

/// Waits until the receiver has every entry below `until`; the lines it got.
pub async fn all_below(siem: &StandIn, until: u64) -> Vec<String> {
    keepgate_tests::within(std::time::Duration::from_secs(90), "the whole log", || async {
        let lines = lines(&siem.heard(), "/in");
        indices(&lines).contains(&(until - 1)).then_some(lines)
    })
    .await
}

pub async fn metrics(server: &Server) -> String {
    let url = server.admin_url("/metrics");
    server
        .raw(reqwest::Method::GET, &url, None, &[], None)
        .await
        .expect(200)
        .text()
}

/// How many entries are signed by now.
pub async fn size(server: &Server, owner: &str) -> u64 {
    server.whole_log(owner).await.len().try_into().unwrap()
}

async fn checkpoint(server: &Server, owner: &str) -> String {
    server.get("/v1/audit/log/checkpoint", owner).await.expect(200).text()
}

#[tokio::test]
async fn a_receiver_gets_the_whole_log_in_order_and_can_prove_it() {
    let siem = StandIn::start(|_| Some(Answer::new(200, ""))).await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    let until = size(&server, &owner).await;
    let sink = add(
        &server,
        &owner,
        json!({"name": "siem", "from_index": 0, "batch_size": 7, "target": bearer(&siem)}),
    )
    .await;
    all_below(&siem, until).await;
    for heard in siem.heard() {
        assert_eq!(heard.header("authorization"), Some("Bearer hush-hush"));
        assert_eq!(heard.header("content-type"), Some("application/jsonl"));
    }
    let note = checkpoint(&server, &owner).await;
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    let got = all_below(&siem, size).await;
    let numbers = indices(&got);
    assert_eq!(
        numbers,
        (0..numbers.len() as u64).collect::<Vec<_>>(),
        "each once, in order"
    );
    let (whole, said) = receiver_check(&got, Some(&note)).await;
    assert!(whole, "{said}");
    let shown = when(&server, &owner, &sink, |sink| sink["next_index"].as_u64() >= Some(size)).await;
    assert_eq!(
        (shown["state"].as_str(), shown["failures"].as_u64()),
        (Some("active"), Some(0))
    );
    assert!(shown["delivered_at"].is_string());
    // The address of the caller is committed to, and does not leave.
    assert!(got.iter().all(|line| !line.contains("127.0.0.1")), "openings stay here");
}

#[tokio::test]
async fn the_receiver_s_own_check_finds_gaps_edits_repetitions_and_another_order() {
    let siem = StandIn::start(|_| Some(Answer::new(200, ""))).await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    add(
        &server,
        &owner,
        json!({"name": "siem", "from_index": 0, "target": bearer(&siem)}),
    )
    .await;
    let note = checkpoint(&server, &owner).await;
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    let got = all_below(&siem, size).await;
    assert!(receiver_check(&got, Some(&note)).await.0);
    let twice = [got.as_slice(), &got[1..2]].concat();
    assert!(receiver_check(&twice, Some(&note)).await.0, "a repetition is harmless");
    let changed = |from: &str, to: &str| {
        let mut lines = got.clone();
        lines[1] = lines[1].replacen(from, to, 1);
        assert_ne!(lines[1], got[1], "{from}");
        lines
    };
    let mut swapped = got.clone();
    swapped.swap(1, 2);
    let mut short = got.clone();
    short.remove(1);
    let hash = serde_json::from_str::<Value>(&got[1]).unwrap()["leaf_hash"]
        .as_str()
        .unwrap()
        .to_owned();
    for (stream, wanted) in [
        (changed("\"outcome\":\"", "\"outcome\":\"un"), "entry 1 was changed"),
        (changed(&hash, &"0".repeat(64)), "entry 1 was changed"),
        (changed("\"origin\":\"", "\"origin\":\"x"), "another log"),
        (swapped, "entry 1 was expected, 2 came"),
        (short, "entry 1 was expected, 2 came"),
    ] {
        let (whole, said) = receiver_check(&stream, Some(&note)).await;
        assert!(!whole && said.contains(wanted), "{said}");
    }
    let forged = note.replacen(note.lines().nth(2).unwrap(), &"A".repeat(43), 1);
    let forged = forged.replacen(&"A".repeat(43), &format!("{}=", "A".repeat(43)), 1);
    let (whole, said) = receiver_check(&got, Some(&forged)).await;
    assert!(!whole && said.contains("not the one that was signed"), "{said}");
}

#[tokio::test]
async fn splunk_gets_its_envelope_and_a_signed_batch_its_signature() {
    let siem = StandIn::start(|_| Some(Answer::new(200, "{\"text\":\"Success\",\"code\":0}"))).await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    let url = |path: &str| format!("{}{path}", siem.url);
    let splunk =
        json!({"kind": "https", "url": url("/services/collector/event"), "auth": {"scheme": "splunk", "token": "t-1"}});
    add(
        &server,
        &owner,
        json!({"name": "splunk", "format": "ocsf", "from_index": 0, "target": splunk}),
    )
    .await;
    let signed = json!({"kind": "https", "url": url("/signed"), "auth": {"scheme": "signature"}});
    let sink = add(
        &server,
        &owner,
        json!({"name": "signed", "from_index": 0, "target": signed}),
    )
    .await;
    let secret = sink["signing_secret"].as_str().unwrap().to_owned();
    let heard = |path: &'static str| {
        let siem = &siem;
        eventually("a batch", move || async move {
            siem.heard().into_iter().find(|heard| heard.path == path)
        })
    };
    let batch = heard("/services/collector/event").await;
    assert_eq!(batch.header("authorization"), Some("Splunk t-1"));
    let first: Value = serde_json::from_slice(batch.body.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(
        (
            first["sourcetype"].as_str(),
            first["event"]["metadata"]["sequence"].as_u64()
        ),
        (Some("keepgate:audit"), Some(0))
    );
    assert_eq!(first["source"], first["event"]["metadata"]["log_name"]);
    assert_eq!(first["event"]["unmapped"]["leaf_hash"].as_str().map(str::len), Some(64));
    assert!(first["time"].as_f64() > Some(1.7e9));
    let batch = heard("/signed").await;
    let key = data_encoding::BASE64
        .decode(secret.strip_prefix("whsec_").unwrap().as_bytes())
        .unwrap();
    let (id, at) = (
        batch.header("webhook-id").unwrap(),
        batch.header("webhook-timestamp").unwrap(),
    );
    let content = [format!("{id}.{at}.").as_bytes(), &batch.body].concat();
    let signatures = batch.header("webhook-signature").unwrap();
    let (first, second) = signatures.split_once(' ').unwrap();
    assert_eq!(first, format!("v1,{}", hmac_sha256(&key, &content)));
    assert!(second.starts_with("v1a,") && !second.contains(' '), "{signatures}");
    let shown = server.get(&path(&sink), &owner).await.expect(200).json();
    assert_eq!(shown["public_keys"], sink["public_keys"]);
    assert!(signed_by(&batch, shown["public_keys"][0].as_str().unwrap()).await);
    for shown in ["/v1/sinks".to_owned(), path(&sink)] {
        let told = server.get(&shown, &owner).await.expect(200).text();
        assert!(
            !told.contains(&secret) && !told.contains("whsec_") && !told.contains("t-1"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn the_test_button_says_what_happened_and_pausing_does_what_it_says() {
    let siem = StandIn::start(|heard| match heard.path.as_str() {
        "/wrong" => Some(Answer::new(401, "no")),
        "/full" => Some(Answer::new(503, "later")),
        _ => Some(Answer::new(202, "")),
    })
    .await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    let sink = add(&server, &owner, json!({"name": "siem", "target": bearer(&siem)})).await;
    server
        .patch(&path(&sink), &owner, json!({"paused": true}))
        .await
        .expect(200);
    let at = |path: &str| json!({"kind": "https", "url": format!("{}{path}", siem.url), "auth": {"scheme": "bearer", "token": "t"}});
    let nobody = json!({"kind": "https", "url": "http://127.0.0.1:9/", "auth": {"scheme": "bearer", "token": "t"}});
    for (target, outcome, reason) in [
        (bearer(&siem), "accepted", None),
        (at("/wrong"), "broken", Some("http-401")),
        (at("/full"), "later", Some("http-503")),
        (nobody, "later", Some("unreachable")),
    ] {
        server
            .patch(&path(&sink), &owner, json!({"target": target}))
            .await
            .expect(200);
        let trial = server
            .press(&format!("{}/test", path(&sink)), &owner)
            .await
            .expect(200)
            .json();
        assert_eq!(
            (trial["outcome"].as_str(), trial["reason"].as_str()),
            (Some(outcome), reason),
            "{trial}"
        );
    }
    let tests: Vec<Value> = lines(&siem.heard(), "/in")
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(tests.len(), 1, "paused: the test alone came");
    assert_eq!((&tests[0]["test"], &tests[0]["sink"]), (&json!(true), &sink["id"]));
    let resumed = json!({"paused": false, "target": bearer(&siem)});
    server.patch(&path(&sink), &owner, resumed).await.expect(200);
    let next = sink["next_index"].as_u64().unwrap();
    let got = all_below(&siem, next + 1).await;
    assert_eq!(indices(&got)[0], next, "from where it was made on, nothing before");
    server
        .post(&format!("{}/replay", path(&sink)), &owner, json!({"from_index": 0}))
        .await
        .expect(200);
    let got = all_below(&siem, 1).await;
    assert!(indices(&got).contains(&0));
    server
        .post(
            &format!("{}/replay", path(&sink)),
            &owner,
            json!({"from_index": 999_999}),
        )
        .await
        .invalid();
    server
        .post(&format!("{}/replay", path(&sink)), &owner, json!({}))
        .await
        .invalid();
    server.delete(&path(&sink), &owner).await.expect(204);
    server.get(&path(&sink), &owner).await.missing();
}

#[tokio::test]
async fn without_leave_sinks_lead_nowhere_inside() {
    let inner = StandIn::start(|_| Some(Answer::new(200, ""))).await;
    let server = Server::start().await;
    let owner = server.owner().await;
    let port = inner.url.rsplit(':').next().unwrap();
    let https = |url: String| json!({"kind": "https", "url": url, "auth": {"scheme": "bearer", "token": "t"}});
    let key = json!({"kind": "s3", "endpoint": inner.url, "region": "r", "bucket": "logs", "access_key_id": "a", "secret_access_key": "b"});
    for target in [
        bearer(&inner),
        https(format!("https://127.0.0.1:{port}/")),
        https("https://169.254.169.254/latest".into()),
        https("https://10.0.0.1/".into()),
        https("http://siem.example/".into()),
        https("https://u:p@siem.example/".into()),
        json!({"kind": "syslog", "host": "127.0.0.1", "port": port.parse::<u16>().unwrap()}),
        json!({"kind": "syslog", "host": "siem.example", "port": 0}),
        json!({"kind": "syslog", "host": "siem.example", "ca_pem": "nonsense"}),
        json!({"kind": "https", "url": "https://siem.example/", "auth": {"scheme": "bearer", "token": "a\r\nx: y"}}),
        key,
    ] {
        let refused = server
            .post("/v1/sinks", &owner, json!({"name": "x", "target": target}))
            .await;
        assert_eq!(refused.status, 422, "{target}: {}", refused.text());
    }
    for target in [
        https(format!("https://localhost:{port}/")),
        json!({"kind": "syslog", "host": "localhost", "port": port.parse::<u16>().unwrap()}),
    ] {
        let sink = add(
            &server,
            &owner,
            json!({"name": target["kind"], "from_index": 0, "target": target}),
        )
        .await;
        let trial = server
            .press(&format!("{}/test", path(&sink)), &owner)
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&trial["outcome"], &trial["reason"]),
            (&json!("broken"), &json!("address-not-public"))
        );
        let shown = when(&server, &owner, &sink, |sink| sink["state"] == "failing").await;
        assert_eq!(shown["reason"], "address-not-public");
    }
    assert!(inner.heard().is_empty(), "{:?}", inner.heard());
}

#[tokio::test]
async fn what_it_takes_to_be_let_in_is_nowhere_in_the_clear() {
    let siem = StandIn::start(|_| Some(Answer::new(200, ""))).await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    let once = [("idempotency-key", "k-1")];
    let body = json!({"name": "siem", "from_index": 0, "target": bearer(&siem)});
    let made = server
        .send(reqwest::Method::POST, "/v1/sinks", Some(&owner), &once, &body)
        .await
        .expect(201);
    let again = server
        .send(reqwest::Method::POST, "/v1/sinks", Some(&owner), &once, &body)
        .await
        .expect(201);
    assert_eq!(made.text(), again.text());
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let until = size(&server, &owner).await;
    all_below(&siem, until).await;
    let rows = server
        .superuser(
            "select target::text || encode(sealed, 'escape') from audit.sink join audit.sink_secret on sink_id = id",
        )
        .await;
    assert!(rows.contains("siem") || rows.contains("https"), "{rows}");
    let log = server
        .get("/v1/audit/export?format=jsonl", &owner)
        .await
        .expect(200)
        .text();
    for text in [made.text(), rows, log, server.log(), metrics(&server).await] {
        assert!(!text.contains("hush-hush"), "{text}");
    }
    server
        .post("/v1/sinks", &owner, json!({"name": "siem", "target": bearer(&siem)}))
        .await
        .expect(409);
}
