//! The run: every attempt, one table, no breach.
use std::time::Instant;

use crate::{
    across, approvals,
    attack::{Attack, Verdict},
    devices, forged, log, open, places, positives, races, reseal, reuse, roles, secrets,
    siege::Siege,
    sinks, upward,
};

/// Every attempt there is.
pub fn attacks() -> Vec<Attack> {
    [
        open::attacks(),
        forged::attacks(),
        reuse::attacks(),
        roles::attacks(),
        secrets::attacks(),
        upward::attacks(),
        across::attacks(),
        places::attacks(),
        log::attacks(),
        approvals::attacks(),
        devices::attacks(),
        sinks::attacks(),
        reseal::attacks(),
        races::attacks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Plays `attacks`, one after the other.
pub async fn play(siege: &Siege, attacks: Vec<Attack>) -> Vec<(Attack, Verdict)> {
    let mut told = Vec::with_capacity(attacks.len());
    for attack in attacks {
        let verdict = attack.play(siege).await;
        told.push((attack, verdict));
    }
    told
}

fn table(told: &[(Attack, Verdict)]) {
    for (attack, verdict) in told {
        let (word, why) = match verdict {
            Verdict::Blocked(why) => ("blocked", why),
            Verdict::Breach(why) => ("BREACH ", why),
            Verdict::Broken(why) => ("BROKEN ", why),
        };
        println!(
            "{word}  {:<70} {:<16} {:.90}",
            attack.name,
            format!("{:?}", attack.who),
            why.replace('\n', " ")
        );
    }
}

fn names(told: &[(Attack, Verdict)], which: impl Fn(&(Attack, Verdict)) -> bool) -> Vec<String> {
    told.iter()
        .filter(|one| which(one))
        .map(|(attack, verdict)| format!("{}: {verdict:?}", attack.name))
        .collect()
}

#[tokio::test]
async fn every_attempt_fails_and_what_is_lawful_still_works() {
    let siege = Siege::begin(true).await;
    let begun = Instant::now();
    let told = play(&siege, attacks()).await;
    table(&told);
    println!("{} attempts in {:.1} s", told.len(), begun.elapsed().as_secs_f64());
    let mut seen: Vec<_> = told.iter().map(|(attack, _)| attack.name.clone()).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), told.len(), "each attempt has a name of its own");
    assert!(told.len() >= 85, "{} attempts", told.len());
    assert_eq!(
        names(&told, |(_, verdict)| !matches!(verdict, Verdict::Blocked(_))),
        Vec::<String>::new()
    );
    assert_eq!(positives::failing(&siege).await, Vec::<String>::new());
    siege.end().await;
}

/// A managed PostgreSQL that refuses the lockdown: the walls hold, and what is left open is exactly what is marked so.
#[tokio::test]
async fn without_the_lockdown_the_walls_hold_and_only_the_known_residuals_are_left() {
    let siege = Siege::begin(false).await;
    let told = play(&siege, attacks()).await;
    let breaches = names(&told, |(attack, verdict)| {
        !attack.needs_lockdown && !matches!(verdict, Verdict::Blocked(_))
    });
    assert_eq!(breaches, Vec::<String>::new());
    let left = names(&told, |(attack, verdict)| attack.needs_lockdown && verdict.is_breach());
    println!("left open without the lockdown:\n{}", left.join("\n"));
    assert!(left.len() >= 5, "the marks mean something: {left:?}");
    assert_eq!(positives::failing(&siege).await, Vec::<String>::new());
    siege.end().await;
}
