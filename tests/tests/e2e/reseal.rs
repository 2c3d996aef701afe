//! After a rotation everything is sealed anew: under load, by several instances, through a `kill -9`; what was damaged is told, and what is to
//! end with its key is left alone.
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use keepgate_tests::{
    Answer, App, Fleet, Options, PASSWORD, Person, Server, StandIn, eventually, hmac_sha256, message, run, within,
};
use serde_json::{Value, json};

use crate::{
    key_ends::condemn,
    sinks::{add, bearer, metrics},
};

const CONFIG: &str = "[keys]\nreseal_per_second = 60\n[limits]\nrequest_timeout_seconds = 10\n[webhooks]\nallow_loopback = true\n\
    [sinks]\nallow_loopback = true\n";
/// Messages before the rotation.
const MESSAGES: usize = 150;
/// Longer than everybody needs to look at the keys again, a lease of somebody who was killed, and the rest.
const PATIENCE: Duration = Duration::from_secs(180);

/// Every column that holds a value sealed under a tenant's key, its version as the bytes say: written down a second time, on purpose.
const SEALED: [(&str, &str, &str); 9] = [
    ("channels.message", "payload", "true"),
    ("channels.message", "text", "x.text is not null"),
    ("channels.delivery", "ack_note", "x.ack_note is not null"),
    ("channels.webhook", "secret", "true"),
    ("doorway.idempotency", "answer", "true"),
    ("identity.factor", "material", "x.kind = 'totp'"),
    ("sso.provider", "secret", "x.secret is not null"),
    ("audit.sink_secret", "sealed", "true"),
    ("identity.mail", "sealed", "x.sealed is not null"),
];

/// How many values of the tenant each column holds under each version: `message.payload 2` to a number.
async fn versions(sql: impl AsyncFn(String) -> String, tenant: &str) -> BTreeMap<String, u64> {
    let one = |(table, column, only): &(&str, &str, &str)| {
        format!(
            "select '{table}.{column} ' || ('x' || encode(substr(x.{column}, 2, 4), 'hex'))::bit(32)::int v from {table} x where {only} and x.tenant_id = '{tenant}'"
        )
    };
    let all: Vec<String> = SEALED.iter().map(one).collect();
    let persons = format!(
        "select 'keys.subject_key.kek ' || split_part(kek, ':', 2) v from keys.subject_key where tenant_id = '{tenant}'"
    );
    let text = sql(format!(
        "select v || ' ' || count(*) from ({} union all {persons}) s group by v",
        all.join(" union all ")
    ))
    .await;
    let pair = |line: &str| {
        let (what, count) = line.rsplit_once(' ').unwrap();
        (what.to_owned(), count.parse().unwrap())
    };
    text.lines().map(pair).collect()
}

fn under(found: &BTreeMap<String, u64>, version: u8) -> u64 {
    let ending = format!(" {version}");
    found
        .iter()
        .filter(|(what, _)| what.ends_with(&ending))
        .map(|(_, count)| count)
        .sum()
}

/// One of everything that is sealed, and many messages.
struct House<'a> {
    server: &'a Server,
    owner: String,
    tenant: String,
    ann: Person,
    app: App,
    hook: String,
    secret: String,
    phone: String,
    first: String,
}

async fn furnish<'a>(server: &'a Server, tenant: &str, office: &StandIn) -> House<'a> {
    let owner = server.owner().await;
    let ann = server.person(&owner, 2).await;
    let (app, _) = server.add_app(&ann.token).await;
    let url = format!("{}/hook", office.url);
    let made = server
        .post("/v1/webhooks", &owner, json!({"url": url, "events": []}))
        .await
        .expect(201)
        .json();
    let hook = server.recipient(&owner, "internet", &url).await;
    let sink = json!({"name": "siem", "target": bearer(office)});
    add(server, &owner, sink).await;
    let provider = json!({"issuer": "https://login.example.org", "client_id": "gw", "client_secret": "a secret of the test",
        "group_levels": {"staff": {"level": 2}}});
    let made_provider = server.put("/v1/sso/providers/corp", &owner, provider).await;
    assert!(matches!(made_provider.status, 200 | 201), "{}", made_provider.text());
    let me = server.get("/v1/me", &owner).await.expect(200).json();
    let waits = server
        .recipient(&owner, "internet", me["principal"]["id"].as_str().unwrap())
        .await;
    let noted = server.accept(&owner, message(&waits, "noted")).await;
    server
        .post(
            &format!("/v1/messages/{noted}/ack"),
            &owner,
            json!({"note": "on my way"}),
        )
        .await
        .expect(200);
    let mut house = House {
        server,
        tenant: tenant.to_owned(),
        ann,
        app,
        secret: made["secret"].as_str().unwrap().to_owned(),
        phone: waits,
        first: String::new(),
        hook,
        owner,
    };
    for n in 1..MESSAGES {
        let answer = house.accept(&format!("before {n}")).await;
        if n == 1 {
            house.first = answer;
        }
    }
    house
}

impl House<'_> {
    async fn accept(&self, key: &str) -> String {
        let mut body = message(&self.phone, key);
        body["text"] = json!(format!("text of {key}"));
        self.server
            .post_once("/v1/messages", &self.owner, key, &body)
            .await
            .expect(202)
            .text()
    }

    async fn states(&self) -> Vec<String> {
        let keys = self.server.get("/v1/keys", &self.owner).await.expect(200).json();
        let state = |key: &Value| key["state"].as_str().unwrap().to_owned();
        keys["items"].as_array().unwrap().iter().map(state).collect()
    }

    /// Asks for everything until told otherwise; none of it fails. How often a webhook was called for, and how much was asked in all.
    async fn busy(&self, stop: &AtomicBool) -> (usize, usize) {
        let mut app = self.app.clone();
        let (goes, on) = (|| !stop.load(Ordering::Relaxed), Duration::from_millis(20));
        let accepting = async {
            let mut n = 0;
            while goes() {
                self.accept(&format!("during {n}")).await;
                assert_eq!(self.accept("before 1").await, self.first, "a kept answer opens");
                n += 1;
                tokio::time::sleep(on).await;
            }
            n * 2
        };
        let calling = async {
            let mut n = 0;
            while goes() {
                self.server
                    .accept(&self.owner, message(&self.hook, "for the hook"))
                    .await;
                n += 1;
                tokio::time::sleep(on * 5).await;
            }
            n
        };
        let entering = async {
            let mut n = 0;
            while goes() {
                let asked = self.server.login(&self.ann.email, PASSWORD).await.expect(200).json();
                let answer = json!({"challenge": asked["mfa"]["challenge"], "totp": app.code().await});
                self.server.answer(&answer).await.expect(200);
                n += 1;
            }
            n
        };
        let reading = async {
            let mut n = 0;
            while goes() {
                let page = self
                    .server
                    .get("/v1/audit?limit=50", &self.owner)
                    .await
                    .expect(200)
                    .json();
                let opened = page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|entry| entry["source"]["ip"] == "127.0.0.1");
                assert!(opened, "addresses open");
                n += 1;
                tokio::time::sleep(on * 5).await;
            }
            n
        };
        let (accepted, called, entered, read) = tokio::join!(accepting, calling, entering, reading);
        assert!(
            accepted > 10 && called > 3 && entered > 0 && read > 3,
            "{accepted} {called} {entered} {read}"
        );
        (called, accepted + called + entered + read)
    }
}

#[tokio::test]
async fn everything_is_sealed_anew_under_load_and_a_kill_in_the_middle_is_no_matter() {
    let office = StandIn::start(|_| Some(Answer::new(200, ""))).await;
    let mut fleet = Fleet::start_with(2, CONFIG).await;
    let mut second = fleet.instances.pop().unwrap();
    let tenant = fleet.boot["tenant"]
        .as_str()
        .unwrap()
        .parse::<keepgate_kernel::TenantId>()
        .unwrap();
    let house = furnish(fleet.first(), &tenant.uuid().to_string(), &office).await;
    let sql = async |text: String| fleet.sql(&text).await;
    let before = versions(sql, &house.tenant).await;
    for (table, column, _) in &SEALED[..8] {
        assert!(
            before.contains_key(&format!("{table}.{column} 1")),
            "{table}.{column}: {before:?}"
        );
    }
    assert_eq!(before["channels.message.payload 1"], MESSAGES as u64);
    unknown_columns(&fleet).await;

    let stop = AtomicBool::new(false);
    let turned = async {
        house
            .server
            .post("/v1/keys:rotate", &house.owner, json!({}))
            .await
            .expect(201);
        assert_eq!(house.states().await, ["opening", "sealing"]);
        // In the middle, one of the two is killed, and starts again.
        within(PATIENCE, "something is sealed anew", || async {
            let found = versions(sql, &house.tenant).await;
            (found.get("channels.message.payload 2").is_some_and(|new| *new > 0)
                && found.contains_key("channels.message.payload 1"))
            .then_some(())
        })
        .await;
        second.server.kill().await;
        second.server.start_again().await;
        within(PATIENCE, "nothing is left", || async {
            (house.states().await == ["deactivated", "sealing"]).then_some(())
        })
        .await;
        stop.store(true, Ordering::Relaxed);
    };
    let ((called, asked), ()) = tokio::join!(house.busy(&stop), turned);
    println!("{asked} requests while everything was sealed anew");
    let after = versions(sql, &house.tenant).await;
    assert_eq!((under(&after, 1), after.len()), (0, before.len()), "{after:?}");

    // Each value was moved once: the entries tell of as many as there were under the first key.
    let told = house.server.all(&house.owner, "/v1/audit?action=key.resealed").await;
    let mut moved = BTreeMap::<String, u64>::new();
    for entry in &told {
        let [what, kind, turn, count] = entry["entity"].as_str().unwrap().split(':').collect::<Vec<_>>()[..] else {
            panic!("{entry}")
        };
        assert_eq!((what, turn), ("sealed", "1-2"));
        *moved.entry(kind.to_owned()).or_default() += count.parse::<u64>().unwrap();
    }
    let before = MESSAGES as u64;
    assert!(
        (before..before + 30).contains(&moved["payload"]) && (before - 1..before + 30).contains(&moved["text"]),
        "{moved:?}"
    );
    for kind in ["note", "webhook-secret", "sso-secret", "sink-secret", "totp-seed"] {
        assert_eq!(moved.get(kind), Some(&1), "{moved:?}");
    }
    assert!(
        moved["answer"] >= MESSAGES as u64 - 1 && moved["subject-key"] >= 2,
        "{moved:?}"
    );
    let key = data_encoding::BASE64
        .decode(house.secret.strip_prefix("whsec_").unwrap().as_bytes())
        .unwrap();
    let calls = eventually("the webhook was called", || async {
        let calls: Vec<_> = office
            .heard()
            .into_iter()
            .filter(|heard| heard.path == "/hook")
            .collect();
        (calls.len() >= called).then_some(calls)
    })
    .await;
    for heard in &calls {
        let (id, at) = (
            heard.header("webhook-id").unwrap(),
            heard.header("webhook-timestamp").unwrap(),
        );
        let content = [format!("{id}.{at}.").as_bytes(), &heard.body].concat();
        let wanted = format!("v1,{}", hmac_sha256(&key, &content));
        assert!(
            heard.header("webhook-signature").unwrap().contains(&wanted),
            "by the one secret"
        );
    }
    let shown = metrics(house.server).await;
    assert!(shown.contains("keepgate_values_under_older_keys 0"), "{shown}");
}

/// The store's list is this one, and no other binary column holds what looks like a sealed value.
async fn unknown_columns(fleet: &Fleet) {
    let listed = fleet
        .sql("select relation || '.' || col from sec.sealed_columns() where kind <> 'subject-key' order by 1")
        .await;
    let mut ours: Vec<String> = SEALED
        .iter()
        .map(|(table, column, _)| format!("{table}.{column}"))
        .collect();
    ours.sort();
    assert_eq!(listed.lines().collect::<Vec<_>>(), ours);
    let every = "select n.nspname || '.' || c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace \
        where a.atttypid in ('bytea'::regtype, 'bytea[]'::regtype) and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p') and not c.relispartition \
        and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'";
    for column in fleet
        .sql(every)
        .await
        .lines()
        .filter(|column| !ours.contains(&(*column).to_owned()))
    {
        let (table, name) = column.rsplit_once('.').unwrap();
        let looks = format!(
            "select count(*) from (select to_jsonb(x.{name}) #>> '{{}}' h from {table} x) t where h ~ '^\\\\x0[12]000000[0-9a-f]{{2}}' and length(h) >= 2 + 2 * 33"
        );
        assert_eq!(
            fleet.sql(&looks).await,
            "0",
            "{column} holds sealed values and is not in the list"
        );
    }
}

/// The lines of `keepgate keys status`.
async fn shown(server: &Server, owner: &str) -> Vec<String> {
    let (url, token) = (server.url(""), server.private_file("token", owner));
    let words = [
        "keys",
        "status",
        "--url",
        &url,
        "--ca-cert",
        server.ca_cert(),
        "--token-file",
        &token,
    ];
    let out = run(words).await.expect(0).out;
    out.lines().map(str::to_owned).collect()
}

async fn key(server: &Server, owner: &str, version: usize) -> Value {
    server.get("/v1/keys", owner).await.expect(200).json()["items"][version - 1].clone()
}

#[tokio::test]
async fn damage_keeps_a_key_and_what_is_to_end_with_its_key_is_not_rescued() {
    let config = CONFIG.replace("request_timeout_seconds = 10", "request_timeout_seconds = 5");
    let server = Server::with(Options::config(&config)).await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "sms", "+15005550009").await;
    for n in 0..3 {
        server.accept(&owner, message(&to, &format!("message {n}"))).await;
    }
    let payloads = async || {
        let versions = "select string_agg(encode(substr(payload, 2, 4), 'hex'), ' ' order by id) from channels.message";
        server.superuser(versions).await
    };
    // A key that two people want to end takes what it sealed with it: nothing of that is moved to the next.
    condemn(&server, &owner).await;
    server.accept(&owner, message(&to, "under the second")).await;
    within(PATIENCE, "the dying key's values are counted", || async {
        let dying = key(&server, &owner, 1).await;
        (dying["state"] == "pending-destruction" && dying["remaining"].as_u64() >= Some(3)).then_some(())
    })
    .await;
    assert_eq!(payloads().await, "00000001 00000001 00000001 00000002");

    // Kept after all, its values move on, but for one that was damaged.
    let damage = "begin; alter table channels.message disable trigger nochange; alter table channels.message disable trigger audited; \
        update channels.message set payload = overlay(payload placing '\\x00' from 60) where id = (select id from channels.message order by id offset 1 limit 1); \
        alter table channels.message enable always trigger nochange; alter table channels.message enable always trigger audited; commit";
    server.past_the_guard(damage).await;
    server.post("/v1/keys/1/keep", &owner, json!({})).await.expect(200);
    let opening = within(PATIENCE, "only the damaged value is left", || async {
        let former = key(&server, &owner, 1).await;
        (former["remaining"] == 1 && former["unreadable"] == 1).then_some(former)
    })
    .await;
    assert_eq!(opening["state"], "opening");
    assert_eq!(payloads().await, "00000002 00000001 00000002 00000002");
    assert!(server.log().contains("sealed values can't be opened"));
    let lines = shown(&server, &owner).await;
    assert!(lines[0].ends_with(" 1 left, 1 of them damaged"), "{lines:?}");
}

#[tokio::test]
async fn what_is_in_use_goes_before_what_lies() {
    // So slow that the walk needs a minute to come by.
    let server = Server::with(Options::config("[keys]\nreseal_per_second = 1\n")).await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "sms", "+15005550009").await;
    let mut last = String::new();
    for n in 0..60 {
        last = server.accept(&owner, message(&to, &format!("message {n}"))).await;
    }
    server.post("/v1/keys:rotate", &owner, json!({})).await.expect(201);
    // To send it again, it is opened.
    server
        .post(&format!("/v1/messages/{last}/replay"), &owner, json!({}))
        .await
        .expect(200);
    let older = "select count(*) from channels.message where substr(payload, 2, 4) = '\\x00000001'";
    let of_last = "select encode(substr(payload, 2, 4), 'hex') from channels.message order by id offset 59 limit 1";
    within(PATIENCE, "what was opened is sealed anew", || async {
        (server.superuser(of_last).await == "00000002").then_some(())
    })
    .await;
    let left: u32 = server.superuser(older).await.parse().unwrap();
    assert!(left > 10, "the walk has not come by: {left} are left");
    let told = server.entries(&owner, "action=key.resealed", 1).await;
    assert!(
        told.iter().any(|entry| entry["entity"] == "sealed:payload:1-2:1"),
        "{told:?}"
    );
}
