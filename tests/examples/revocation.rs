//! How long a revocation takes to be refused by three instances on one PostgreSQL: `cargo xtask bench revocation [ROUNDS]`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measuring rig fails loudly, prints, and is told by its runner what to measure"
)]
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use keepgate_tests::{Fleet, PASSWORD, Server};

/// What was measured of one kind, sorted.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn at(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        let nth = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted[nth].as_secs_f64() * 1000.0
    }

    fn say(&self, what: &str) {
        println!("{what:<64} p50 {:>8.2} ms   p99 {:>8.2} ms", self.at(50), self.at(99));
    }
}

/// Asks until it is refused; how long after `since`, and how often it was let in before.
async fn until_refused(server: &Server, bearer: &str, since: Instant) -> (Duration, usize) {
    let mut let_in = 0;
    loop {
        if server.get("/v1/me", bearer).await.status == 401 {
            return (since.elapsed(), let_in);
        }
        let_in += 1;
    }
}

#[tokio::main]
async fn main() {
    let rounds: usize = std::env::args()
        .nth(1)
        .map_or(100, |count| count.parse().expect("a number"));
    let fleet = Fleet::start(3).await;
    let servers: Vec<&Server> = fleet.instances.iter().map(|instance| &instance.server).collect();
    let owner = servers[0].owner().await;
    let ann = servers[0].person(&owner, 2).await;
    let (mut baseline, mut refused, mut cut, mut let_in) = (Times::default(), Times::default(), Times::default(), 0);
    for round in 0..rounds {
        let login = servers[round % 3].login(&ann.email, PASSWORD).await.expect(200);
        let (token, session) = (login.field("access_token"), login.field("session_id"));
        let began = Instant::now();
        join_all(
            servers
                .iter()
                .map(|server| async { server.get("/v1/me", &token).await.expect(200) }),
        )
        .await;
        baseline.0.push(began.elapsed());
        let mut streams = Vec::new();
        for server in &servers {
            streams.push(server.stream(&token, None).await);
        }
        let path = format!("/v1/sessions/{session}");
        servers[(round + 1) % 3].delete(&path, &owner).await.expect(204);
        let answered = Instant::now();
        let asked = join_all(servers.iter().map(|server| until_refused(server, &token, answered)));
        let ended = join_all(streams.iter_mut().map(|stream| async {
            assert_eq!(stream.next().await, None, "the stream ends");
            answered.elapsed()
        }));
        let (asked, ended) = tokio::join!(asked, ended);
        let_in += asked.iter().map(|(_, let_in)| let_in).sum::<usize>();
        refused.0.push(asked.iter().map(|(time, _)| *time).max().unwrap());
        cut.0.push(ended.into_iter().max().unwrap());
    }
    println!("three instances, one PostgreSQL, {rounds} revocations, from the answer that says it is done:");
    baseline.say("baseline: a request with a live token answered by all three");
    refused.say("the revoked token refused by all three");
    cut.say("its open streams cut on all three");
    println!("requests let in after the answer: {let_in}");
}
