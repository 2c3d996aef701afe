//! The commands, and what exports make of their answers.
use std::collections::BTreeMap;

use keepgate_audit::{
    Entry, EntryQuery, Leaf,
    commitment::Opening,
    export::{EntryWriter, Format, bundle::Bundle},
    leaf::leaf_hash,
    opening::from_plaintext,
    operations::{
        ExportAudit, ExportAuditError, GetAuditEntry, GetAuditEntryError, GetProof, GetProofError, ListAudit,
        ListAuditError, LogContent, LogPart, Proof, ReadLog, ReadLogError,
    },
};
use keepgate_kernel::Level;
use keepgate_merkle::tile::TilePath;
use keepgate_policy::{Command, CommandError, ErrorKind, OpContext, authorize};
use keepgate_store::testing::World;

use crate::support::{Copy, Tx, admin, append, append_with, copy, done, fill, note_signer, number, refused, with_key};

async fn perform<C: Command<dyn Tx>>(
    world: &World<dyn Tx>,
    context: &OpContext,
    command: C,
) -> Result<C::Output, C::Error> {
    let proof = authorize::<C::Permission>(context).expect("the policy permits it");
    command.run(&proof, &mut *world.begin(context).await).await
}

pub async fn reading_the_log_needs_the_permission_of_each_operation(world: &World<dyn Tx>) {
    use keepgate_policy::permissions::{AuditExport, AuditList, AuditLog, AuditRead};
    for level in Level::ALL {
        let context = world.caller(level);
        let reads = matches!(level, Level::TenantAdmin | Level::TenantOwner | Level::GlobalAdmin);
        assert_eq!(authorize::<AuditList>(&context).is_ok(), reads, "{level}");
        assert_eq!(authorize::<AuditRead>(&context).is_ok(), reads, "{level}");
        assert_eq!(authorize::<AuditLog>(&context).is_ok(), reads, "{level}");
        assert_eq!(
            authorize::<AuditExport>(&context).is_ok(),
            reads && level != Level::TenantAdmin,
            "{level}"
        );
    }
    fill(world, &admin(world), 3).await;
    let context = admin(world);
    assert_eq!(
        perform(world, &context, ListAudit::default())
            .await
            .unwrap()
            .items
            .len(),
        3
    );
    assert_eq!(
        perform(world, &context, GetAuditEntry { index: 2 })
            .await
            .unwrap()
            .index,
        2
    );
    assert!(matches!(
        perform(world, &context, GetProof::Inclusion { index: 2 })
            .await
            .unwrap(),
        Proof::Inclusion(_)
    ));
    let part = |part| ReadLog { part };
    assert!(matches!(
        perform(world, &context, part(LogPart::Checkpoint)).await.unwrap(),
        LogContent::Checkpoint(_)
    ));
    let LogContent::Info(info) = perform(world, &context, part(LogPart::Info)).await.unwrap() else {
        panic!()
    };
    assert_eq!(info.size, 3);
    let tile = LogPart::Tile("tile/0/000.p/3".parse().unwrap());
    assert_eq!(
        perform(world, &context, part(tile)).await.unwrap(),
        LogContent::Tile(copy(world, &context).await.tiles[&"tile/0/000.p/3".parse::<TilePath>().unwrap()].clone())
    );
}

pub async fn what_is_not_in_the_log_is_refused_by_name(world: &World<dyn Tx>) {
    let context = world.caller(Level::TenantOwner);
    let refused_as = |error: &dyn CommandError, reason| assert_eq!(error.kind(), ErrorKind::Refused(reason));
    let error = perform(
        world,
        &context,
        ExportAudit {
            format: Format::Csv,
            from: None,
            to: None,
        },
    )
    .await
    .unwrap_err();
    assert!(matches!(error, ExportAuditError::Empty));
    refused_as(&error, "log-empty");
    fill(world, &context, 1).await;
    let error = perform(world, &context, GetAuditEntry { index: 1 }).await.unwrap_err();
    assert!(matches!(error, GetAuditEntryError::NotFound));
    refused_as(&error, "no-such-entry");
    let error = perform(world, &context, GetProof::Consistency { first: 1, second: 2 })
        .await
        .unwrap_err();
    assert!(matches!(error, GetProofError::NotFound));
    refused_as(&error, "no-such-proof");
    let error = perform(
        world,
        &context,
        ReadLog {
            part: LogPart::Tile("tile/0/001.p/1".parse().unwrap()),
        },
    )
    .await
    .unwrap_err();
    assert!(matches!(error, ReadLogError::NotFound));
    refused_as(&error, "no-such-part");
    let query = EntryQuery {
        limit: 501,
        ..EntryQuery::default()
    };
    let error = perform(world, &context, ListAudit { query }).await.unwrap_err();
    assert!(matches!(error, ListAuditError::Query(_)));
    refused_as(&error, "limit-out-of-range");
}

/// Streams an export as the gateway does.
async fn export(world: &World<dyn Tx>, format: Format) -> String {
    let context = world.caller(Level::TenantOwner);
    let range = perform(
        world,
        &context,
        ExportAudit {
            format,
            from: None,
            to: None,
        },
    )
    .await
    .unwrap();
    // What is written meanwhile does not get in.
    append(world, &context, &done(world.now, "later")).await;
    number(world).await;
    let writer = EntryWriter::new(format, &range.log.origin).unwrap();
    let (mut bytes, mut next) = (writer.begin(), Some(0));
    while let Some(start) = next {
        let query = EntryQuery {
            start,
            limit: 2,
            ..range.first_page.clone()
        };
        let mut page = world.begin(&context).await.entries(&query).await.unwrap();
        page.items.iter_mut().for_each(reveal);
        bytes.extend(writer.page(&page.items));
        next = page.next;
    }
    String::from_utf8(bytes).unwrap()
}

/// As whoever holds keys does: the suite's openings are sealed by 28 zeros.
fn reveal(entry: &mut Entry) {
    if let Some(stored) = &entry.sealed {
        let opening = from_plaintext(&stored.sealed[28..]).unwrap();
        entry.reveal(opening).unwrap();
    }
}

pub async fn an_export_holds_what_was_signed_when_it_was_authorised(world: &World<dyn Tx>) {
    fill(world, &admin(world), 5).await;
    for (format, lines) in [(Format::Jsonl, 5), (Format::Csv, 7), (Format::Ocsf, 7)] {
        let text = export(world, format).await;
        assert_eq!(text.lines().count(), lines, "{format:?}: {text}");
    }
}

pub async fn each_line_of_an_export_carries_index_and_hash(world: &World<dyn Tx>) {
    let from = world
        .caller(Level::Operator)
        .from_source(Some("192.0.2.7".parse().unwrap()));
    for entry in [
        done(world.now, "=cmd|' /C calc'!A0,\"x\"\n"),
        refused(world.now, "msg_1", "-leading-line"),
    ] {
        append_with(world, &from, &entry, &with_key(&from).unwrap().1).await;
    }
    number(world).await;
    for (n, line) in export(world, Format::Jsonl).await.lines().enumerate() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        // The bytes of the leaf stand in the line as they were hashed.
        let start = line.find("\"leaf\":").unwrap() + 7;
        let leaf = &line[start..line.find(",\"leaf_hash\"").unwrap()];
        assert!(Leaf::parse(leaf.as_bytes()).is_ok());
        assert_eq!(value["index"], n);
        assert_eq!(
            value["leaf_hash"],
            data_encoding::HEXLOWER.encode(&leaf_hash(leaf.as_bytes()))
        );
        assert_eq!(value["source"]["ip"], "192.0.2.7");
    }
    let csv = export(world, Format::Csv).await;
    let rows: Vec<&str> = csv.split("\r\n").collect();
    assert!(rows[0].starts_with("index,id,recorded_at,"));
    assert!(
        rows[1].starts_with("0,aud_") && rows[1].contains(",\"'=cmd|' /C calc'!A0,\"\"x\"\"\n\",done,"),
        "{}",
        rows[1]
    );
    assert!(
        rows[2].contains(",refused,'-leading-line,192.0.2.7,req_"),
        "{}",
        rows[2]
    );
    for (n, line) in export(world, Format::Ocsf).await.lines().enumerate() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["metadata"]["sequence"], n);
        assert_eq!(
            event["type_uid"].as_u64().unwrap(),
            event["class_uid"].as_u64().unwrap() * 100 + event["activity_id"].as_u64().unwrap()
        );
        assert_eq!(event["metadata"]["tenant_uid"], world.ids.tenant.to_string());
        assert!(event["metadata"]["uid"].as_str().unwrap().starts_with("aud_"));
        for field in [
            "category_uid",
            "severity_id",
            "time",
            "status_id",
            "actor",
            "src_endpoint",
        ] {
            assert!(!event[field].is_null(), "{field}");
        }
    }
}

/// Reads the files of a tar archive of plain files.
fn untar(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut rest = archive;
    while rest[0] != 0 {
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8(rest[range].to_vec())
                .unwrap()
                .trim_end_matches('\0')
                .to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap();
        files.insert(text(0..100), rest[512..512 + size].to_vec());
        rest = &rest[512 + size.next_multiple_of(512)..];
    }
    assert_eq!(rest, [0; 1024], "two empty blocks end an archive");
    files
}

/// What somebody does who has a Python and nothing of ours: unpack, run the script, change something, run it again.
fn strangers_check(files: &BTreeMap<String, Vec<u8>>, key: &str, opening: &Opening) {
    let verdict = |files: &BTreeMap<String, Vec<u8>>, key: &str| {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let mut python = std::process::Command::new("python3");
        let out = python
            .arg("-I")
            .arg(dir.path().join("verify.py"))
            .arg(key)
            .output()
            .unwrap();
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let (code, said) = verdict(files, key);
    assert!(code == Some(0) && said.contains("300 entries"), "{code:?} {said}");
    let changed = |name: &str, change: fn(&mut Vec<u8>)| {
        let mut files = files.clone();
        change(files.get_mut(name).unwrap());
        verdict(&files, key)
    };
    let edit = |bundle: &mut Vec<u8>| {
        let at = bundle.windows(8).position(|at| at == b"thing:17").unwrap();
        bundle[at + 7] = b'8';
    };
    let flip = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    let gone = {
        let mut files = files.clone();
        files.remove("tile/entries/000").unwrap();
        verdict(&files, key)
    };
    assert!(
        gone.0 == Some(3) && gone.1.contains("entries 0 to 255 are in archives"),
        "{gone:?}"
    );
    let told = |index: u64, value: &str| {
        let salt = data_encoding::HEXLOWER.encode(&opening.salt);
        let line = serde_json::json!({"index": index, "field": "source", "salt": salt, "value": value});
        let mut files = files.clone();
        files.insert("openings.jsonl".into(), format!("{line}\n").into_bytes());
        verdict(&files, key)
    };
    let (code, said) = told(299, &opening.value);
    assert!(code == Some(0) && said.contains("1 openings are"), "{code:?} {said}");
    for ((code, said), why) in [
        (told(299, "192.0.2.8"), "opening of source of entry 299"),
        (told(17, &opening.value), "opening of source of entry 17"),
        (told(300, &opening.value), "the log does not have"),
        (changed("tile/entries/000", edit), "is not the one that was hashed"),
        (
            changed("tile/entries/001.p/44", |bundle| bundle.truncate(0)),
            "entry 256 is missing",
        ),
        (changed("tile/entries/001.p/44", flip), "entry 299"),
        (changed("tile/0/000", flip), "entry 255 is not"),
        (changed("checkpoint", |note| note[0] ^= 1), "does not hold"),
        (
            changed("checkpoint", |note| {
                let at = note.iter().position(|byte| *byte == b'\n').unwrap() + 1;
                note[at] = b'4'
            }),
            "does not hold",
        ),
        (
            verdict(files, &note_signer("gate.example/audit/other").verifier().to_string()),
            "not signed with this key",
        ),
    ] {
        assert!(code == Some(1) && said.contains(why), "{why}: {code:?} {said}");
    }
}

pub async fn a_bundle_verifies_on_its_own(world: &World<dyn Tx>) {
    fill(world, &admin(world), 299).await;
    let from = admin(world).from_source(Some("192.0.2.7".parse().unwrap()));
    let (opening, source) = with_key(&from).unwrap();
    append_with(world, &from, &done(world.now, "msg_1"), &source).await;
    number(world).await;
    let context = world.caller(Level::TenantOwner);
    let range = perform(
        world,
        &context,
        ExportAudit {
            format: Format::Bundle,
            from: None,
            to: None,
        },
    )
    .await
    .unwrap();
    let bundle = Bundle::new(&range.log.origin, range.checkpoint, world.now).with_policy(b"quorum none\n".to_vec());
    let mut archive = bundle
        .begin(&note_signer(&range.log.origin).verifier().to_string())
        .unwrap();
    let mut tx = world.begin(&context).await;
    for path in bundle.tiles() {
        archive.extend(bundle.tile(&path, &tx.tile(&path).await.unwrap().unwrap()).unwrap());
    }
    archive.extend(bundle.end());
    let mut files = untar(&archive);
    assert_eq!(files.remove("policy").unwrap(), b"quorum none\n");
    assert!(String::from_utf8_lossy(&files["README.txt"]).contains("policy      the witnesses"));
    strangers_check(&files, &note_signer(&range.log.origin).verifier().to_string(), &opening);
    assert!(files.remove("README.txt").is_some() && files.remove("verify.py").is_some());
    let vkey = String::from_utf8(files.remove("vkey").unwrap()).unwrap();
    assert_eq!(vkey.trim_end(), note_signer(&range.log.origin).verifier().to_string());
    let checkpoint = String::from_utf8(files.remove("checkpoint").unwrap()).unwrap();
    let tiles = files
        .into_iter()
        .map(|(name, content)| (name.parse().unwrap(), content))
        .collect();
    Copy {
        origin: range.log.origin,
        checkpoint,
        tiles,
    }
    .assert_verified(300);
}
