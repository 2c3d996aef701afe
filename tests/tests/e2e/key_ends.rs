//! A tenant's data key: the next version while the service works, and its end, which no older database takes back.
use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use keepgate_kernel::{Clock, SystemClock, Timestamp};
use keepgate_tests::{App, Fleet, PASSWORD, Server, eventually, run};
use serde_json::{Value, json};

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
    assert_eq!(
        states(&server, &owner).await,
        ["opening", "opening", "opening", "sealing"]
    );
    once(&server, &owner, "after").await.expect(201);
    let newest = "select max(('x' || encode(substr(answer, 2, 4), 'hex'))::bit(32)::int) from doorway.idempotency";
    assert_eq!(server.superuser(newest).await, "4", "the newest seals");
}

/// Two people want the tenant's first key to end.
pub async fn condemn(server: &Server, owner: &str) {
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
    let ann = server.person(&owner, 2).await;
    let secret = server
        .press("/v1/me/mfa/totp", &ann.token)
        .await
        .expect(201)
        .field("secret");
    let mut app = App::new(&secret);
    let code = json!({"code": app.code().await});
    server
        .post("/v1/me/mfa/totp/confirm", &ann.token, code)
        .await
        .expect(200);
    condemn(&server, &owner).await;
    once(&server, &owner, "before").await.expect(201);
    once(&server, &owner, "after").await.expect(201);
    kept_apart(&server).await;
    let backup = server.dir.path().join("backup.dump");
    server.pg_dump("-Fc", &backup).await;

    server.past_the_guard(&grace_is_over()).await;
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    assert_eq!(states(&server, &owner).await, ["destroyed", "sealing"]);
    let gone = "select count(*) from keys.data_key where version = 1 and wrapped is null and recovery is null and destroyed_at is not null";
    assert_eq!(server.superuser(gone).await, "1");
    let told = server.entries(&owner, "action=key.destroyed", 1).await;
    assert_eq!(told[0]["entity"], "data-key:1");
    lost(&server, &owner).await;
    let asked = server.login(&ann.email, PASSWORD).await.expect(200).json();
    let answer = json!({"challenge": asked["mfa"]["challenge"], "totp": app.code().await});
    server.answer(&answer).await.problem(410, "key-destroyed");
    // The log goes on, without the addresses that were sealed under it.
    let log = server.whole_log(&owner).await;
    let ours = log.iter().filter(|entry| entry["action"] == "apikey.issue");
    let addresses: Vec<_> = ours.map(|entry| entry["source"]["ip"].as_str()).collect();
    assert!(
        addresses.first() == Some(&None) && addresses.contains(&Some("127.0.0.1")),
        "{addresses:?}"
    );

    assert_eq!(server.stop().await, Some(0));
    server.pg_restore(&backup).await;
    let back = "select count(*) from keys.data_key where version = 1 and wrapped is not null";
    assert_eq!(server.superuser(back).await, "1", "the older database has the key");
    server.start_again().await;
    assert_eq!(server.superuser(back).await, "0");
    assert!(server.log().contains("the database is older than a data key's end"));
    lost(&server, &owner).await;
}

/// The days of grace of the first key have gone by.
fn grace_is_over() -> String {
    let quiet = |to: &str| format!("alter table keys.data_key {to} trigger audited");
    format!(
        "begin; {}; update keys.data_key set destroy_after = now() where version = 1 and destroy_after is not null; {}; commit",
        quiet("disable"),
        quiet("enable always")
    )
}

/// What the first key sealed does not open; what the second sealed does.
async fn lost(server: &Server, owner: &str) {
    eventually("the service", || async {
        (server.get("/v1/me", owner).await.status == 200).then_some(())
    })
    .await;
    once(server, owner, "before").await.problem(410, "key-destroyed");
    once(server, owner, "after").await.expect(201);
}

/// A dump without the schema of the keys holds no wrapped key; one with it does.
async fn kept_apart(server: &Server) {
    let wrapped = server
        .superuser("select encode(wrapped, 'hex') from keys.data_key where version = 2")
        .await;
    let tenants = wrapped.lines().next().unwrap();
    for (options, holds) in [("", true), ("'--exclude-table-data=keys.*'", false)] {
        let file = server.dir.path().join("plain.sql");
        server.pg_dump(options, &file).await;
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("COPY channels.message"), "a dump");
        assert_eq!(text.contains(tenants), holds, "{options}");
    }
}

#[tokio::test]
async fn every_instance_drops_a_key_that_another_one_ends() {
    let mut fleet = Fleet::start(2).await;
    let owner = fleet.first().owner().await;
    once(fleet.first(), &owner, "before").await.expect(201);
    condemn(fleet.first(), &owner).await;
    fleet.sql(&grace_is_over()).await;
    let [first, second] = &mut fleet.instances[..] else {
        panic!("two")
    };
    // The second one opens what the key sealed, the whole time, until the first one ends the key at its start.
    let ends = async {
        assert_eq!(first.server.stop().await, Some(0));
        first.server.start_again().await;
    };
    let opens = async {
        once(&second.server, &owner, "before").await.expect(201);
        loop {
            let reply = once(&second.server, &owner, "before").await;
            if reply.status != 201 {
                reply.problem(410, "key-destroyed");
                return SystemClock.now();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ((), seen) = tokio::join!(ends, opens);
    let at = fleet
        .sql("select destroyed_at at time zone 'utc' from keys.data_key where version = 1")
        .await;
    let at: Timestamp = format!("{}Z", at.replace(' ', "T")).parse().unwrap();
    // It would be ten seconds if instances only looked by themselves.
    assert!((seen - at).num_milliseconds() < 3_000, "{seen} {at}");
    once(&fleet.instances[1].server, &owner, "after").await.expect(201);
}

/// Puts a copy of the cluster in the place of the one there is, and has the archive played back to a restore point.
async fn rewind(server: &Server, base: &Path, archive: &Path, point: &str) {
    let pgdata = server.data_dir().join("pgdata");
    let aside = server.dir.path().join(format!("aside-{point}"));
    std::fs::rename(&pgdata, &aside).unwrap();
    let copy = |program: &str, args: &[&str]| {
        let done = std::process::Command::new(program).args(args).status().unwrap();
        assert!(done.success(), "{program}");
    };
    copy("cp", &["-a", base.to_str().unwrap(), pgdata.to_str().unwrap()]);
    std::fs::write(pgdata.join("recovery.signal"), "").unwrap();
    let settings = format!(
        "archive_mode = off\nhot_standby = off\nrestore_command = 'cp {}/%f %p'\nrecovery_target_name = '{point}'\nrecovery_target_action = promote\n",
        archive.display()
    );
    std::fs::write(pgdata.join("postgresql.auto.conf"), settings).unwrap();
    let like = format!("--reference={}", aside.display());
    copy("chown", &["-R", &like, pgdata.to_str().unwrap()]);
    copy("chmod", &["-R", "u=rwX,go=", pgdata.to_str().unwrap()]);
}

#[tokio::test]
async fn no_copy_played_back_from_the_write_ahead_log_opens_what_a_destroyed_key_sealed() {
    let mut server = Server::start().await;
    let owner = server.owner().await;
    let places = server.dir.path().join("copies");
    let (base, archive) = (places.join("base"), places.join("archive"));
    std::fs::create_dir_all(&archive).unwrap();
    for place in [&places, &archive] {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    server.superuser("alter system set archive_mode = on").await;
    let command = format!("alter system set archive_command = 'cp %p {}/%f'", archive.display());
    server.superuser(&command).await;
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    once(&server, &owner, "before").await.expect(201);
    let copy = format!("pg_basebackup -U keepgate -X none -c fast -D '{}' 2>&1", base.display());
    server.programs("keepgate", &copy).await;
    condemn(&server, &owner).await;
    once(&server, &owner, "after").await.expect(201);
    let point = |name: &str| format!("select pg_create_restore_point('{name}')");
    server.superuser(&point("before")).await;
    server.past_the_guard(&grace_is_over()).await;
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    lost(&server, &owner).await;
    server.superuser(&point("after")).await;
    let last = server.superuser("select pg_walfile_name(pg_switch_wal())").await;
    eventually("the last of the log in the archive", || async {
        archive.join(&last).exists().then_some(())
    })
    .await;
    assert_eq!(server.stop().await, Some(0));

    let held = "select count(*) from keys.data_key where version = 1 and wrapped is not null";
    rewind(&server, &base, &archive, "before").await;
    assert_eq!(server.superuser(held).await, "1", "the copy has the key");
    server.start_again().await;
    assert_eq!(server.superuser(held).await, "0");
    lost(&server, &owner).await;
    assert_eq!(server.stop().await, Some(0));

    // From after the end there is nothing left, even for one who has lost the record of it.
    rewind(&server, &base, &archive, "after").await;
    std::fs::rename(server.data_dir().join("erased"), places.join("erased")).unwrap();
    assert_eq!(server.superuser(held).await, "0");
    server.start_again().await;
    lost(&server, &owner).await;
    let home = std::fs::read_dir(server.data_dir().join("erased")).unwrap().next();
    assert!(
        home.unwrap().unwrap().path().join("key-1").is_file(),
        "put on record again"
    );
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
    assert!(rotated.starts_with("  2 sealing "), "{rotated}");
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
    assert_eq!(states, ["opening", "sealing"]);
}
