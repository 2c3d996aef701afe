//! Erasing a person: what is gone, what stays provable, and that no older database brings anybody back.
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, HEXLOWER};
use keepgate_kernel::PrincipalId;
use keepgate_merkle::{hash::leaf_hash, note::VerifierKey, tlog_proof::TlogProof};
use keepgate_tests::{Person, Reply, Server};
use serde_json::{Value, json};

struct House {
    server: Server,
    owner: String,
    admin: Person,
    person: Person,
}

/// A person of level 1 who has asked who it is, twice.
async fn house() -> House {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.person(&owner, 4).await;
    let person = server.person(&owner, 1).await;
    for _ in 0..2 {
        server.get("/v1/me", &person.token).await.expect(200);
    }
    House {
        server,
        owner,
        admin,
        person,
    }
}

impl House {
    async fn agree(&self, action: &str, target: &str) {
        let ask = json!({"action": action, "target": target, "reason": "the person has asked for it"});
        let asked = self
            .server
            .post("/v1/approvals", &self.owner, ask)
            .await
            .expect(201)
            .field("id");
        let approve = format!("/v1/approvals/{asked}/approve");
        self.server.press(&approve, &self.admin.token).await.expect(200);
    }

    async fn erase(&self) -> Reply {
        let body = json!({"subject": self.person.id, "reason": "the person has asked for it"});
        self.server.post("/v1/erasures", &self.owner, body).await
    }

    async fn delete_person(&self) {
        let path = format!("/v1/users/{}", self.person.id);
        self.server.delete(&path, &self.owner).await.expect(204);
    }

    fn subject(&self) -> String {
        self.person.id.parse::<PrincipalId>().unwrap().uuid().to_string()
    }

    /// The entries of the person that have an index.
    async fn entries(&self) -> Vec<Value> {
        let mut log = self.server.whole_log(&self.owner).await;
        log.retain(|entry| entry["actor"]["id"] == self.person.id.as_str());
        log
    }

    /// The line of an export that is about entry `index`.
    async fn exported(&self, index: u64) -> Value {
        let path = "/v1/audit/export?format=jsonl";
        let text = self.server.get(path, &self.owner).await.expect(200).text();
        let line = text.lines().nth(usize::try_from(index).unwrap()).unwrap();
        serde_json::from_str(line).unwrap()
    }

    async fn count(&self, table: &str, condition: &str) -> String {
        let sql = format!("select count(*) from {table} where {condition}");
        self.server.superuser(&sql).await
    }
}

fn base64(hex: &str) -> String {
    BASE64.encode(&HEXLOWER.decode(hex.as_bytes()).unwrap())
}

#[tokio::test]
async fn a_person_is_erased_by_two_and_every_old_proof_still_verifies() {
    let house = house().await;
    let (server, owner) = (&house.server, &house.owner);
    let before = house.entries().await;
    let seen = before.iter().find(|entry| entry["action"] == "me.read").unwrap();
    assert_eq!(seen["source"]["ip"], "127.0.0.1");
    let index = seen["index"].as_u64().unwrap();
    let line = house.exported(index).await;
    let proof = server
        .get(&format!("/v1/audit/proof?index={index}"), owner)
        .await
        .expect(200)
        .text();
    let vkey = server.get("/v1/audit/log/vkey", owner).await.expect(200).text();

    house.erase().await.problem(409, "user-not-deleted");
    house.delete_person().await;
    house.erase().await.problem(403, "approval-required");
    house.agree("erasure.create", &house.person.id).await;
    let erased = house.erase().await.expect(201).json();
    assert_eq!(erased["subject"], house.person.id.as_str());
    assert!(erased["openings"].as_u64().unwrap() >= 3, "{erased}");
    house.erase().await.problem(403, "approval-required");

    // Nobody is shown the address any more; who looks sees when it went, and which entry says so.
    let log = server.whole_log(owner).await;
    let told = log.iter().find(|entry| entry["action"] == "audit.erased").unwrap();
    assert_eq!(told["entity"], house.person.id.as_str());
    for (old, new) in before.iter().zip(house.entries().await) {
        assert_eq!(old["leaf_hash"], new["leaf_hash"]);
        assert_eq!(
            (&new["source"]["ip"], &new["source"]["erased_by_index"]),
            (&Value::Null, &told["index"])
        );
        assert!(new["source"]["erased_at"].is_string());
    }
    let listed = server.get("/v1/erasures", owner).await.expect(200).json();
    assert_eq!(
        (&listed["items"][0]["id"], &listed["items"][0]["index"]),
        (&erased["id"], &told["index"])
    );
    assert_eq!(house.exported(index).await["source"], Value::Null);

    // What was proved stays proved, to whoever holds an old opening as well.
    let leaf = leaf_hash(line["leaf"].to_string().as_bytes());
    assert_eq!(leaf.to_string(), line["leaf_hash"].as_str().map(base64).unwrap());
    let salt = HEXLOWER
        .decode(line["source"]["salt"].as_str().unwrap().as_bytes())
        .unwrap();
    let opening = [&b"kg-c/v1\0source\0"[..], &salt, b"127.0.0.1"].concat();
    let committed = HEXLOWER.encode(digest(&SHA256, &opening).as_ref());
    assert_eq!(line["leaf"]["c"]["source"], committed.as_str());
    let key: VerifierKey = vkey.trim().parse().unwrap();
    let old: TlogProof = proof.parse().unwrap();
    old.verify(&leaf, key.name().as_str(), std::slice::from_ref(&key))
        .unwrap();
    let new = server
        .get(&format!("/v1/audit/proof?index={index}"), owner)
        .await
        .expect(200)
        .text();
    let new: TlogProof = new.parse().unwrap();
    new.verify(&leaf, key.name().as_str(), std::slice::from_ref(&key))
        .unwrap();

    // Nothing of the person is left in the database, and the salt never was there in the clear.
    let subject = house.subject();
    for table in [
        "identity.password",
        "identity.factor",
        "identity.mail",
        "identity.reset",
        "sso.account",
    ] {
        assert_eq!(
            house.count(table, &format!("principal_id = '{subject}'")).await,
            "0",
            "{table}"
        );
    }
    assert_eq!(
        house.count("keys.subject_key", &format!("subject = '{subject}'")).await,
        "0"
    );
    let orphans = "not exists (select from keys.subject_key k where k.id = key_id)";
    assert_eq!(house.count("audit.sealed_opening", orphans).await, "0");
    let everything = server
        .superuser("select string_agg(t::text, ' ') from (select s::text from audit.sealed_opening s union all select k::text from keys.subject_key k union all select e::text from audit.entry e) t(t)")
        .await;
    assert!(!everything.contains(&HEXLOWER.encode(&salt)));
    assert!(!everything.contains(&house.person.email));
}

#[tokio::test]
async fn whom_a_hold_names_is_not_erased_until_two_release_it() {
    let house = house().await;
    let (server, owner) = (&house.server, &house.owner);
    house.delete_person().await;
    let body = json!({"subject": house.person.id, "reason": "proceedings announced by letter"});
    server
        .post("/v1/holds", &house.admin.token, body.clone())
        .await
        .problem(403, "level-too-low");
    let hold = server.post("/v1/holds", owner, body).await.expect(201).field("id");
    let backwards =
        json!({"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z", "reason": "the wrong way round"});
    server
        .post("/v1/holds", owner, backwards)
        .await
        .problem(422, "span-malformed");
    house.agree("erasure.create", &house.person.id).await;
    house.erase().await.problem(409, "held");
    let path = format!("/v1/holds/{hold}");
    server.delete(&path, owner).await.problem(403, "approval-required");
    house.agree("hold.release", &hold).await;
    let released = server.delete(&path, owner).await.expect(200).json();
    assert!(released["released_at"].is_string());
    server.delete(&path, owner).await.problem(409, "hold-released");
    house.erase().await.expect(201);
    let held = server.get("/v1/holds", owner).await.expect(200).json();
    assert_eq!(held["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_restored_backup_does_not_bring_the_person_back() {
    let mut house = house().await;
    let backup = house.server.dir.path().join("backup.dump");
    house.server.pg_dump("-Fc", &backup).await;
    house.delete_person().await;
    house.agree("erasure.create", &house.person.id).await;
    house.erase().await.expect(201);
    let subject = house.subject();
    let stones = house.server.data_dir().join("erased");
    let stone = std::fs::read_dir(&stones)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path()
        .join(&subject);
    assert!(stone.is_file(), "the copy outside the database");
    assert_eq!(house.server.stop().await, Some(0));

    // Yesterday's database, over today's.
    house.server.pg_restore(&backup).await;
    let living = format!("id = '{subject}' and email is not null");
    assert_eq!(
        house.count("rbac.principal", &living).await,
        "1",
        "the backup holds the person"
    );
    assert_ne!(
        house.count("keys.subject_key", &format!("subject = '{subject}'")).await,
        "0"
    );

    house.server.start_again().await;
    assert_eq!(house.count("rbac.principal", &living).await, "0");
    assert_eq!(
        house
            .count("rbac.principal", &format!("id = '{subject}' and status = 'deleted'"))
            .await,
        "1"
    );
    assert_eq!(
        house.count("keys.subject_key", &format!("subject = '{subject}'")).await,
        "0"
    );
    assert_eq!(house.count("audit.entry", "action = 'audit.erased'").await, "2");
    let log = house.server.log();
    assert!(log.contains("the database is older than an erasure"), "{log}");
    let reply = house.server.login(&house.person.email, keepgate_tests::PASSWORD).await;
    assert_eq!(reply.status, 401, "{}", reply.text());
}

#[tokio::test]
async fn addresses_of_strangers_are_destroyed_when_they_are_old_and_no_backup_brings_them_back() {
    let mut house = house().await;
    let reply = house.server.login("nobody@example.org", keepgate_tests::PASSWORD).await;
    assert_eq!(reply.status, 401, "{}", reply.text());
    let strangers = "subject = tenant_id";
    let under = "exists (select from keys.subject_key k where k.id = key_id and k.subject = k.tenant_id)";
    let told = "action = 'audit.erased' and entity = 'strangers:30-days'";
    assert_ne!(house.count("keys.subject_key", strangers).await, "0");
    assert_ne!(house.count("audit.sealed_opening", under).await, "0");
    let others = house.count("audit.sealed_opening", &format!("not {under}")).await;
    let off = |state: &str| {
        format!(
            "alter table keys.subject_key {state} trigger nochange; alter table keys.subject_key {state} trigger audited"
        )
    };
    let aged = format!(
        "begin; {}; update keys.subject_key set created_at = created_at - interval '31 days' where subject = tenant_id; {}; commit",
        off("disable"),
        off("enable always")
    );
    house.server.past_the_guard(&aged).await;
    let backup = house.server.dir.path().join("backup.dump");
    house.server.pg_dump("-Fc", &backup).await;
    assert_eq!(house.server.stop().await, Some(0));
    house.server.start_again().await;
    assert_eq!(
        house.count("keys.subject_key", strangers).await,
        "0",
        "before anybody is served"
    );
    let left = house
        .count(
            "audit.sealed_opening",
            "not exists (select from keys.subject_key k where k.id = key_id)",
        )
        .await;
    assert_eq!(left, "0");
    assert!(
        house.count("audit.sealed_opening", "true").await >= others,
        "those of people stay"
    );
    let entries = house.count("audit.entry", told).await;
    assert_ne!(entries, "0");
    assert_eq!(house.server.stop().await, Some(0));
    house.server.pg_restore(&backup).await;
    assert_ne!(
        house.count("keys.subject_key", strangers).await,
        "0",
        "the backup has them"
    );
    house.server.start_again().await;
    assert_eq!(house.count("keys.subject_key", strangers).await, "0");
    assert_eq!(
        house.count("audit.entry", told).await,
        entries,
        "told in this database, too"
    );
}
