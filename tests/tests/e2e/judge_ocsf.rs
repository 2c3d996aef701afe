//! Every kind of OCSF event that an export or a stream can hold, before a judge made from the schema's own export.
use std::collections::{BTreeMap, BTreeSet};

use keepgate_audit::{
    Entry, Leaf, LeafVersion, TimeQuality,
    commitment::Opening,
    export::{EntryWriter, Format},
    leaf::leaf_hash,
};
use keepgate_kernel::{Action, AuditId, Outcome, PrincipalId, PrincipalKind, RequestId, TenantId, Timestamp};
use keepgate_tests::Server;
use serde_json::{Value, json};

use super::judges::{ask, ocsf_schema};

fn entry(index: u64, action: Action, outcome: Outcome, actor: PrincipalId, at: Timestamp) -> Entry {
    let leaf = Leaf {
        version: LeafVersion::V2,
        action: action.as_str().to_owned(),
        actor,
        commitments: BTreeMap::new(),
        entity: "thing:1".into(),
        id: AuditId::new(at),
        occurred_at: None,
        outcome,
        reason: (outcome != Outcome::Done).then(|| "level-too-low".into()),
        recorded_at: at,
        request: RequestId::new(at),
        tenant: TenantId::new(at),
        time_quality: TimeQuality::Synced,
    };
    let bytes = leaf.to_bytes();
    let address = |value: &str| Opening {
        salt: [7; 32],
        value: value.to_owned(),
    };
    Entry {
        index,
        leaf_hash: leaf_hash(&bytes),
        bytes,
        leaf,
        source: match index % 3 {
            0 => None,
            1 => Some(address("192.0.2.7")),
            _ => Some(address("2001:db8::7")),
        },
        sealed: None,
        erased: None,
    }
}

fn every_kind() -> Vec<Value> {
    let at: Timestamp = "2026-01-02T03:04:05.000006Z".parse().unwrap();
    let actors = [
        PrincipalKind::User,
        PrincipalKind::Device,
        PrincipalKind::Service,
        PrincipalKind::System,
    ]
    .map(|kind| PrincipalId::new(kind, at));
    let kinds = Action::ALL.iter().copied().flat_map(|action| {
        [Outcome::Done, Outcome::Refused, Outcome::Failed]
            .into_iter()
            .flat_map(move |outcome| actors.into_iter().map(move |actor| (action, outcome, actor)))
    });
    let entries: Vec<Entry> = (0..)
        .zip(kinds)
        .map(|(index, (action, outcome, actor))| entry(index, action, outcome, actor, at))
        .collect();
    let lines = EntryWriter::new(Format::Ocsf, "gate.example/audit/x")
        .unwrap()
        .page(&entries);
    let lines = String::from_utf8(lines).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_event_is_one_of_the_schema() {
    let Some(packages) = ocsf_schema().await else { return };
    let judge = async |events: &[Value]| {
        let mut python = tokio::process::Command::new("python3");
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/ocsf.py");
        python.env("PYTHONPATH", &packages).arg(script);
        let verdicts = ask(python, &json!({"version": "1.6.0", "events": events})).await;
        assert_eq!(verdicts.as_array().map(Vec::len), Some(events.len()));
        verdicts
    };
    let server = Server::start().await;
    let owner = server.owner().await;
    server.post("/v1/messages", &server.key(), json!({})).await.expect(422);
    server.whole_log(&owner).await;
    let exported = server
        .get("/v1/audit/export?format=ocsf", &owner)
        .await
        .expect(200)
        .text();
    let mut events: Vec<Value> = exported
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(events.len() > 3);
    events.extend(every_kind());
    let classes: BTreeSet<u64> = events.iter().filter_map(|event| event["class_uid"].as_u64()).collect();
    assert_eq!(classes, BTreeSet::from([3001, 3002, 3004, 3005, 6003]));
    for (event, wrong) in events.iter().zip(judge(&events).await.as_array().unwrap()) {
        assert_eq!(*wrong, json!([]), "{event}");
        assert_eq!(event["metadata"]["version"], "1.6.0");
    }
    // The judge does judge.
    let login = events.iter().find(|event| event["class_uid"] == 3002).unwrap();
    for (field, value) in [
        ("service", Value::Null),
        ("activity_id", json!(42)),
        ("colour", json!("red")),
    ] {
        let mut broken = login.clone();
        match value {
            Value::Null => drop(broken.as_object_mut().unwrap().remove(field)),
            value => broken[field] = value,
        }
        assert_ne!(judge(&[broken]).await, json!([[]]), "{field}");
    }
}
