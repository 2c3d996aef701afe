//! How long a page of `GET /v1/audit` takes in a log of ten million entries: each filter, frequent and rare values, combinations,
//! first and deep pages, through the same port as the service. Beside it, in the same run, the page that no search can beat:
//! fifty rows by primary key. Argument: another number of entries.
mod ground;
mod questions;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use ground::Ground;
use keepgate_audit::EntryQuery;

/// The promise.
const GOAL: Duration = Duration::from_millis(50);
const RUNS: u64 = 200;
const ENTRIES: u64 = 10_000_000;

#[tokio::main]
async fn main() -> ExitCode {
    let entries = std::env::args()
        .nth(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or(ENTRIES);
    let ground = Ground::new(entries).await;
    println!("{entries} entries, pages of 50, {RUNS} of each, half from the start and half from anywhere:");
    println!("{:<58} {:>9} {:>9}   found", "", "p50", "p99");
    let (mut worst, mut all) = (Duration::ZERO, Vec::new());
    let baseline = measure(|run| ground.by_key(start(run, entries))).await;
    tell("fifty rows by primary key (the baseline)", &baseline, 50);
    for (name, query) in questions::all() {
        let mut found = 0;
        let mut times = Vec::new();
        for run in 0..RUNS {
            let query = EntryQuery {
                start: start(run, entries),
                ..query.clone()
            };
            let begin = Instant::now();
            let page = ground.page(&query).await;
            times.push(begin.elapsed());
            found = found.max(page.items.len());
        }
        times.sort();
        assert!(
            found > 0 || name.contains("no entry") || name.contains("rare"),
            "{name}: nothing was found, nothing was measured"
        );
        tell(name, &times, found);
        worst = worst.max(at(&times, 99));
        all.extend(times);
    }
    all.sort();
    println!(
        "all together: p50 {:.1?}, p99 {:.1?}; the worst p99 of one question {:.1?}",
        at(&all, 50),
        at(&all, 99),
        worst
    );
    if worst > GOAL {
        println!("above the goal: p99 of {} ms for each question", GOAL.as_millis());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Every other run starts at the beginning, the others all over the log.
fn start(run: u64, entries: u64) -> u64 {
    if run.is_multiple_of(2) {
        0
    } else {
        run.wrapping_mul(0x9E37_79B9_7F4A_7C15) % entries
    }
}

async fn measure<F: Future<Output = ()>>(one: impl Fn(u64) -> F) -> Vec<Duration> {
    let mut times = Vec::new();
    for run in 0..RUNS {
        let begin = Instant::now();
        one(run).await;
        times.push(begin.elapsed());
    }
    times.sort();
    times
}

fn at(times: &[Duration], percent: usize) -> Duration {
    times
        .get((times.len() * percent / 100).min(times.len() - 1))
        .copied()
        .unwrap_or_default()
}

fn tell(name: &str, times: &[Duration], found: usize) {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{name:<58} {:>6.2} ms {:>6.2} ms   {found}",
        ms(at(times, 50)),
        ms(at(times, 99))
    );
}
