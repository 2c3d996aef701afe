//! A month of long ago: archived, told in the log, removed by a service that is killed in between.
use keepgate_merkle::{hash::leaf_hash, note::VerifierKey, tlog_proof::TlogProof};
use keepgate_tests::{Options, Server, eventually};
use serde_json::Value;

/// Six hundred entries of January 2020, as they would lie there today; nobody but a superuser who takes the guards down can do that.
const OLD: &str = r#"
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
