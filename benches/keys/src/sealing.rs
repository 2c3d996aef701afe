//! What sealing costs: `DataKey::seal` and `open` of half a kilobyte with the tenant's key in memory, which derives a key for each value.
//! Beside it, in the same run, AES-256-GCM of aws-lc-rs alone under one key that was made before: with a random nonce, as it offers it,
//! and with a nonce given to it, which is the cipher and nothing else.
use std::{collections::HashMap, hint::black_box, sync::Arc, time::Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, RandomizedNonceKey, UnboundKey};
use keepgate_crypto_keys::{DataKey, Place, Purpose};
use keepgate_kernel::{TenantId, Uuid};

use crate::{Figures, each, figures};

/// The promises: nanoseconds, and bytes.
const GOAL_NS: f64 = 500.0;
const GOAL_BYTES: usize = 10_000_000;
const ROUNDS: u32 = 101;
const ROUND: u32 = 1_000;
const TENANTS: u128 = 10_000;

fn place(tenant: u128, purpose: Purpose) -> Place {
    let tenant = TenantId::from_uuid(Uuid::from_u128(tenant));
    Place {
        tenant,
        purpose,
        table: "channels.message",
        column: "payload",
        row: Uuid::from_u128(7),
    }
}

fn sample(samples: &mut Vec<f64>, mut once: impl FnMut()) {
    let begun = Instant::now();
    for _ in 0..ROUND {
        once();
    }
    samples.push(each(begun, ROUND));
}

/// Measures, tells, and says whether the promises hold.
pub fn sealing(allocated: impl Fn() -> usize) -> bool {
    let text = [7_u8; 512];
    let own = DataKey::generate(1).expect("a key");
    let place = place(1, Purpose::Payload);
    let sealed = own.seal(&place, &text).expect("sealed");
    let random = RandomizedNonceKey::new(&AES_256_GCM, &[3; 32]).expect("a key");
    let given = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[3; 32]).expect("a key"));
    let aad = [1_u8; 64];
    let mut all: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let [seal, open, bare, cipher] = &mut all;
        sample(bare, || {
            let mut body = Vec::with_capacity(528);
            body.extend_from_slice(black_box(&text));
            black_box(
                random
                    .seal_in_place_append_tag(Aad::from(&aad), &mut body)
                    .expect("sealed"),
            );
            black_box(body);
        });
        sample(cipher, || {
            let mut body = Vec::with_capacity(528);
            body.extend_from_slice(black_box(&text));
            let nonce = Nonce::assume_unique_for_key([9; 12]);
            given
                .seal_in_place_append_tag(nonce, Aad::from(&aad), &mut body)
                .expect("sealed");
            black_box(body);
        });
        sample(seal, || {
            black_box(own.seal(&place, black_box(&text)).expect("sealed"));
        });
        sample(open, || {
            black_box(own.open(&place, black_box(&sealed)).expect("opened"));
        });
    }
    let [seal, open, bare, cipher] = all.map(figures);
    let bytes = cached(allocated);
    tell(&[
        ("aws-lc-rs AES-256-GCM, 512 bytes, random nonce", &bare),
        ("aws-lc-rs AES-256-GCM, 512 bytes, nonce given", &cipher),
        ("seal 512 bytes, a key of its own by HKDF", &seal),
        ("open 512 bytes", &open),
    ]);
    println!(
        "{TENANTS} tenants' keys in memory: {bytes} bytes, {} each",
        bytes / TENANTS as usize
    );
    let mut kept = true;
    if seal.p50 > GOAL_NS {
        println!("above the goal of {GOAL_NS} ns");
        kept = false;
    }
    if bytes > GOAL_BYTES {
        println!("above the goal of {GOAL_BYTES} bytes");
        kept = false;
    }
    kept
}

/// Bytes that the keys of [`TENANTS`] take, each having sealed for every purpose.
fn cached(allocated: impl Fn() -> usize) -> usize {
    let before = allocated();
    let mut rings: HashMap<TenantId, Arc<Vec<DataKey>>> = HashMap::new();
    for tenant in 0..TENANTS {
        let key = DataKey::generate(1).expect("a key");
        for purpose in Purpose::ALL {
            black_box(key.seal(&place(tenant, purpose), b"warm").expect("sealed"));
        }
        rings.insert(place(tenant, Purpose::Payload).tenant, Arc::new(vec![key]));
    }
    let bytes = allocated() - before;
    black_box(rings);
    bytes
}

fn tell(lines: &[(&str, &Figures)]) {
    let first = lines[0].1.p50;
    for (name, Figures { p50, p99 }) in lines {
        println!(
            "{name:<50} median {p50:>12.1} ns  p99 of samples {p99:>12.1} ns  {:>10.2} ×",
            p50 / first
        );
    }
}
