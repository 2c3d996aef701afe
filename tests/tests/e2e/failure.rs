//! What must hold when something is killed or stops: nothing acknowledged is lost, nothing is delivered under two ids, nothing hangs.
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use keepgate_tests::{Reply, Server, eventually, message};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const ACCEPTS: usize = 1_000;
const AT_ONCE: usize = 16;

/// A service, its owner, and a recipient whose stream is the owner's own.
async fn desk() -> (Server, String, String) {
    let server = Server::start().await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "internet", &server.me(&owner).await).await;
    (server, owner, to)
}

/// Sends message `n` under its own key, once; the answer, unless the connection broke.
async fn send(server: &Server, to: &str, n: usize) -> Option<Reply> {
    let body = message(to, &format!("payload {n}")).to_string().into_bytes();
    let key = format!("accept-{n}");
    let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
    server
        .attempt(
            Method::POST,
            &server.url("/v1/messages"),
            Some(&server.key()),
            &headers,
            Some(body),
        )
        .await
        .ok()
}

/// Every message of the tenant, by the API.
async fn stored(server: &Server, owner: &str) -> BTreeSet<String> {
    let items = server.all(owner, "/v1/messages").await;
    let ids: BTreeSet<String> = items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), items.len(), "no message is listed twice");
    ids
}

/// Reads the stream from its beginning until `expected` distinct messages came; asserts that each came once and with a
/// payload of its own.
async fn delivered(server: &Server, owner: &str, expected: usize) -> BTreeSet<String> {
    let mut stream = server.stream(owner, None).await.patient(Duration::from_secs(90));
    let (mut ids, mut payloads) = (BTreeSet::new(), BTreeSet::new());
    for event in stream.take(expected).await {
        assert!(ids.insert(event.message().to_owned()), "{} came twice", event.message());
        assert!(
            payloads.insert(event.data["payload"].as_str().unwrap().to_owned()),
            "one payload under two ids"
        );
    }
    ids
}

/// The ids of those that were accepted.
fn accepted(replies: &[Option<Reply>]) -> BTreeSet<String> {
    replies
        .iter()
        .flatten()
        .filter(|reply| reply.status == 202)
        .map(|reply| reply.field("id"))
        .collect()
}

#[tokio::test]
async fn every_accepted_message_survives_kill_9_of_the_service_and_arrives_once() {
    let (mut server, owner, to) = desk().await;
    let done = AtomicUsize::new(0);
    let pid = server.pid();
    let replies: Vec<Option<Reply>> = stream::iter(0..ACCEPTS)
        .map(|n| {
            let (server, to, done) = (&server, &to, &done);
            async move {
                let reply = send(server, to, n).await;
                // In the midst of it: the others are under way.
                if done.fetch_add(1, Ordering::SeqCst) == ACCEPTS / 3 {
                    kill_process(pid, Signal::KILL).unwrap();
                }
                reply
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    server.kill().await;
    let first = accepted(&replies);
    assert!(
        (100..ACCEPTS).contains(&first.len()),
        "it died in the midst: {}",
        first.len()
    );
    server.start_again().await;
    let kept = stored(&server, &owner).await;
    assert!(first.is_subset(&kept), "an acknowledged message is lost");
    // Whoever got no answer asks again under the same key.
    let again: Vec<Option<Reply>> = stream::iter(0..ACCEPTS)
        .map(|n| send(&server, &to, n))
        .buffered(AT_ONCE)
        .collect()
        .await;
    assert!(
        again
            .iter()
            .all(|reply| reply.as_ref().is_some_and(|reply| reply.status == 202))
    );
    let all = stored(&server, &owner).await;
    assert_eq!(all, accepted(&again), "one message for each key");
    assert_eq!(all.len(), ACCEPTS);
    assert_eq!(delivered(&server, &owner, ACCEPTS).await, all);
}

/// Sends until `enough`, asking again under the same key after anything but a 202, and keeps what was seen of failures.
async fn send_through(server: &Server, to: &str, count: usize, outage: &AtomicBool) -> Vec<(u16, bool, bool)> {
    let seen = stream::iter(0..count)
        .map(|n| async move {
            let mut seen = Vec::new();
            let started = Instant::now();
            loop {
                let asked = Instant::now();
                match send(server, to, n).await {
                    Some(reply) if reply.status == 202 => break,
                    Some(reply) => {
                        outage.store(true, Ordering::SeqCst);
                        let is_problem = reply.header("content-type") == Some("application/problem+json");
                        seen.push((reply.status, reply.header("retry-after").is_some(), is_problem));
                    }
                    None => panic!("the service itself went away"),
                }
                assert!(asked.elapsed() < Duration::from_secs(25), "an answer took too long");
                assert!(
                    started.elapsed() < Duration::from_secs(90),
                    "the service never recovered"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            seen
        })
        .buffered(AT_ONCE)
        .collect::<Vec<_>>();
    seen.await.into_iter().flatten().collect()
}

#[tokio::test]
async fn every_accepted_message_survives_kill_9_of_the_database_and_the_service_recovers_by_itself() {
    let (server, owner, to) = desk().await;
    let pid = server.pid();
    let outage = AtomicBool::new(false);
    let postmaster = server.postmaster().expect("the database runs");
    let kill = async {
        eventually("some messages", || async {
            (stored(&server, &owner).await.len() > 50).then_some(())
        })
        .await;
        kill_process(postmaster, Signal::KILL).unwrap();
    };
    let (seen, ()) = tokio::join!(send_through(&server, &to, ACCEPTS, &outage), kill);
    for (status, retry_after, is_problem) in &seen {
        assert_eq!(
            (*status, *retry_after, *is_problem),
            (503, true, true),
            "while the database is gone"
        );
    }
    assert_eq!(server.pid(), pid, "the same process");
    let all = stored(&server, &owner).await;
    assert_eq!(all.len(), ACCEPTS, "one message for each key");
    assert_eq!(delivered(&server, &owner, ACCEPTS).await, all);
    eventually("readiness", || async {
        (server.open("/readyz").await.status == 200).then_some(())
    })
    .await;
}

/// The postmaster and its children.
fn cluster(postmaster: Pid) -> Vec<Pid> {
    let own = postmaster.as_raw_nonzero().get();
    let parent = |pid: i32| -> Option<i32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let all = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(|pid| *pid == own || parent(*pid) == Some(own))
        .filter_map(Pid::from_raw)
        .collect()
}

fn signal(processes: &[Pid], what: Signal) {
    for process in processes {
        let _gone = kill_process(*process, what);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_database_that_stands_still_gives_503_and_readyz_names_it() {
    let (server, owner, to) = desk().await;
    let processes = cluster(server.postmaster().expect("the database runs"));
    assert!(processes.len() > 3);
    signal(&processes, Signal::STOP);
    let started = Instant::now();
    let (reply, ready) = tokio::join!(send(&server, &to, 0), server.open("/readyz"));
    let took = started.elapsed();
    let health = (
        server.open("/livez").await.status,
        server
            .attempt(Method::GET, &server.admin_url("/livez"), None, &[], None)
            .await,
    );
    signal(&processes, Signal::CONT);
    let reply = reply.expect("an answer");
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(
        (reply.status, reply.header("retry-after").is_some()),
        (503, true),
        "{}",
        reply.text()
    );
    assert_eq!((ready.status, ready.header("retry-after").is_some()), (503, true));
    let named: Value = ready.json();
    let down: Vec<&Value> = named["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["ready"] == false)
        .collect();
    assert!(down.iter().any(|one| one["name"] == "database"), "{named}");
    assert_eq!(
        (health.0, health.1.unwrap().status),
        (200, 200),
        "the process itself is alive"
    );
    let again = eventually("an acceptance", || async {
        send(&server, &to, 0).await.filter(|reply| reply.status == 202)
    })
    .await;
    assert_eq!(
        stored(&server, &owner).await,
        BTreeSet::from([again.field("id")]),
        "one message, whatever the first try became"
    );
}

#[tokio::test]
async fn a_stream_goes_on_after_the_database_was_killed() {
    let (server, owner, to) = desk().await;
    let mut stream = server.stream(&owner, None).await;
    let first = send(&server, &to, 0).await.unwrap().expect(202).field("id");
    assert_eq!(stream.next().await.unwrap().message(), first);
    kill_process(server.postmaster().unwrap(), Signal::KILL).unwrap();
    let second = eventually("an acceptance", || async {
        send(&server, &to, 1).await.filter(|reply| reply.status == 202)
    })
    .await;
    // The connection may have been cut; then it resumes where it was.
    let event = match stream.next().await {
        Some(event) => event,
        None => {
            let resumed = eventually("a stream", || async {
                let headers = [("last-event-id", "1")];
                let reply = server
                    .attempt(Method::GET, &server.url("/v1/stream"), Some(&owner), &headers, None)
                    .await
                    .ok()?;
                (reply.status == 200).then_some(())
            });
            resumed.await;
            server.stream(&owner, Some("1")).await.next().await.unwrap()
        }
    };
    assert_eq!(event.message(), second.field("id"));
}

#[tokio::test]
async fn the_log_of_a_killed_service_verifies() {
    let (mut server, owner, to) = desk().await;
    let pid = server.pid();
    stream::iter(0..100)
        .map(|n| {
            let (server, to) = (&server, &to);
            async move {
                let reply = send(server, to, n).await;
                if n == 60 {
                    kill_process(pid, Signal::KILL).unwrap();
                }
                reply
            }
        })
        .buffered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    server.kill().await;
    server.start_again().await;
    let log = server.whole_log(&owner).await;
    let done = log
        .iter()
        .filter(|entry| entry["action"] == "message.accept" && entry["outcome"] == "done")
        .count();
    assert_eq!(done, stored(&server, &owner).await.len(), "one entry for each message");
    let key = server.get("/v1/audit/log/vkey", &owner).await.expect(200).text();
    let token = server.private_file("token", &owner);
    let url = server.info["url"].as_str().unwrap();
    let args = [
        "audit",
        "verify",
        "--url",
        url,
        "--ca-cert",
        server.ca_cert(),
        "--token-file",
        &token,
        "--key",
        key.trim(),
    ];
    keepgate_tests::run(args).await.expect(0);
}
