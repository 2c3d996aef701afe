//! Whether the time that a refused log-in takes tells that an address has an account: `cargo xtask bench guessing [SAMPLES]`.
//!
//! The release binary with its own PostgreSQL, over TLS on loopback. Each sample is one `POST /v1/auth/login` with a wrong password, to an
//! address with an account or to one without, in turns whose order changes, each from a network of its own (`X-Forwarded-For` behind one
//! trusted proxy), so that whatever else the machine does hits both and no counter stands in the way. Then the two-sided Mann-Whitney U
//! test. It ends with a failure when p < 0.001.
//!
//! What that proves: with 2 × 2,000 samples the test finds a shift of about a tenth of the samples' spread nine times out of ten. If it
//! finds nothing, an attacker with as many samples, on the same machine, does not either; it does not prove that nobody with more samples
//! ever will. A p below 0.001 comes by chance once in a thousand runs: run it again before you believe it.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measuring rig fails loudly, prints, and is told by its runner what to measure"
)]
use std::time::Instant;

use keepgate_tests::{Options, Server, mann_whitney};
use reqwest::Method;
use serde_json::json;

/// Accounts that are tried in turn; each is tried once before the counters begin anew.
const ACCOUNTS: usize = 20;
/// Below this p the two are told apart.
const TOLD_APART: f64 = 0.001;

const CONFIG: &str = "[limits]\ntrusted_proxies = 1\nanonymous_per_minute = 10000000\n";

/// Seconds that one refused log-in takes; `nth` gives it a network and a password of its own.
async fn attempt(server: &Server, email: &str, nth: usize) -> f64 {
    let source = format!("2a00:{:x}:{:x}::1", nth / 65_536 + 1, nth % 65_536);
    let body = json!({"email": email, "password": format!("wrong password number {nth}")});
    let started = Instant::now();
    let reply = server
        .send(
            Method::POST,
            "/v1/auth/login",
            None,
            &[("x-forwarded-for", &source)],
            &body,
        )
        .await;
    let took = started.elapsed().as_secs_f64();
    assert_eq!(reply.status, 401, "{}", reply.text());
    took
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[tokio::main]
async fn main() {
    let samples: usize = std::env::args()
        .nth(1)
        .map_or(2000, |count| count.parse().expect("a number of samples"));
    let server = Server::with(Options::config(CONFIG)).await;
    let owner = server.owner().await;
    let mut pairs = Vec::new();
    for nth in 0..ACCOUNTS {
        let person = server.person(&owner, 2).await;
        // As long as the other, so that the bytes on the wire are as many.
        let nobody = person.email.replace("user", "none");
        assert_eq!(nobody.len(), person.email.len());
        pairs.push((person.email, nobody));
        // Warm, and not measured.
        attempt(&server, &pairs[nth].0, 10_000_000 + nth * 2).await;
        attempt(&server, &pairs[nth].1, 10_000_001 + nth * 2).await;
    }
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for nth in 0..samples {
        if nth % ACCOUNTS == 0 {
            server.superuser("truncate identity.throttle").await;
        }
        let (with, without) = &pairs[nth % ACCOUNTS];
        // Every other turn begins with the other one; the turns of one account change as well.
        if (nth + nth / ACCOUNTS).is_multiple_of(2) {
            known.push(attempt(&server, with, nth * 2).await);
            unknown.push(attempt(&server, without, nth * 2 + 1).await);
        } else {
            unknown.push(attempt(&server, without, nth * 2).await);
            known.push(attempt(&server, with, nth * 2 + 1).await);
        }
    }
    let test = mann_whitney(&known, &unknown);
    let (with, without) = (median(&known), median(&unknown));
    println!("2 × {samples} refused log-ins, interleaved: an address with an account, and one without");
    println!(
        "median with an account {:.3} ms, without {:.3} ms, ratio {:.5}",
        with * 1e3,
        without * 1e3,
        with / without
    );
    println!(
        "Mann-Whitney U = {:.1}, z = {:+.3}, p = {:.4} (two-sided)",
        test.u, test.z, test.p
    );
    if test.p < TOLD_APART {
        println!("told apart: p < {TOLD_APART}");
        drop(server);
        std::process::exit(1);
    }
    println!("not told apart: p ≥ {TOLD_APART}");
}
