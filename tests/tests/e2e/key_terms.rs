//! How keys look, how long they live, and when they were used.
use keepgate_tests::{Server, eventually, in_seconds};
use serde_json::{Value, json};

/// In seconds.
const fn days(days: u64) -> u64 {
    days * 24 * 3600
}

async fn listed(server: &Server, owner: &str, id: &str) -> Value {
    let keys = server.all(owner, "/v1/api-keys").await;
    keys.into_iter().find(|item| item["id"] == *id).unwrap()
}

fn crc32(text: &str) -> u32 {
    !text.bytes().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 }
        })
    })
}

/// As the published rule says it, by nobody's code but this.
fn checksum(text: &str, alphabet: &str) -> String {
    let digits: Vec<char> = alphabet.chars().collect();
    let (mut number, mut out) = (crc32(text) as usize, Vec::new());
    for _ in 0..6 {
        out.push(digits[number % 62]);
        number /= 62;
    }
    out.iter().rev().collect()
}

#[tokio::test]
async fn the_published_pattern_finds_a_key_and_tells_a_lookalike_offline() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (_, key) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let pattern = server.open("/.well-known/keepgate-api-keys.json").await.expect(200);
    assert!(pattern.header("cache-control").unwrap().contains("public"));
    let pattern = pattern.json();
    let found = std::process::Command::new("python3")
        .args([
            "-c",
            "import re,sys; sys.exit(0 if re.search(sys.argv[1], 'x \"' + sys.argv[2] + '\" y') else 1)",
        ])
        .args([pattern["kinds"][0]["regex"].as_str().unwrap(), &key])
        .status();
    assert!(
        found.unwrap().success(),
        "another language's regular expressions find it"
    );
    let alphabet = pattern["checksum"]["alphabet"].as_str().unwrap();
    for real in [&key, &server.key(), pattern["kinds"][0]["example"].as_str().unwrap()] {
        let (body, sum) = real.split_at(real.len() - 6);
        assert_eq!(checksum(body, alphabet), sum, "{real:.17}");
    }
    let lookalike = key.replace('0', "1");
    if lookalike != key {
        let (body, sum) = lookalike.split_at(lookalike.len() - 6);
        assert_ne!(checksum(body, alphabet), sum);
    }
}

#[tokio::test]
async fn a_key_ends_after_ninety_days_and_only_an_owner_makes_one_without_an_end() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.person(&owner, 4).await.token;
    let issue = async |by: &str, body: Value| server.post("/v1/api-keys", by, body).await;
    let made = issue(&admin, json!({"name": "k", "level": 2})).await.expect(201).json();
    let end = made["expires_at"].as_str().unwrap().to_owned();
    assert!(end > in_seconds(days(89)) && end < in_seconds(days(91)), "{end}");
    let id = made["id"].as_str().unwrap();
    assert_eq!(listed(&server, &owner, id).await["expires_at"], *end);
    let year = in_seconds(days(365));
    issue(&admin, json!({"name": "k", "level": 2, "expires_at": year}))
        .await
        .expect(201);
    for far in [json!(in_seconds(days(367))), Value::Null] {
        let body = json!({"name": "k", "level": 2, "expires_at": far});
        issue(&admin, body.clone()).await.problem(422, "expiry-too-far");
        let made = issue(&owner, body).await.expect(201).json();
        assert_eq!(made["expires_at"].is_null(), far.is_null());
    }
}

#[tokio::test]
async fn the_first_key_is_good_for_a_day_and_the_terminal_says_so() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let keys = server.all(&owner, "/v1/api-keys").await;
    let end = keys[0]["expires_at"].as_str().unwrap();
    assert!(
        end > &*in_seconds(days(1) - 600) && end < &*in_seconds(days(1) + 60),
        "{end}"
    );
    assert!(server.printed().contains("good for 24 hours"));
    assert!(server.admits(&server.key()).await);
}

#[tokio::test]
async fn many_uses_are_one_write_and_a_stop_writes_the_last() {
    let mut server = Server::start().await;
    let owner = server.owner().await;
    let (id, key) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let version = async || {
        let row = "select string_agg(xmin::text, ',' order by id) from identity.api_key";
        server.superuser(row).await
    };
    let before = version().await;
    for _ in 0..50 {
        assert!(server.admits(&key).await);
    }
    assert_eq!(version().await, before, "no request writes the row of its key");
    server.stop().await;
    server.start_again().await;
    let item = listed(&server, &owner, &id).await;
    assert!(item["last_used_at"].is_string(), "{item}");
    assert_eq!(item["last_used_from"], "127.0.0.1");
}

#[tokio::test]
async fn a_retiring_secret_shows_its_own_last_use() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let (id, old) = server.issue(&owner, json!({"name": "k", "level": 2})).await;
    let rotate = format!("/v1/api-keys/{id}/rotate");
    let reply = server
        .post(&rotate, &owner, json!({"overlap_seconds": 3600}))
        .await
        .expect(200);
    let new = reply.field("key");
    assert!(reply.json()["expires_at"].is_string());
    assert!(server.admits(&new).await);
    let item = listed(&server, &owner, &id).await;
    assert!(
        item["retiring"]["until"].is_string() && item["retiring"]["last_used_at"].is_null(),
        "{item}"
    );
    assert!(item["last_used_at"].is_string());
    assert!(server.admits(&old).await);
    let item = listed(&server, &owner, &id).await;
    assert!(
        item["retiring"]["last_used_at"].is_string(),
        "somebody still needs the old one: {item}"
    );
    let month = json!({"overlap_seconds": days(31)});
    server
        .post(&rotate, &owner, month)
        .await
        .problem(422, "overlap-too-long");
}

#[tokio::test]
async fn a_demoted_owner_s_key_narrows_at_the_next_request_in_policy_and_database() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let admin = server.person(&owner, 4).await;
    let (_, key) = server.issue(&admin.token, json!({"name": "k", "level": 3})).await;
    let body = json!({"name": "r", "contacts": [{"channel": "sms", "address": "+15005550001"}]});
    server.post("/v1/recipients", &key, body.clone()).await.expect(201);
    server
        .patch(&format!("/v1/users/{}", admin.id), &owner, json!({"level": 2}))
        .await
        .expect(200);
    let me = server.get("/v1/me", &key).await.expect(200).json();
    assert_eq!(me["level"], 1, "what the database says");
    server
        .post("/v1/recipients", &key, body)
        .await
        .problem(403, "level-too-low");
}

#[tokio::test]
async fn an_expired_first_key_is_refused() {
    let server = Server::start().await;
    assert!(server.admits(&server.key()).await);
    // A day goes by: nobody but the superuser can move an end.
    for sql in [
        "alter table identity.api_key disable trigger terms",
        "update identity.api_key set expires_at = now() where name = 'bootstrap'",
        "alter table identity.api_key enable always trigger terms",
    ] {
        server.past_the_guard(sql).await;
    }
    eventually("the end of the first key", || async {
        (!server.admits(&server.key()).await).then_some(())
    })
    .await;
}
