//! The decision of `policy` beside cedar-policy and casbin, over the same table: every action × level, for people and for
//! API keys. First all three must agree on every row, then each is timed.
mod casbin_table;
mod cedar_table;
mod table;
mod timing;

use std::hint::black_box;

use keepgate_kernel::Level;
use keepgate_policy::{authorize, decide, permissions::MessageAccept};

use table::{Question, context, questions};
use timing::{Figures, median};

/// Decisions of ours for each sample: one is shorter than the clock can see.
const OURS: usize = 20_000;
/// The same of the engines.
const THEIRS: usize = 200;
/// The promise.
const GOAL_NS: f64 = 50.0;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let questions = questions();
    let cedar = cedar_table::Cedar::new();
    let casbin = casbin_table::Casbin::new().await;
    let requests: Vec<_> = questions.iter().map(cedar_table::Cedar::request).collect();
    for (question, request) in questions.iter().zip(&requests) {
        agree(question, cedar.permits(request), casbin.permits(question));
    }

    let ours = median(&questions, OURS, |q| {
        decide(black_box(&q.principal), q.credential, q.action).is_ok()
    });
    let asked = context(Level::Operator);
    let minted = median(&questions, OURS, |_| {
        authorize::<MessageAccept>(black_box(&asked)).is_ok()
    });
    let cedar = median(&requests, THEIRS, |request| cedar.permits(request));
    let casbin = median(&questions, THEIRS, |q| casbin.permits(q));
    report(
        questions.len(),
        &[
            ("keepgate-policy, decide", ours),
            ("keepgate-policy, authorize (mints the proof)", minted),
            ("cedar-policy", cedar),
            ("casbin", casbin),
        ],
    );
    if ours.p50 > GOAL_NS {
        println!("above the goal of {GOAL_NS} ns");
        std::process::exit(1);
    }
}

fn agree(question: &Question, cedar: bool, casbin: bool) {
    let ours = decide(&question.principal, question.credential, question.action).is_ok();
    assert_eq!(cedar, ours, "cedar-policy and we differ on {question:?}");
    assert_eq!(casbin, ours, "casbin and we differ on {question:?}");
}

fn report(questions: usize, rows: &[(&str, Figures)]) {
    println!("{questions} questions, all three agree; one decision:");
    let base = rows.first().map_or(1.0, |(_, figures)| figures.p50);
    for (name, Figures { p50, p99 }) in rows {
        println!(
            "{name:<46} median {p50:>9.1} ns  p99 of samples {p99:>9.1} ns  {:>7.1} ×",
            p50 / base
        );
    }
}
