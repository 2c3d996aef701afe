//! Medians: warm up, then many samples, each a round over all questions.
use std::{hint::black_box, time::Instant};

/// Nanoseconds for one decision.
#[derive(Clone, Copy)]
pub struct Figures {
    pub p50: f64,
    pub p99: f64,
}

/// Asks at least `decisions` questions in each of 101 samples, after a few that don't count.
pub fn median<Q>(questions: &[Q], decisions: usize, ask: impl Fn(&Q) -> bool) -> Figures {
    let sample = || {
        let begun = Instant::now();
        for question in questions.iter().cycle().take(decisions) {
            black_box(ask(black_box(question)));
        }
        begun.elapsed().as_nanos() as f64 / decisions as f64
    };
    for _ in 0..5 {
        black_box(sample());
    }
    let mut samples: Vec<f64> = (0..101).map(|_| sample()).collect();
    samples.sort_by(f64::total_cmp);
    Figures {
        p50: samples[50],
        p99: samples[99],
    }
}
