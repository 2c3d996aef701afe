//! aics-tlog replays whole logs; tlog-scales reads single entries with their proofs.
use serde_json::{Map, Value, json};
use std::path::Path;
use tokio::process::Command;

use crate::{
    aics,
    install::{ask, installed, missing, pip},
    logs::{Log, ORIGIN, SIZES, TAMPERINGS, Tampering, signer},
};

const SCALES: &str = "tlog-scales==0.0.3";

#[tokio::test]
async fn aics_tlog_replays_every_honest_log_and_no_other() {
    let packages = aics::packages();
    let Some(packages) = packages.await else {
        return missing(aics::PACKAGE);
    };
    let home = tempfile::tempdir().unwrap();
    let (mut logs, mut right) = (vec![], Map::new());
    for size in SIZES {
        let honest = Log::honest(&home, size);
        for how in TAMPERINGS {
            logs.push(honest.tampered(how).name());
        }
        right.insert(honest.name(), Value::Null);
        logs.push(honest.name());
    }
    let asked = json!({"vkey": signer().verifier().to_string(), "origin": ORIGIN, "logs": logs});
    let told = ask(aics::judge(&packages), &asked).await;
    for log in logs {
        assert_eq!(told[&log].is_null(), right.contains_key(&log), "{log}: {}", told[&log]);
    }
}

#[tokio::test]
async fn tlog_scales_proves_every_kind_of_entry_and_no_changed_one() {
    let packages = installed(SCALES, "tlog_scales/__init__.py", |aside| pip(aside, &[SCALES]));
    let Some(packages) = packages.await else {
        return missing(SCALES);
    };
    let home = tempfile::tempdir().unwrap();
    let (mut entries, mut wrong) = (vec![], vec![]);
    for size in SIZES {
        let honest = Log::honest(&home, size);
        entries.extend([0, size / 2, size - 1].map(|index| (honest.name(), index)));
        for how in [Tampering::Entry, Tampering::EntryAndTile, Tampering::Root] {
            let tampered = honest.tampered(how);
            wrong.push((tampered.name(), honest.victim() as u64));
        }
    }
    let all: Vec<_> = entries
        .iter()
        .chain(&wrong)
        .map(|(log, index)| json!([log, index]))
        .collect();
    let mut python = Command::new("python3");
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/scales.py"));
    python.env("PYTHONPATH", packages);
    let told = ask(python, &json!({"entries": all})).await;
    let verdict = |(log, index): &(String, u64)| told[format!("{log} {index}")].clone();
    for entry in &entries {
        assert_eq!(verdict(entry), Value::Null, "{entry:?}");
    }
    for entry in &wrong {
        assert!(verdict(entry).is_string(), "{entry:?}");
    }
}
