//! What an audit entry costs: 32 writers, each waiting until its entry is on disk, while the integrator numbers them; beside
//! them, in the same run and in turn, as many writers of a bare two-column row. Then 2,000 entries a second, and how long
//! each waits for its index.
mod ground;
mod lag;
mod load;

use std::{process::ExitCode, sync::Arc, time::Duration};

use ground::{Ground, WRITERS};
use tokio::sync::Notify;

/// The promises.
const GOAL: f64 = 0.8;
const LAG_GOAL: Duration = Duration::from_millis(250);
const ROUND: Duration = Duration::from_secs(4);
const ROUNDS: usize = 7;

#[tokio::main]
async fn main() -> ExitCode {
    let ground = Arc::new(Ground::new().await);
    let stop = Arc::new(Notify::new());
    let running = ground.integrate(stop.clone());
    let mut rates = [vec![], vec![], vec![], vec![]];
    for round in 0..=ROUNDS {
        let measured = [
            load::bare(&ground, ROUND).await,
            load::append(&ground, ROUND).await,
            load::unaudited(&ground, ROUND).await,
            load::audited(&ground, ROUND).await,
        ];
        if round > 0 {
            for (all, rate) in rates.iter_mut().zip(measured) {
                all.push(rate);
            }
        }
    }
    let [bare, append, unaudited, audited] = rates.map(median);
    println!(
        "{WRITERS} writers, durable, medians of {ROUNDS} rounds in turn; entries count when they have their index:"
    );
    println!("  bare insert of two columns                {bare:>8.0}/s");
    println!(
        "  entries that stand alone, in groups       {append:>8.0}/s   {:.2} of it",
        append / bare
    );
    println!(
        "  a change in the doorway, without an entry {unaudited:>8.0}/s\n  the same with its entry                   {audited:>8.0}/s   {:.2} of it",
        audited / unaudited
    );
    let lag = lag::measure(&ground).await;
    stop.notify_one();
    running.await.expect("the integrator stops when told");
    println!("{}", lag.told());
    if append / bare < GOAL || lag.p99() > LAG_GOAL {
        println!(
            "below the goals: {GOAL} of a bare insert, p99 of {} ms",
            LAG_GOAL.as_millis()
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
