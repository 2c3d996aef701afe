//! Passwords of the database change while requests are served.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use keepgate_tests::{Fleet, Server, eventually, message};

/// One after the other, as long as it lasts; how many went well, and what did not.
async fn load(server: &Server, key: &str, owner: &str, to: &str, on: &AtomicBool, done: &AtomicU64) -> Vec<String> {
    let mut failed = Vec::new();
    while on.load(Ordering::Relaxed) {
        let read = server.get("/v1/audit?limit=1", owner).await;
        let write = server.post("/v1/messages", key, message(to, "payload")).await;
        if read.status != 200 || write.status != 202 {
            failed.push(format!("{} {} {}", read.status, write.status, write.text()));
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    failed
}

/// What the service says went wrong.
fn troubles(server: &Server) -> String {
    let log = server.log();
    let lines = log
        .lines()
        .filter(|line| line.contains("WARN") || line.contains("ERROR") || line.contains("503"));
    lines.collect::<Vec<_>>().join("\n")
}

/// How many connections of a role are younger than `since` (a point of time of the database).
async fn younger(fleet: &Fleet, role: &str, since: &str) -> u64 {
    let count = format!(
        "select count(*) from pg_stat_activity where usename = 'kg_{role}' and backend_start > timestamptz '{since}'"
    );
    fleet.sql(&count).await.parse().unwrap()
}

#[tokio::test]
async fn passwords_of_the_database_change_under_load_and_no_request_fails() {
    let fleet = Fleet::start_with(0, "").await;
    let server = Arc::new(fleet.instance_with("first").await);
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    let (on, done) = (AtomicBool::new(true), AtomicU64::new(0));
    let key = server.key();
    let clients = join_all((0..8).map(|_| load(&server, &key, &owner, &to, &on, &done)));
    let rotation = async {
        for (round, secret_first) in [("second", true), ("third", false)] {
            for role in ["app", "auth", "integrator"] {
                let role_name = format!("kg_{role}");
                let alter = || fleet.set_password(&role_name, round);
                let swap = || server.swap_file(&format!("{role}.url"), &fleet.url_with(role, round));
                if secret_first {
                    swap();
                    // As a careful operator's tools would take: the service tries the new one meanwhile, and is refused.
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    alter().await;
                } else {
                    alter().await;
                    // Connections that end now can only be replaced with the new password.
                    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                               where usename = 'kg_app' and state = 'idle' and state_change < clock_timestamp() - interval '2 s'";
                    fleet.sql(end).await;
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    swap();
                }
            }
            // Many at once need more connections than there are.
            let burst = join_all((0..24).map(|_| server.get("/v1/me", &owner))).await;
            let refused: Vec<String> = burst
                .iter()
                .filter(|reply| reply.status != 200)
                .map(|reply| reply.text())
                .collect();
            assert_eq!(refused, Vec::<String>::new(), "{round}: {}", troubles(&server));
        }
    };
    let (failed, ()) = tokio::join!(clients, async {
        rotation.await;
        on.store(false, Ordering::Relaxed);
    });
    assert!(done.load(Ordering::Relaxed) > 50, "there was a load: {done:?}");
    assert_eq!(failed.concat(), Vec::<String>::new(), "{}", troubles(&server));
    // Every connection that there is can be replaced: the service is let in with the newest password, and with no other.
    let since = fleet.sql("select clock_timestamp()").await;
    fleet
        .sql("select count(pg_terminate_backend(pid)) from pg_stat_activity where usename in ('kg_app', 'kg_auth', 'kg_integrator')")
        .await;
    for role in ["app", "auth", "integrator"] {
        eventually(&format!("a new connection of {role}"), || async {
            let _poke = server.get("/v1/me", &owner).await;
            (younger(&fleet, role, &since).await > 0).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_password_that_the_database_refuses_changes_nothing_and_is_told() {
    let fleet = Fleet::start_with(0, "").await;
    let server = fleet.instance_with("first").await;
    let owner = server.owner().await;
    server.swap_file("app.url", &fleet.url_with("app", "mistyped"));
    eventually("the trouble at /readyz", || async {
        let told = server.open("/readyz").await.expect(200).json();
        let all = told["dependencies"].as_array().unwrap().clone();
        let secrets = all.into_iter().find(|one| one["name"] == "secrets").unwrap();
        assert_eq!(secrets["ready"], true, "{secrets}");
        secrets["reason"]
            .as_str()
            .filter(|why| why.contains("database_url"))
            .map(|why| assert!(!why.contains("mistyped")))
    })
    .await;
    let many = join_all((0..24).map(|_| server.get("/v1/audit?limit=1", &owner))).await;
    assert!(
        many.iter().all(|reply| reply.status == 200),
        "the old password opens new connections"
    );
    server.swap_file("app.url", &fleet.url_with("app", "first"));
    eventually("all well again", || async {
        let told = server.open("/readyz").await.expect(200).text();
        (!told.contains("database_url")).then_some(())
    })
    .await;
    assert!(!server.log().contains("mistyped"));
}
