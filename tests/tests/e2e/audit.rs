//! The log, checked from outside with nothing but its public key.
use std::collections::BTreeSet;

use keepgate_merkle::{
    checkpoint::Checkpoint,
    hash::{Hash, leaf_hash},
    note::VerifierKey,
    proof::verify_consistency,
    tile::{self, decode_hashes},
    tlog_proof::TlogProof,
    tree::root_of,
};
use keepgate_tests::{Server, leaf_of, message};
use serde_json::{Value, json};

/// A service whose first tenant has done a few things, and its owner.
async fn busy() -> (Server, String) {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    for n in 0..5 {
        server.accept(&server.key(), message(&to, &n.to_string())).await;
    }
    server.post("/v1/messages", &server.key(), json!({})).await.expect(422);
    (server, owner)
}

async fn text(server: &Server, owner: &str, path: &str) -> String {
    server.get(path, owner).await.expect(200).text()
}

async fn key(server: &Server, owner: &str) -> VerifierKey {
    text(server, owner, "/v1/audit/log/vkey").await.trim().parse().unwrap()
}

async fn checkpoint(server: &Server, owner: &str, key: &VerifierKey) -> Checkpoint {
    let note = text(server, owner, "/v1/audit/log/checkpoint").await;
    Checkpoint::open(note.as_bytes(), key.name().as_str(), std::slice::from_ref(key)).expect("the signature holds")
}

fn hash_of(entry: &Value) -> Hash {
    let bytes = data_encoding::HEXLOWER.decode(leaf_of(entry).as_bytes()).unwrap();
    Hash::try_from(bytes.as_slice()).unwrap()
}

#[tokio::test]
async fn entries_are_numbered_without_gaps_and_say_who_did_what() {
    let (server, owner) = busy().await;
    let log = server.whole_log(&owner).await;
    for (index, entry) in log.iter().enumerate() {
        assert_eq!(entry["index"], index);
        for (field, start) in [("id", "aud_"), ("request_id", "req_"), ("recorded_at", "20")] {
            assert!(entry[field].as_str().unwrap().starts_with(start), "{entry}");
        }
        assert!(
            entry["action"].as_str().unwrap().contains('.') && entry["entity"].is_string(),
            "{entry}"
        );
        assert!(
            matches!(entry["outcome"].as_str(), Some("done" | "refused" | "failed")),
            "{entry}"
        );
        assert!(entry["outcome"] == "done" || entry["reason"].is_string(), "{entry}");
        assert!(
            entry["actor"]["id"].is_string() && entry["actor"]["type"].is_string(),
            "{entry}"
        );
        assert!(
            entry["time_quality"].is_string() && leaf_of(entry).len() == 64,
            "{entry}"
        );
    }
    assert_eq!(log[0]["action"], "platform.genesis", "the first entry is the beginning");
    let times: Vec<&str> = log.iter().map(|entry| entry["recorded_at"].as_str().unwrap()).collect();
    assert!(
        times
            .iter()
            .all(|time| time.len() == "2026-01-02T03:04:05.000000Z".len()),
        "microseconds"
    );
    let accepted = log.iter().find(|entry| entry["action"] == "message.accept").unwrap();
    assert_eq!(accepted["source"]["ip"], "127.0.0.1");
    let one = server.get("/v1/audit/entries/3", &owner).await.expect(200).json();
    assert_eq!(one, log[3]);
}

#[tokio::test]
async fn a_past_page_never_changes() {
    let (server, owner) = busy().await;
    server.whole_log(&owner).await;
    let page = |query: &'static str| {
        let (server, owner) = (&server, owner.clone());
        async move {
            server
                .get(&format!("/v1/audit?{query}"), &owner)
                .await
                .expect(200)
                .json()["items"]
                .clone()
        }
    };
    let before = page("limit=4").await;
    server.person(&owner, 2).await;
    server.whole_log(&owner).await;
    assert_eq!(page("limit=4").await, before);
    assert_eq!(
        page("limit=2").await.as_array().unwrap()[..],
        before.as_array().unwrap()[..2]
    );
}

#[tokio::test]
async fn every_filter_selects_what_it_says_and_nothing_else() {
    let (server, owner) = busy().await;
    let me = server.me(&owner).await;
    let log = server.whole_log(&owner).await;
    let middle = &log[log.len() / 2];
    let at = middle["recorded_at"].as_str().unwrap();
    let entity = log.iter().find(|entry| entry["action"] == "message.accept").unwrap()["entity"]
        .as_str()
        .unwrap()
        .to_owned();
    let select = |query: String| {
        let (server, owner, last) = (&server, owner.clone(), log.len());
        async move {
            let found = server.all(&owner, &format!("/v1/audit?{query}")).await;
            found
                .into_iter()
                .filter(|entry| entry["index"].as_u64().unwrap() < last as u64)
                .collect::<Vec<_>>()
        }
    };
    let wanted = |keep: &dyn Fn(&Value) -> bool| log.iter().filter(|entry| keep(entry)).cloned().collect::<Vec<_>>();
    for (query, keep) in [
        (
            format!("actor={me}"),
            &(|e: &Value| e["actor"]["id"] == *me) as &dyn Fn(&Value) -> bool,
        ),
        ("action=message.accept".to_owned(), &|e| e["action"] == "message.accept"),
        (format!("entity={entity}"), &|e| e["entity"] == *entity),
        ("outcome=refused".to_owned(), &|e| e["outcome"] == "refused"),
        ("outcome=done&action=message.accept".to_owned(), &|e| {
            e["outcome"] == "done" && e["action"] == "message.accept"
        }),
        (format!("from={at}"), &|e| e["recorded_at"].as_str().unwrap() >= at),
        (format!("to={at}"), &|e| e["recorded_at"].as_str().unwrap() < at),
        ("q=invalid-request".to_owned(), &|e| e["reason"] == "invalid-request"),
        ("q=%25".to_owned(), &|_| false),
    ] {
        let (found, wanted) = (select(query.clone()).await, wanted(keep));
        assert_eq!(found, wanted, "{query}");
        assert!(query == "q=%25" || !wanted.is_empty(), "{query} selects nothing");
    }
    for bad in [
        "action=no.such",
        "actor=nobody",
        "outcome=maybe",
        "from=yesterday",
        "nosuch=1",
    ] {
        server.get(&format!("/v1/audit?{bad}"), &owner).await.invalid();
    }
}

#[tokio::test]
async fn every_entry_is_proved_to_be_in_the_signed_log() {
    let (server, owner) = busy().await;
    let log = server.whole_log(&owner).await;
    let key = key(&server, &owner).await;
    for entry in log.iter().step_by(3) {
        let index = entry["index"].as_u64().unwrap();
        let proof = text(&server, &owner, &format!("/v1/audit/proof?index={index}")).await;
        let proof: TlogProof = proof.parse().expect("a C2SP proof");
        assert_eq!(proof.index, index);
        let keys = std::slice::from_ref(&key);
        let seen = proof
            .verify(&hash_of(entry), key.name().as_str(), keys)
            .expect("the entry is in the log");
        assert!(seen.size > index);
        assert!(proof.verify(&leaf_hash(b"another"), key.name().as_str(), keys).is_err());
    }
    server.get("/v1/audit/proof?index=999999", &owner).await.missing();
    server.get("/v1/audit/proof", &owner).await.invalid();
}

#[tokio::test]
async fn a_later_checkpoint_is_proved_to_extend_an_earlier_one() {
    let (server, owner) = busy().await;
    server.whole_log(&owner).await;
    let key = key(&server, &owner).await;
    let first = checkpoint(&server, &owner, &key).await;
    server.person(&owner, 2).await;
    server.whole_log(&owner).await;
    let second = checkpoint(&server, &owner, &key).await;
    assert!(second.size > first.size);
    let proof = text(
        &server,
        &owner,
        &format!("/v1/audit/proof?first={}&second={}", first.size, second.size),
    )
    .await;
    let proof: Value = serde_json::from_str(&proof).unwrap();
    let hashes: Vec<Hash> = proof["hashes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hash| hash.as_str().unwrap().parse().unwrap())
        .collect();
    verify_consistency(first.size, second.size, &first.root, &second.root, &hashes).expect("the log only grew");
}

#[tokio::test]
async fn the_tiles_give_the_entries_and_the_signed_root() {
    let (server, owner) = busy().await;
    let log = server.whole_log(&owner).await;
    let key = key(&server, &owner).await;
    let signed = checkpoint(&server, &owner, &key).await;
    assert!(signed.size < 256, "this test reads one tile");
    let tile = |name: &'static str| {
        let (server, owner, path) = (
            &server,
            owner.clone(),
            format!("/v1/audit/log/tile/{name}000.p/{}", signed.size),
        );
        async move { server.get(&path, &owner).await.expect(200) }
    };
    let (hashes, bundle) = (tile("0/").await, tile("entries/").await);
    assert!(
        hashes.header("cache-control").unwrap().contains("immutable"),
        "the bytes of a tile never change"
    );
    let hashes = decode_hashes(&hashes.body, u16::try_from(signed.size).unwrap()).unwrap();
    assert_eq!(root_of(&hashes), signed.root);
    let entries: Vec<&[u8]> = tile::entries(&bundle.body).map(Result::unwrap).collect();
    assert_eq!(entries.len(), hashes.len());
    let mut salted = BTreeSet::new();
    for ((index, leaf), hash) in entries.iter().enumerate().zip(&hashes) {
        assert_eq!(leaf_hash(leaf), *hash, "{index}");
        if let Some(shown) = log.get(index) {
            assert_eq!(hash_of(shown), *hash, "{index}");
            let leaf: Value = serde_json::from_slice(leaf).unwrap();
            assert_eq!(
                (&leaf["action"], &leaf["outcome"]),
                (&shown["action"], &shown["outcome"])
            );
            assert!(
                leaf.get("source").is_none() && !leaf.to_string().contains("127.0.0.1"),
                "addresses are committed to, not logged"
            );
            if let Some(committed) = leaf["c"]["source"].as_str() {
                assert!(
                    salted.insert(committed.to_owned()),
                    "one address never looks the same twice"
                );
            }
        }
    }
    for bad in ["0/001", "0/000.p/0", "0/0", "64/000", "entries/999", "x"] {
        server.get(&format!("/v1/audit/log/tile/{bad}"), &owner).await.missing();
    }
}

#[tokio::test]
async fn the_log_holds_nothing_personal_and_nothing_secret() {
    let (server, owner) = busy().await;
    let ann = server.person(&owner, 2).await;
    let (_, key) = server.issue(&owner, json!({"name": "Pump house", "level": 1})).await;
    server.recipient(&owner, "sms", "+15005550009").await;
    server.whole_log(&owner).await;
    let export = text(&server, &owner, "/v1/audit/export?format=jsonl").await;
    for secret in [
        &ann.email,
        &ann.token,
        &key,
        "+15005550009",
        "15005550009",
        "Pump house",
        keepgate_tests::PASSWORD,
    ] {
        assert!(!export.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn only_those_who_may_read_the_log() {
    let (server, owner) = busy().await;
    let lead = server.person(&owner, 3).await;
    let admin = server.person(&owner, 4).await;
    for path in [
        "/v1/audit",
        "/v1/audit/entries/0",
        "/v1/audit/log/checkpoint",
        "/v1/audit/log/tile/0/000.p/1",
        "/v1/audit/proof?index=0",
    ] {
        server.get(path, &lead.token).await.problem(403, "level-too-low");
        server.get(path, &admin.token).await.expect(200);
    }
    server
        .get("/v1/audit/export?format=csv", &admin.token)
        .await
        .problem(403, "level-too-low");
    server.get("/v1/audit/export?format=csv", &owner).await.expect(200);
}

#[tokio::test]
async fn an_export_has_one_line_for_each_entry_in_every_form() {
    let (server, owner) = busy().await;
    let log = server.whole_log(&owner).await;
    let jsonl = text(&server, &owner, "/v1/audit/export?format=jsonl").await;
    let lines: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() >= log.len());
    assert!(
        log.iter()
            .zip(&lines)
            .all(|(entry, line)| line.to_string().contains(leaf_of(entry))),
        "{}",
        lines[0]
    );
    let csv = text(&server, &owner, "/v1/audit/export?format=csv").await;
    assert!(csv.starts_with("index,id,recorded_at") && csv.lines().count() > log.len());
    let ocsf = text(&server, &owner, "/v1/audit/export?format=ocsf").await;
    for line in ocsf.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(
            event["class_uid"].is_u64() && event["time"].is_u64() && event["metadata"]["version"].is_string(),
            "{event}"
        );
        assert_eq!(
            event["type_uid"].as_u64().unwrap() / 100,
            event["class_uid"].as_u64().unwrap()
        );
    }
    let until = log[2]["recorded_at"].as_str().unwrap();
    let cut = text(&server, &owner, &format!("/v1/audit/export?format=jsonl&to={until}")).await;
    assert_eq!(
        cut.lines().count(),
        log.iter()
            .filter(|entry| entry["recorded_at"].as_str().unwrap() < until)
            .count()
    );
    server.get("/v1/audit/export?format=xml", &owner).await.invalid();
}

#[tokio::test]
async fn a_run_over_the_tiles_leaves_one_entry_for_each_caller_and_a_refusal_always_one() {
    let (server, owner) = busy().await;
    let admin = server.person(&owner, 4).await.token;
    server.whole_log(&owner).await;
    let tiles = [
        "/v1/audit/log/tile/0/000.p/1",
        "/v1/audit/log/tile/0/000.p/2",
        "/v1/audit/log/tile/entries/000.p/3",
    ];
    for bearer in [&owner, &admin] {
        for path in tiles {
            server.get(path, bearer).await.expect(200);
        }
    }
    server.get("/v1/audit/log/tile/7/000.p/9", &owner).await.expect(404);
    server.get("/v1/audit/log/tile/7/000.p/9", &owner).await.expect(404);
    let log = server.whole_log(&owner).await;
    let of = |outcome: &str| {
        let tiles = log
            .iter()
            .filter(|entry| entry["entity"].as_str().unwrap().starts_with("log:tile"));
        tiles.filter(|entry| entry["outcome"] == outcome).count()
    };
    assert_eq!((of("done"), of("refused")), (2, 2));
}
