//! A tenant's data key: the next version while the service works, and its end, which no older database takes back.
use std::path::Path;

use keepgate_tests::{Server, eventually, run};
use serde_json::{Value, json};

/// Runs programs of PostgreSQL's on the service's cluster.
async fn shell(server: &Server, on: &str, command: &str) {
    let data = server.data_dir();
    let start = [
        "db",
        "shell",
        "--data-dir",
        data.to_str().unwrap(),
        "--role",
        "superuser",
        "--",
        "-X",
        "-q",
        "-d",
        on,
    ];
    let (command, set) = (
        format!("\\! {command}"),
        ["-c", "\\setenv PGHOST :HOST", "-c", "\\setenv PGPORT :PORT", "-c"],
    );
    run(start.into_iter().chain(set).chain([command.as_str()]))
        .await
        .expect(0);
}

async fn dump(server: &Server, to: &Path) {
    shell(
        server,
        "keepgate",
        &format!("pg_dump -Fc -U keepgate -f '{}' keepgate", to.display()),
    )
    .await;
}

async fn restore(server: &Server, from: &Path) {
    let command = format!(
        "dropdb -U keepgate keepgate && createdb -U keepgate -T template0 keepgate && pg_restore -U keepgate -d keepgate --exit-on-error '{}'",
        from.display()
    );
    shell(server, "postgres", &command).await;
}

/// An answer that is kept for its idempotency key, sealed.
async fn once(server: &Server, owner: &str, key: &str) -> keepgate_tests::Reply {
    server
        .post_once("/v1/api-keys", owner, key, &json!({"name": key, "level": 1}))
        .await
}

async fn states(server: &Server, owner: &str) -> Vec<String> {
    let keys = server.get("/v1/keys", owner).await.expect(200).json();
    let state = |key: &Value| key["state"].as_str().unwrap().to_owned();
    keys["items"].as_array().unwrap().iter().map(state).collect()
}

#[tokio::test]
async fn a_key_is_rotated_while_requests_go_on_and_none_fails() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let first = once(&server, &owner, "before").await.expect(201).json();
    let busy = async {
        for n in 0..60 {
            once(&server, &owner, &format!("during {n}")).await.expect(201);
        }
    };
    let turns = async {
        for _ in 0..3 {
            server.post("/v1/keys:rotate", &owner, json!({})).await.expect(201);
        }
    };
    tokio::join!(busy, turns);
    assert_eq!(
        once(&server, &owner, "before").await.expect(201).json(),
        first,
        "what was sealed before opens"
    );
    assert_eq!(states(&server, &owner).await, ["active"; 4]);
    once(&server, &owner, "after").await.expect(201);
    let newest = "select max(('x' || encode(substr(answer, 2, 4), 'hex'))::bit(32)::int) from doorway.idempotency";
    assert_eq!(server.superuser(newest).await, "4", "the newest seals");
}

/// Two people want the tenant's first key to end.
async fn condemn(server: &Server, owner: &str) {
    let admin = server.person(owner, 4).await;
    let body = json!({"action": "key.destroy", "target": "1", "reason": "the customer has left us"});
    let asked = server.post("/v1/approvals", owner, body).await.expect(201).field("id");
    server
        .press(&format!("/v1/approvals/{asked}/approve"), &admin.token)
        .await
        .expect(200);
    server.delete("/v1/keys/1", owner).await.expect(200);
}

#[tokio::test]
async fn a_key_s_end_is_final_and_an_older_database_does_not_take_it_back() {
    let mut server = Server::start().await;
    let owner = server.owner().await;
    once(&server, &owner, "before").await.expect(201);
    condemn(&server, &owner).await;
    let kept = server
        .post("/v1/keys/1/keep", &owner, json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(kept["state"], "active", "within the days of grace there is a way back");
    condemn(&server, &owner).await;
    once(&server, &owner, "before").await.expect(201);
    once(&server, &owner, "after").await.expect(201);
    kept_apart(&server).await;
    let backup = server.dir.path().join("backup.dump");
    dump(&server, &backup).await;

    let quiet = |to: &str| format!("alter table keys.data_key {to} trigger audited");
    let week = format!(
        "begin; {}; update keys.data_key set destroy_after = now() where version = 1 and destroy_after is not null; {}; commit",
        quiet("disable"),
        quiet("enable always")
    );
    server.past_the_guard(&week).await;
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    assert_eq!(states(&server, &owner).await, ["destroyed", "active"]);
    let gone = "select count(*) from keys.data_key where version = 1 and wrapped is null and recovery is null and destroyed_at is not null";
    assert_eq!(server.superuser(gone).await, "1");
    let told = server.entries(&owner, "action=key.destroyed", 1).await;
    assert_eq!(told[0]["entity"], "data-key:1");
    lost(&server, &owner).await;

    assert_eq!(server.stop().await, Some(0));
    restore(&server, &backup).await;
    let back = "select count(*) from keys.data_key where version = 1 and wrapped is not null";
    assert_eq!(server.superuser(back).await, "1", "the older database has the key");
    server.start_again().await;
    assert_eq!(server.superuser(back).await, "0");
    assert!(server.log().contains("the database is older than a data key's end"));
    lost(&server, &owner).await;
}

/// What the first key sealed does not open; what the second sealed does.
async fn lost(server: &Server, owner: &str) {
    eventually("the service", || async {
        (server.get("/v1/me", owner).await.status == 200).then_some(())
    })
    .await;
    let reply = once(server, owner, "before").await;
    assert!(reply.status >= 400, "{}", reply.text());
    once(server, owner, "after").await.expect(201);
}

/// A dump without the schema of the keys holds no wrapped key; one with it does.
async fn kept_apart(server: &Server) {
    let wrapped = server
        .superuser("select encode(wrapped, 'hex') from keys.data_key where version = 2")
        .await;
    let tenants = wrapped.lines().next().unwrap();
    for (options, holds) in [("", true), ("--exclude-table-data=keys.*", false)] {
        let file = server.dir.path().join("plain.sql");
        shell(
            server,
            "keepgate",
            &format!("pg_dump -U keepgate '{options}' -f '{}' keepgate", file.display()).replace("''", ""),
        )
        .await;
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("COPY channels.message"), "a dump");
        assert_eq!(text.contains(tenants), holds, "{options}");
    }
}

#[tokio::test]
async fn a_terminal_does_the_same() {
    let server = Server::start().await;
    let owner = server.owner().await;
    once(&server, &owner, "before").await.expect(201);
    let token = server.private_file("token", &owner);
    let keys = async |words: &[&str]| {
        let url = server.url("");
        let access = [
            "--url",
            url.as_str(),
            "--ca-cert",
            server.ca_cert(),
            "--token-file",
            token.as_str(),
        ];
        run(["keys"].iter().chain(words).chain(&access)).await
    };
    let rotated = keys(&["rotate"]).await.expect(0).out;
    assert!(rotated.starts_with("  2 active "), "{rotated}");
    let unapproved = keys(&["destroy", "1"]).await.failed(1);
    assert!(unapproved.contains("--ask"), "{unapproved}");
    keys(&["destroy", "1", "--ask", "the customer has left us"])
        .await
        .expect(0);
    let asked = server.get("/v1/approvals", &owner).await.expect(200).json()["items"][0]["id"].clone();
    let admin = server.person(&owner, 4).await;
    let approve = format!("/v1/approvals/{}/approve", asked.as_str().unwrap());
    server.press(&approve, &admin.token).await.expect(200);
    let ended = keys(&["destroy", "1"]).await.expect(0).out;
    assert!(ended.starts_with("  1 pending-destruction "), "{ended}");
    keys(&["keep", "1"]).await.expect(0);
    let shown = keys(&["status"]).await.expect(0).out;
    let states: Vec<&str> = shown
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(states, ["active", "active"]);
}
