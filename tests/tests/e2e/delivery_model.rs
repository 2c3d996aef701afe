//! The life of a delivery as a model (`tests/model/delivery.pml`) that SPIN searches whole: the rules of `keepgate_channels::machine`
//! hold, and without any one of them something goes wrong that people would feel.
use std::path::Path;

use tokio::process::Command;

use crate::judges::missing;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/model/delivery.pml");

/// What a search is for.
#[derive(Clone, Copy)]
enum Search {
    /// Whether an assertion can be violated.
    Safety,
    /// Whether it can go on for ever.
    Liveness,
}

/// What SPIN says about the model with these rules: the violation it found, if there is one. `None` without SPIN.
async fn search(rules: &[&str], search: Search) -> Option<Option<String>> {
    let home = tempfile::tempdir().unwrap();
    let mut spin = Command::new("spin");
    spin.args(rules).args(["-a", MODEL]);
    let Ok(made) = spin.current_dir(home.path()).output().await else {
        missing("spin");
        return None;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    let (compile, run): (&[&str], &[&str]) = match search {
        Search::Safety => (&["-DSAFETY", "-DNOCLAIM"], &["-E"]),
        Search::Liveness => (&["-DNFAIR=3"], &["-a", "-f", "-N", "ends"]),
    };
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-DCOLLAPSE", "-DMEMLIM=4000", "-w", "-o", "pan", "pan.c"])
        .args(compile);
    said(cc, home.path()).await;
    let mut pan = Command::new(home.path().join("pan"));
    pan.args(run).args(["-m3000000", "-w24"]);
    let told = said(pan, home.path()).await;
    // Not whole is not searched.
    assert!(
        !told.contains("out of memory") && !told.contains("max search depth too small"),
        "{told}"
    );
    if told.contains("errors: 0") {
        return Some(None);
    }
    let found = told.lines().find(|line| line.starts_with("pan:1:")).expect(&told);
    Some(Some(found.to_owned()))
}

async fn said(mut command: Command, home: &Path) -> String {
    let out = command.current_dir(home).kill_on_drop(true).output().await.unwrap();
    let told = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{told}{}", String::from_utf8_lossy(&out.stderr));
    told
}

#[tokio::test]
async fn nothing_goes_wrong_by_the_rules() {
    let worlds: &[&[&str]] = &[
        &["-DKILLS=2", "-DLOSSES=2"],
        &["-DZOMBIE=1"],
        &["-DIDEMP=1"],
        &["-DIDEMP=1", "-DZOMBIE=1", "-DKILLS=0"],
        &["-DMUSTACK=0"],
        &["-DCALLOFF=1", "-DLOSSES=0"],
    ];
    for rules in worlds {
        let Some(found) = search(rules, Search::Safety).await else {
            return;
        };
        assert_eq!(found, None, "{rules:?}");
    }
}

#[tokio::test]
async fn without_any_one_rule_something_does() {
    let broken: &[(&[&str], &str)] = &[
        // What is unknown is sent again, though nobody recognises it: people are called twice.
        (&["-DRESEND=1"], "reached"),
        // Looking it up first helps only as long as nobody sleeps through his lease.
        (&["-DRESEND=2", "-DZOMBIE=1"], "reached"),
        // A repetition that is refused says nothing about the first.
        (&["-DIDEMP=1", "-DNEWKEY=1"], "reached"),
        // An intent after the acknowledgement.
        (&["-DREREAD=0"], "end"),
        // Somebody without the lease writes what became of his call.
        (&["-DFENCE=0", "-DZOMBIE=1"], "violated"),
        // A receipt from before takes back a newer one.
        (&["-DLATTICE=0"], "violated"),
        // A receipt that came before the call's own answer is overwritten by it.
        (&["-DPARK=0"], "attempt"),
    ];
    for (rules, what) in broken {
        let Some(found) = search(rules, Search::Safety).await else {
            return;
        };
        let found = found.unwrap_or_else(|| panic!("{rules:?} breaks nothing"));
        assert!(
            found.contains("assertion violated") && found.contains(what),
            "{rules:?}: {found}"
        );
    }
}

#[tokio::test]
async fn every_delivery_ends() {
    for rules in [&[][..], &["-DIDEMP=1"], &["-DRECEIPTS=0"]] {
        let Some(found) = search(rules, Search::Liveness).await else {
            return;
        };
        assert_eq!(found, None, "{rules:?}");
    }
    // A call of which nobody ever hears again must not hold the delivery.
    let Some(found) = search(&["-DGOESON=0", "-DRECEIPTS=0"], Search::Liveness).await else {
        return;
    };
    assert!(found.is_some_and(|found| found.contains("acceptance cycle")));
}
