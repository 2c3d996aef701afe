//! What an API key costs at each request: `Authenticator::authenticate` with a key verified a moment ago, while the view of
//! revocations is fresh. Beside it, in the same run and with the same allocator: an HMAC-SHA256 of the same text and a look-up by it,
//! which no scheme that keeps no plaintext can go below, and Argon2id, which it would be without the cache. Then what sealing costs.
mod house;
mod sealing;

use std::{alloc::System, collections::HashMap, hint::black_box, time::Instant};

use aws_lc_rs::hmac;
use cap::Cap;
#[cfg(not(feature = "plain-allocator"))]
use zeroizing_alloc::ZeroAlloc;

#[cfg(not(feature = "plain-allocator"))]
#[global_allocator]
static ALLOCATOR: ZeroAlloc<Cap<System>> = ZeroAlloc(Cap::new(System, usize::MAX));
#[cfg(feature = "plain-allocator")]
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fn allocated() -> usize {
    #[cfg(not(feature = "plain-allocator"))]
    return ALLOCATOR.0.allocated();
    #[cfg(feature = "plain-allocator")]
    ALLOCATOR.allocated()
}

/// The promise, in nanoseconds.
const GOAL_NS: f64 = 20_000.0;
const ROUNDS: u32 = 101;
const ROUND: u32 = 1_000;
/// The largest body the service reads of an unbatched message, nearly.
const BODY: usize = 256 * 1024;

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

fn each(begun: Instant, times: u32) -> f64 {
    begun.elapsed().as_nanos() as f64 / f64::from(times)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let house = house::House::open().await;
    let mut cold = Vec::new();
    for _ in 0..15 {
        house.hear();
        house.forget();
        let begun = Instant::now();
        house.recognise().await;
        cold.push(each(begun, 1));
    }

    let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
    let name = |text: &str| -> [u8; 32] { hmac::sign(&key, text.as_bytes()).as_ref().try_into().expect("32 bytes") };
    let known: HashMap<[u8; 32], u64> = (0..10_000_u64)
        .map(|n| (name(&n.to_string()), n))
        .chain([(name(house.text()), 0)])
        .collect();
    let (mut bare, mut ours, mut wrong, mut body) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..ROUND {
            black_box(known.get(&name(black_box(house.text()))));
        }
        bare.push(each(begun, ROUND));
        house.hear();
        let begun = Instant::now();
        for _ in 0..ROUND {
            black_box(house.recognise().await);
        }
        ours.push(each(begun, ROUND));
        let begun = Instant::now();
        for _ in 0..ROUND {
            black_box(house.guess().await);
        }
        wrong.push(each(begun, ROUND));
        let begun = Instant::now();
        for _ in 0..10 {
            black_box(vec![1_u8; black_box(BODY)]);
        }
        body.push(each(begun, 10));
    }
    tell(
        &figures(bare),
        &figures(ours),
        &figures(wrong),
        &figures(cold),
        &figures(body),
    );
}

fn tell(bare: &Figures, ours: &Figures, wrong: &Figures, cold: &Figures, body: &Figures) {
    println!(
        "freed memory is {}",
        if cfg!(feature = "plain-allocator") {
            "left as it is"
        } else {
            "wiped"
        }
    );
    for (name, Figures { p50, p99 }) in [
        ("HMAC-SHA256 of the key's text, and a look-up", bare),
        ("authenticate, key verified a moment ago", ours),
        ("authenticate, a guess with a right checksum", wrong),
        ("authenticate, first use (Argon2id and the store)", cold),
        ("a body of 256 KiB made, filled and freed", body),
    ] {
        println!(
            "{name:<50} median {p50:>12.1} ns  p99 of samples {p99:>12.1} ns  {:>10.1} ×",
            p50 / bare.p50
        );
    }
    // The median: on a busy machine the slowest samples tell how busy it is.
    if ours.p50 > GOAL_NS {
        println!("above the goal of {GOAL_NS} ns");
        std::process::exit(1);
    }
    println!();
    if !sealing::sealing(allocated) {
        std::process::exit(1);
    }
}
