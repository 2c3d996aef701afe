//! How many leaves a second one core verifies: every entry hashed, compared with its tile, and the tree built up to the
//! signed root. Beside it, in the same run, the bare SHA-256 of as many entries and nodes: what no verifier can do without.
//! First the verifier must find one changed byte.
mod log;

use std::{hint::black_box, process::ExitCode, time::Instant};

use keepgate_merkle::verify::{Outcome, Request, verify};
use sha2::{Digest, Sha256};

use log::{Log, ORIGIN};

/// Entries of the log, about as long as those of an audit log.
const ENTRIES: u64 = 262_144;
const ENTRY_BYTES: usize = 300;
/// The promise.
const GOAL: f64 = 1_000_000.0;
const SAMPLES: usize = 15;

fn main() -> ExitCode {
    let mut log = Log::of(ENTRIES, ENTRY_BYTES);
    log.flip();
    assert!(matches!(whole(&mut log), Outcome::Tampered(found) if found.index == Some(ENTRIES / 2)));
    log.flip();
    let mut rates = [vec![], vec![]];
    for round in 0..=SAMPLES {
        let ours = timed(|| assert!(matches!(whole(&mut log), Outcome::Verified(_))));
        let bare = timed(|| hashes(&log));
        if round > 0 {
            rates[0].push(ours);
            rates[1].push(bare);
        }
    }
    let [ours, bare] = rates.map(median);
    println!("{ENTRIES} entries of {ENTRY_BYTES} bytes, one core, medians of {SAMPLES} rounds in turn:");
    println!("  verified         {ours:>12.0} leaves/s");
    println!(
        "  bare SHA-256     {bare:>12.0} leaves/s   verifying is {:.2} of it",
        ours / bare
    );
    if ours < GOAL {
        println!("below the goal of {GOAL:.0} leaves/s");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn whole(log: &mut Log) -> Outcome<log::NotThere> {
    let (note, keys) = (log.note.clone(), [log.key.clone()]);
    let request = Request {
        checkpoint: note.as_bytes(),
        origin: ORIGIN,
        keys: &keys,
        since: &[],
        policy: None,
    };
    verify(&request, log, &mut ())
}

/// One hash for each entry, and one for each node above.
fn hashes(log: &Log) {
    let mut last = [0; 32];
    for entry in &log.entries {
        last = Sha256::digest(entry).into();
        black_box(&last);
    }
    let mut node = [0; 65];
    for _ in 1..log.entries.len() {
        if let Some(left) = node.first_chunk_mut::<32>() {
            *left = last;
        }
        last = Sha256::digest(node).into();
    }
    black_box(last);
}

fn timed(run: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    run();
    ENTRIES as f64 / begun.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
