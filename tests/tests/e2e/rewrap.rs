//! The root key's next version, and another root key's succession: everything is wrapped anew while the service works.
use std::time::Duration;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use keepgate_crypto_keys::{KeyContext, KeyFile, KeyService, RecoverySecret, Wrapped};
use keepgate_tests::{Options, Reply, Server, email, eventually, message, run};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

use crate::{
    judges::{hpke, openbao::OpenBao},
    root_key,
};

/// The names of what wraps, in every table.
const KEKS: &str = "select distinct kek from (select kek from keys.data_key where wrapped is not null union all \
    select kek from keys.signing_key where wrapped is not null union all select kek from keys.instance_key union all \
    select kek from identity.signing_key where sealed is not null) k order by 1";

/// `keepgate keys …` on the machine of `server`.
pub async fn keys(server: &Server, words: &[&str]) -> keepgate_tests::Ended {
    let (config, data) = (server.dir.path().join("keepgate.toml"), server.data_dir());
    let place = [
        "--config",
        config.to_str().unwrap(),
        "--data-dir",
        data.to_str().unwrap(),
    ];
    run(["keys"].iter().chain(words).chain(&place)).await
}

/// What `keys root status` tells.
pub async fn root_status(server: &Server) -> Value {
    let told = keys(server, &["root", "status", "--json"]).await.expect(0).out;
    serde_json::from_str(&told).unwrap()
}

async fn rewrap(server: &Server) -> Value {
    let told = keys(server, &["rewrap", "--json"]).await.expect(0).out;
    serde_json::from_str(&told).unwrap()
}

/// The sealed answer of before, and something new.
async fn works(server: &Server, owner: &str, to: &str, first: &str) {
    let again = server
        .post_once("/v1/messages", owner, "once", &message(to, "payload"))
        .await;
    assert_eq!(again.expect(202).text(), first, "the sealed answer opened");
    server.accept(owner, message(to, "later")).await;
}

/// An owner, a recipient, and the answer that is kept for `works`.
async fn begun(server: &Server) -> (String, String, String) {
    let owner = server.owner().await;
    let to = server.recipient(&owner, "sms", "+15005550009").await;
    let body = message(&to, "payload");
    let first = server
        .post_once("/v1/messages", &owner, "once", &body)
        .await
        .expect(202)
        .text();
    (owner, to, first)
}

/// Accepts, logs in, makes keys and reads the log until it is told to stop; how many requests there were, and none failed.
async fn busy(server: &Server, owner: &str, to: &str, mut stop: watch::Receiver<bool>) -> usize {
    let stranger = json!({"email": email(), "password": "correct horse battery staple"});
    let mut done = 0;
    loop {
        let accepted = server.post("/v1/messages", owner, message(to, "busy"));
        let name = format!("during {done}");
        let once = json!({"name": name, "level": 1});
        let key = server.post_once("/v1/api-keys", owner, &name, &once);
        let refused = server.send(Method::POST, "/v1/auth/login", None, &[], &stranger);
        let read = server.get("/v1/audit?limit=20", owner);
        let all: (Reply, Reply, Reply, Reply) = tokio::join!(accepted, key, refused, read);
        all.0.expect(202);
        all.1.expect(201);
        assert!(matches!(all.2.status, 401 | 429), "{}", all.2.text());
        all.3.expect(200);
        done += 4;
        if *stop.borrow_and_update() {
            return done;
        }
    }
}

#[tokio::test]
async fn a_key_file_s_next_version_wraps_everything_while_requests_go_on() {
    let server = Server::start().await;
    let (owner, to, first) = begun(&server).await;
    let old = server.superuser(KEKS).await;
    let (stop, stopped) = watch::channel(false);
    let work = async {
        let rotated = keys(&server, &["root", "rotate"]).await.expect(0).out;
        assert!(root_status(&server).await["due"].as_i64().unwrap() >= 4);
        // Killed wherever it is at that moment.
        for milliseconds in [60, 90, 120, 150] {
            let _killed = timeout(Duration::from_millis(milliseconds), keys(&server, &["rewrap"])).await;
        }
        let done = rewrap(&server).await;
        assert_eq!(done["root"], rotated.trim());
        assert_eq!(done["outcome"]["left_count"], 0);
        assert_eq!(
            rewrap(&server).await["outcome"]["done"]["tenant_keys"],
            0,
            "nothing is due twice"
        );
        let _ = stop.send(true);
        rotated.trim().to_owned()
    };
    let (requests, new) = tokio::join!(busy(&server, &owner, &to, stopped), work);
    assert!(requests >= 8, "{requests} requests meanwhile");
    assert_eq!(server.superuser(KEKS).await, new);
    let status = root_status(&server).await;
    assert_eq!(status["due"], 0);
    assert_eq!(
        server.entries(&owner, "action=key.rewrapped", 1).await.len(),
        1,
        "the tenant's log tells it"
    );
    let platform = "select count(distinct e.entity) from audit.entry e join rbac.tenant t on t.id = e.tenant_id \
        where t.kind = 'platform' and e.action = 'key.rewrapped' and e.entity in ('installation-key', 'log-keys', 'signing-keys')";
    assert_eq!(server.superuser(platform).await, "3");

    // The older version may be forgotten when nothing of it is under way any more.
    let young = keys(&server, &["root", "forget", &old]).await.failed(1);
    assert!(young.contains("not a minute old"), "{young}");
    let file = server.data_dir().join("keys/kek");
    let text = std::fs::read_to_string(&file).unwrap();
    let aged: Vec<_> = text.lines().map(|line| line.replacen("v1 20", "v1 19", 1)).collect();
    server.swap_file("data/keys/kek", &format!("{}\n", aged.join("\n")));
    let newest = keys(&server, &["root", "forget", &new]).await.failed(1);
    assert!(newest.contains("still wraps"), "{newest}");
    keys(&server, &["root", "forget", &old]).await.expect(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
    let mut server = server;
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    works(&server, &owner, &to, &first).await;
}

#[tokio::test]
async fn nobody_but_the_worker_wraps_anew_and_no_key_is_put_in_another_s_place() {
    let server = Server::start().await;
    begun(&server).await;
    let tenant = server.superuser("select tenant_id from keys.data_key limit 1").await;
    for (role, call) in [
        (
            "kg_app",
            format!("gate.rewrap_data_key('{tenant}', 1, '\\x00', 'k', '\\x00', null, null)"),
        ),
        (
            "superuser",
            "gate.rewrap_seed('k', '\\x00', 'k', '\\x00', null, null)".to_owned(),
        ),
    ] {
        let said = server.sql(role, &format!("select {call}")).await.expect(1).err;
        assert!(said.contains("only Keepgate's own worker"), "{said}");
    }
    for nothing in [
        "gate.root_uses(null)",
        "gate.tenants_to_rewrap('k', null)",
        &format!("gate.root_wrapped_keys('{tenant}')"),
    ] {
        let seen = server
            .sql("kg_app", &format!("select count(*) from {nothing}"))
            .await
            .expect(0)
            .out;
        assert_eq!(seen.trim(), "0", "{nothing}");
    }
    let seeds = server
        .sql("kg_app", "select * from gate.root_wrapped_seeds()")
        .await
        .expect(1)
        .err;
    assert!(seeds.contains("permission denied"), "{seeds}");
    // The guards hold for whoever gets past the functions.
    for change in [
        "update keys.data_key set wrapped = decode(repeat('00', 60), 'hex')",
        "update keys.data_key set kek = 'another'",
        "update keys.data_key set kek = 'another', wrapped = decode(repeat('00', 60), 'hex'), version = 9",
        "update keys.signing_key set wrapped = decode(repeat('00', 60), 'hex')",
        "update identity.signing_key set sealed = decode(repeat('00', 60), 'hex')",
    ] {
        let said = server.sql("superuser", change).await.expect(1).err;
        assert!(said.contains("only moves forward"), "{change}: {said}");
    }
    let untold = "update keys.data_key set kek = 'another', wrapped = decode(repeat('00', 60), 'hex')";
    let said = server.sql("superuser", untold).await.expect(1).err;
    assert!(said.contains("without an audit entry"), "{said}");
}

#[tokio::test]
async fn a_key_file_hands_over_to_openbao_and_openbao_to_its_next_version() {
    let Some(bao) = OpenBao::start().await else { return };
    let mut server = Server::start().await;
    let (owner, to, first) = begun(&server).await;
    assert_eq!(server.stop().await, Some(0));
    server.reconfigure(root_key::options(&bao).await);
    server.start_again().await;
    // Nobody enters a suspended tenant; its keys are not forgotten for that.
    let quiet =
        |to: &str| format!("alter table rbac.tenant {to} trigger audited; alter table rbac.tenant {to} trigger revoke");
    let suspend = |to: &str| {
        format!(
            "begin; {}; update rbac.tenant set status = '{to}' where kind <> 'platform'; {}; commit",
            quiet("disable"),
            quiet("enable always")
        )
    };
    server.past_the_guard(&suspend("suspended")).await;
    let told = keys(&server, &["root", "status"]).await.expect(0).out;
    assert!(told.contains("keep it"), "{told}");
    let done = rewrap(&server).await;
    assert_eq!(
        (&done["outcome"]["left_count"], &done["outcome"]["done"]["tenant_keys"]),
        (&json!(0), &json!(1))
    );
    server.past_the_guard(&suspend("active")).await;
    assert_eq!(server.superuser(KEKS).await, "openbao:transit/keepgate:v1");
    let told = keys(&server, &["root", "status"]).await.expect(0).out;
    assert!(told.contains("may be removed"), "{told}");
    std::fs::remove_file(server.data_dir().join("keys/kek")).unwrap();

    // The next version there, and the end of the first.
    bao.admin("POST", "transit/keys/keepgate/rotate", json!({})).await;
    let (stop, stopped) = watch::channel(false);
    let work = async {
        rewrap(&server).await;
        let least = json!({"min_decryption_version": 2});
        bao.admin("POST", "transit/keys/keepgate/config", least).await;
        let _ = stop.send(true);
    };
    let (requests, ()) = tokio::join!(busy(&server, &owner, &to, stopped), work);
    assert!(requests >= 8, "{requests} requests meanwhile");
    assert_eq!(server.superuser(KEKS).await, "openbao:transit/keepgate:v2");
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    works(&server, &owner, &to, &first).await;
}

/// A server whose keys get copies for a recovery key, and the private half's path.
async fn recoverable() -> (Server, String) {
    let home = Server::home(&Options::default());
    let half = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (private, public) = (half("private"), half("public"));
    run(["keys", "recovery-key", "--out", &private, "--public", &public])
        .await
        .expect(0);
    run(["keys", "recovery-key", "--out", &private, "--public", &half("other")])
        .await
        .failed(1);
    let options = Options::config("[keys]\nrecovery_key = \"{dir}/public\"\n");
    (Server::on(home, options).await, private)
}

/// Copies are made in the background.
async fn copied(server: &Server) {
    keys(server, &["rewrap"]).await.expect(0);
    let told = keys(server, &["root", "status"]).await.expect(0).out;
    assert!(told.contains("every key has a copy"), "{told}");
}

/// Somebody else's HPKE opens every copy with the private half, by what docs/security/keys.md says, and finds what the root key wrapped;
/// what it seals to the public half opens here.
async fn judged(server: &Server, private: &str) {
    let rows = "select 'dek|' || replace(tenant_id::text, '-', '') || '|' || version as c, kek, wrapped as w, recovery as r from keys.data_key \
        union all select purpose || '|' || replace(tenant_id::text, '-', '') || '|1', kek, wrapped, recovery from keys.signing_key where version = 1 \
        union all select 'instance|' || encode(id::bytea, 'hex') || '|1', kek, wrapped, recovery from keys.instance_key \
        union all select 'access-token|' || encode(kid::bytea, 'hex') || '|1', kek, sealed, recovery from identity.signing_key";
    let rows = format!("select c, kek, encode(w, 'hex'), encode(r, 'hex') from ({rows}) k");
    let file = KeyFile::open(&server.data_dir().join("keys/kek")).unwrap();
    let (mut copies, mut wrapped) = (Vec::new(), Vec::new());
    for line in server.superuser(&rows).await.lines() {
        let cells: Vec<_> = line.split('|').collect();
        let [kind, owner, version, kek, row, copy] = cells[..] else {
            panic!("{line}")
        };
        copies.push(json!({"context": format!("keepgate wrap/v1|{kind}|{owner}|{version}"), "copy": copy}));
        let context = KeyContext::new(
            kind,
            &HEXLOWER.decode(owner.as_bytes()).unwrap(),
            version.parse().unwrap(),
        );
        let (kek, bytes) = (kek.to_owned(), HEXLOWER.decode(row.as_bytes()).unwrap());
        let key = file.unwrap(&context, &Wrapped { kek, bytes }).await.unwrap();
        wrapped.push(HEXLOWER.encode(&key[..]));
    }
    assert!(copies.len() >= 6, "every kind: {copies:?}");
    let half = |text: &str| {
        HEXLOWER.encode(
            &BASE64URL_NOPAD
                .decode(text.trim().rsplit(':').next().unwrap().as_bytes())
                .unwrap(),
        )
    };
    let secret = std::fs::read_to_string(private).unwrap();
    let public = std::fs::read_to_string(server.dir.path().join("public")).unwrap();
    let context = KeyContext::new("dek", b"a", 1);
    let asked = json!({"info": "keepgate recovery/v1", "private": half(&secret), "public": half(&public), "copies": copies, "aad": context.as_str()});
    let Some(told) = hpke(&asked).await else { return };
    assert_eq!(told["opened"], json!(wrapped));
    let own = Wrapped {
        kek: public.trim().to_owned(),
        bytes: HEXLOWER.decode(told["own"].as_str().unwrap().as_bytes()).unwrap(),
    };
    let secret: RecoverySecret = secret.parse().unwrap();
    let counted: Vec<u8> = (0..32).collect();
    assert_eq!(secret.open_bytes(&context, &own).unwrap().as_slice(), counted);
}

#[tokio::test]
async fn with_the_root_key_lost_the_recovery_key_opens_everything_again() {
    let (mut server, private) = recoverable().await;
    let (owner, to, first) = begun(&server).await;
    copied(&server).await;
    judged(&server, &private).await;
    let lost = server.superuser(KEKS).await;
    let device = server.key();
    server.get("/v1/me", &device).await.expect(200);
    assert_eq!(server.stop().await, Some(0));
    std::fs::remove_file(server.data_dir().join("keys/kek")).unwrap();
    let refused = server.start_in_vain().await.failed(4);
    assert!(refused.contains("keepgate keys recover"), "{refused}");

    let other = server.dir.path().join("elsewhere");
    let paths = [other.clone(), other.with_extension("pub")].map(|path| path.to_str().unwrap().to_owned());
    run(["keys", "recovery-key", "--out", &paths[0], "--public", &paths[1]])
        .await
        .expect(0);
    keys(&server, &["recover", "--key", &paths[0]]).await.failed(4);
    assert!(!server.data_dir().join("keys/kek").exists(), "nothing was made in vain");
    let told = keys(&server, &["recover", "--key", &private]).await.expect(0).out;
    assert!(told.contains("everything is recovered"), "{told}");
    server.start_again().await;
    works(&server, &owner, &to, &first).await;
    server.get("/v1/me", &device).await.expect(200);
    let now = server.superuser(KEKS).await;
    assert!(now != lost && !now.contains('\n'), "{now}");
    let told = keys(&server, &["root", "status"]).await.expect(0).out;
    assert!(
        told.contains("rewrap: not due") && told.contains("every key has a copy"),
        "{told}"
    );
}

#[tokio::test]
async fn what_has_no_copy_is_told_and_its_tenant_works_on() {
    let (mut server, private) = recoverable().await;
    let (owner, to, _) = begun(&server).await;
    copied(&server).await;
    assert_eq!(server.stop().await, Some(0));
    // As if the copy had never been made.
    let none =
        "set recovery_to = null, recovery = null from rbac.tenant t where t.id = k.tenant_id and t.kind <> 'platform'";
    let sql = format!(
        "alter table keys.data_key disable trigger audited; update keys.data_key k {none}; update keys.signing_key k {none}; \
         alter table keys.data_key enable always trigger audited"
    );
    server.past_the_guard(&sql).await;
    std::fs::remove_file(server.data_dir().join("keys/kek")).unwrap();
    let told = keys(&server, &["recover", "--key", &private]).await.expect(1).out;
    assert!(
        told.contains("what it sealed stays closed") && told.contains("new keys for 1 tenants"),
        "{told}"
    );
    server.start_again().await;
    let shut = server
        .post_once("/v1/messages", &owner, "once", &message(&to, "payload"))
        .await;
    assert!(shut.status >= 400, "{}", shut.text());
    server.get("/v1/me", &owner).await.expect(200);
    let fresh = server.recipient(&owner, "sms", "+15005550009").await;
    server.accept(&owner, message(&fresh, "later")).await;
    // The log goes on under a new key.
    assert!(told.contains("its log is not signed on"), "{told}");
    let turn = json!({"log": "own", "emergency": true});
    server.post("/v1/log-keys:rotate", &owner, turn).await.expect(200);
    let told = server.entries(&owner, "action=log-key.rotate", 1).await;
    eventually("the log is signed on", || async {
        let size = server.get("/v1/audit/log/checkpoint", &owner).await.expect(200).text();
        let size: u64 = size.lines().nth(1)?.parse().ok()?;
        (told[0]["index"].as_u64().unwrap() < size).then_some(())
    })
    .await;
}
