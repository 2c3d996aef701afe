//! A month of long ago: archived, told in the log, removed by a service that is killed in between.
use std::path::Path;

use keepgate_merkle::{hash::leaf_hash, note::VerifierKey, tlog_proof::TlogProof};
use keepgate_tests::{Ended, Options, Server, eventually, run};
use serde_json::Value;

/// Six hundred entries of January 2020, as they would lie there today; nobody but a superuser who takes the guards down can do that.
pub const OLD: &str = r#"
begin; select audit.ensure_partitions('2020-01-01', 1);
alter table audit.entry disable trigger seal; alter table audit.entry_202001 disable trigger seal;
insert into audit.entry (tenant_id, id, recorded_at, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash)
select t.id, m.id, m.at, 'system', t.id, 'message.accept', 'old:' || m.n, 'done', m.id, l.leaf, sha256('\x00'::bytea || l.leaf)
from (select 'TENANT'::uuid as id) t,
  (select n, '2020-01-10'::timestamptz + n * interval '1 minute' as at,
     ('01700000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid as id from generate_series(0, 599) n) m,
  lateral (select convert_to('{"action":"message.accept","actor":{"id":"' || t.id || '","type":"system"},"entity":"old:' || m.n || '","id":"' || m.id
    || '","outcome":"done","recorded_at":"' || to_char(m.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","request_id":"' || m.id || '","tenant":"' || t.id || '","time_quality":"unattested","v":1}', 'UTF8') as leaf) l;
alter table audit.entry_202001 enable always trigger seal; alter table audit.entry enable always trigger seal; commit"#;

/// A tenant whose log begins with those entries.
pub const NEW: &str = "begin; alter table rbac.tenant disable trigger audited; alter table rbac.unit disable trigger audited; \
insert into rbac.tenant (id, name, kind) values ('TENANT', 'old', 'customer'); \
alter table rbac.unit enable always trigger audited; alter table rbac.tenant enable always trigger audited; commit";

async fn archives(server: &Server, owner: &str) -> Value {
    server.get("/v1/audit/archives", owner).await.expect(200).json()
}

#[tokio::test]
async fn an_old_month_is_archived_told_and_removed_and_its_proofs_hold() {
    let options = Options::config("audit.archive_dir = \"{dir}/archive\"\n");
    let dir = Server::home(&options);
    std::fs::create_dir(dir.path().join("archive")).unwrap();
    let mut server = Server::on(dir, options).await;
    let owner = server.owner().await;
    server.whole_log(&owner).await;
    let vkey = server.get("/v1/audit/log/vkey", &owner).await.expect(200).text();
    let key: VerifierKey = vkey.trim().parse().unwrap();
    let (_, tenant) = key.name().as_str().rsplit_once('/').unwrap();
    assert_eq!(
        archives(&server, &owner).await,
        serde_json::json!({"items": [], "min_index": 0})
    );
    server.past_the_guard(&OLD.replace("TENANT", tenant)).await;
    let old = eventually("the old entries are numbered", || async {
        let found = server.get("/v1/audit?entity=old:300", &owner).await.expect(200).json();
        found["items"].get(0).cloned()
    })
    .await;
    let index = old["index"].as_u64().unwrap();
    let proof = server
        .get(&format!("/v1/audit/proof?index={index}"), &owner)
        .await
        .expect(200)
        .text();
    // It looks at its start; killed as soon as the archive is told, it goes on at the next.
    server.kill().await;
    server.start_again().await;
    let noted = eventually("the archive is told", || async {
        let noted = archives(&server, &owner).await;
        noted["items"].get(0).cloned()
    })
    .await;
    let entity = format!(
        "archive:{}:{}",
        noted["name"].as_str().unwrap(),
        noted["manifest"].as_str().unwrap()
    );
    eventually("its leaf is under a checkpoint", || async {
        let found = server
            .get(&format!("/v1/audit?entity={entity}"), &owner)
            .await
            .expect(200)
            .json();
        found["items"].get(0).cloned()
    })
    .await;
    server.kill().await;
    server.start_again().await;
    let gone = eventually("the month is removed", || async {
        let noted = archives(&server, &owner).await;
        noted["min_index"].as_u64().filter(|index| *index > 0)
    })
    .await;
    assert!(
        index < gone && noted["to"] == gone && noted["month"] == "2020-01",
        "{noted}"
    );
    server
        .get(&format!("/v1/audit/entries/{index}"), &owner)
        .await
        .problem(410, "pruned");
    server
        .get("/v1/audit/log/tile/entries/000", &owner)
        .await
        .problem(410, "pruned");
    eventually("the removal is told", || async {
        let found = server
            .get("/v1/audit?action=audit.pruned", &owner)
            .await
            .expect(200)
            .json();
        found["items"].get(0).cloned()
    })
    .await;
    // What was proved stays proved, and can be proved anew.
    let leaf = data_encoding::HEXLOWER
        .decode(old["leaf_hash"].as_str().unwrap().as_bytes())
        .unwrap();
    let hash = keepgate_merkle::hash::Hash::try_from(leaf.as_slice()).unwrap();
    let anew = server
        .get(&format!("/v1/audit/proof?index={index}"), &owner)
        .await
        .expect(200)
        .text();
    for proof in [proof, anew] {
        let proof: TlogProof = proof.parse().unwrap();
        proof
            .verify(&hash, key.name().as_str(), std::slice::from_ref(&key))
            .unwrap();
    }
    // The archive has the entry itself, in files that nobody else reads.
    let number = index / 256;
    let folder = server
        .dir
        .path()
        .join("archive")
        .join(tenant_name(&server, &owner).await)
        .join(noted["name"].as_str().unwrap());
    let bundle = std::fs::read(folder.join(format!("tile/entries/{number:03}"))).unwrap();
    let entries: Vec<_> = keepgate_merkle::tile::entries(&bundle)
        .map(|entry| leaf_hash(entry.unwrap()))
        .collect();
    assert!(entries.contains(&hash));
    assert!(folder.join("manifest.json").exists());
}

async fn tenant_name(server: &Server, owner: &str) -> String {
    let me = server.get("/v1/me", owner).await.expect(200).json();
    me["tenant"]
        .as_str()
        .or_else(|| me["tenant"]["id"].as_str())
        .unwrap()
        .to_owned()
}

/// The verifier's arguments for the log in the database, and what it answers with some more.
struct Verifier {
    base: Vec<String>,
}

impl Verifier {
    async fn run(&self, from: &[&str], archive: Option<&Path>) -> Ended {
        let archive = archive.map(|folder| ["--archive".to_owned(), folder.display().to_string()]);
        let from = from.iter().map(|word| (*word).to_owned());
        run(self
            .base
            .iter()
            .cloned()
            .chain(from)
            .chain(archive.into_iter().flatten()))
        .await
    }
}

#[tokio::test]
async fn a_log_whose_old_month_is_gone_verifies_with_its_archive_and_tells_what_it_lacks_without() {
    const TENANT: &str = "01910000-0000-7000-8000-00000000000a";
    let options = Options::config("audit.archive_dir = \"{dir}/archive\"\n");
    let dir = Server::home(&options);
    let archive = dir.path().join("archive");
    std::fs::create_dir(&archive).unwrap();
    let mut server = Server::on(dir, options).await;
    server
        .past_the_guard(&format!("{NEW}; {OLD}").replace("TENANT", TENANT))
        .await;
    let asked = async |server: &Server, sql: &str| server.superuser(&sql.replace("TENANT", TENANT)).await;
    eventually("the old entries are signed", || async {
        let size = asked(
            &server,
            "select coalesce(max(size), 0) from audit.checkpoint where tenant_id = 'TENANT'",
        )
        .await;
        (size == "600").then_some(())
    })
    .await;
    server.kill().await;
    server.start_again().await;
    eventually("the month is removed", || async {
        (asked(&server, "select audit.min_index('TENANT')").await == "512").then_some(())
    })
    .await;
    let origin = asked(&server, "select origin from audit.log where tenant_id = 'TENANT'").await;
    let public = asked(
        &server,
        "select encode(public, 'hex') from keys.signing_key where tenant_id = 'TENANT' and purpose = 'audit-log'",
    )
    .await;
    let public: [u8; 32] = data_encoding::HEXLOWER
        .decode(public.as_bytes())
        .unwrap()
        .try_into()
        .unwrap();
    let key = VerifierKey::from_public_key(origin.parse().unwrap(), &public)
        .unwrap()
        .to_string();
    let (data, tenant) = (
        server.data_dir().display().to_string(),
        keepgate_kernel::TenantId::from_uuid(TENANT.parse().unwrap()).to_string(),
    );
    let verifier = Verifier {
        base: ["audit", "verify", "--key", &key, "--json"].map(str::to_owned).into(),
    };
    let out = server.dir.path().join("tiles").display().to_string();
    let export = [
        "audit",
        "export",
        "--format",
        "tiles",
        "--out",
        &out,
        "--data-dir",
        &data,
        "--tenant",
        &tenant,
    ];
    let wrote = run(export).await.expect(0).out;
    assert!(wrote.contains("the first 512 were archived"), "{wrote}");
    let stored = ["--stored", "--data-dir", &data, "--tenant", &tenant];
    for from in [&stored[..], &["--dir", &out]] {
        let without: Value = serde_json::from_str(&verifier.run(from, None).await.expect(3).out).unwrap();
        assert_eq!(without["result"], "incomplete");
        assert_eq!(
            without["unseen"],
            serde_json::json!([{"from": 0, "to": 512}]),
            "{without}"
        );
        assert!(without["checked"].as_u64().unwrap() >= 89, "{without}");
        for folder in [&archive, &archive.join(&tenant).join("0-512")] {
            let with: Value = serde_json::from_str(&verifier.run(from, Some(folder)).await.expect(0).out).unwrap();
            assert_eq!(
                (&with["result"], with["size"].as_u64() >= Some(601)),
                (&"verified".into(), true),
                "{with}"
            );
        }
    }
    // What is not under the signed root is told, whoever holds it.
    let bundle = archive.join(&tenant).join("0-512/tile/entries/001");
    let mut content = std::fs::read(&bundle).unwrap();
    content[40] ^= 1;
    std::fs::write(&bundle, content).unwrap();
    let edited: Value = serde_json::from_str(&verifier.run(&stored, Some(&archive)).await.expect(1).out).unwrap();
    assert_eq!((&edited["result"], &edited["index"]), (&"tampered".into(), &256.into()));
    verifier.run(&stored, Some(server.dir.path())).await.failed(2);
}
