//! What an API key costs on each request: `Authenticator::authenticate` with a key verified a moment ago, beside one HMAC-SHA256 over the
//! same text, which no scheme that keeps no plaintext can go below. In memory, with the allocator of the service.
mod house;

use std::{alloc::System, hint::black_box, time::Instant};

use aws_lc_rs::hmac;
use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// The promise, in nanoseconds.
const GOAL_NS: f64 = 20_000.0;
const ROUND: u32 = 2_000;

/// Nanoseconds for one.
struct Figures {
    p50: f64,
    p99: f64,
}

fn figures(mut samples: Vec<f64>) -> Figures {
    samples.sort_by(f64::total_cmp);
    Figures {
        p50: samples[samples.len() / 2],
        p99: samples[samples.len() * 99 / 100],
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let house = house::House::open().await;
    let begun = Instant::now();
    house.recognise().await;
    let first = begun.elapsed();

    let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
    let (mut ours, mut bare, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..101 {
        let begun = Instant::now();
        for _ in 0..ROUND {
            black_box(house.recognise().await);
        }
        ours.push(begun.elapsed().as_nanos() as f64 / f64::from(ROUND));
        let begun = Instant::now();
        for _ in 0..ROUND {
            black_box(hmac::sign(&key, black_box(house.text().as_bytes())));
        }
        bare.push(begun.elapsed().as_nanos() as f64 / f64::from(ROUND));
        let begun = Instant::now();
        for _ in 0..ROUND {
            black_box(house.guess().await);
        }
        wrong.push(begun.elapsed().as_nanos() as f64 / f64::from(ROUND));
    }
    let (ours, bare, wrong) = (figures(ours), figures(bare), figures(wrong));
    println!("the first use of a key (Argon2id and the store): {:.1} ms", first.as_secs_f64() * 1e3);
    for (name, Figures { p50, p99 }) in [
        ("one HMAC-SHA256 over the key's text", &bare),
        ("authenticate, key verified a moment ago", &ours),
        ("authenticate, a guess with a right checksum", &wrong),
    ] {
        println!("{name:<46} median {p50:>9.1} ns  p99 of samples {p99:>9.1} ns  {:>6.1} ×", p50 / bare.p50);
    }
    if ours.p99 > GOAL_NS {
        println!("above the goal of {GOAL_NS} ns");
        std::process::exit(1);
    }
}
