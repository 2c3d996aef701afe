//! `cargo xtask check`: the architecture's rules, proved from the manifests and the source tree.
//!
//! A rule is a file with one function from a [`Tree`] to its breaches, a line in [`RULES`], and a test in `tests.rs`
//! that breaks it.

mod asvs;
mod axum_home;
mod features;
mod floors;
mod leaks;
mod lints;
mod migrations;
mod one_cache;
mod sizes;
mod sqlx_home;
#[cfg(test)]
mod tests;
mod tree;
mod unsafe_home;
mod versions;

use anyhow::{Result, bail};

use crate::{run::say, workspace};
use tree::{Breach, Tree};

/// One rule: its name, what it proves, and how.
struct Rule {
    name: &'static str,
    proves: &'static str,
    breaches: fn(&Tree) -> Vec<Breach>,
}

const RULES: [Rule; 11] = [
    Rule {
        name: "floors",
        proves: "lower crates never depend on higher ones, nor siblings on each other",
        breaches: floors::breaches,
    },
    Rule {
        name: "sqlx",
        proves: "SQL lives in modules named postgres, behind the feature of that name",
        breaches: sqlx_home::breaches,
    },
    Rule {
        name: "axum",
        proves: "HTTP lives in api-gateway",
        breaches: axum_home::breaches,
    },
    Rule {
        name: "sizes",
        proves: "files are small rooms",
        breaches: sizes::breaches,
    },
    Rule {
        name: "lints",
        proves: "every crate inherits the workspace's lints",
        breaches: lints::breaches,
    },
    Rule {
        name: "versions",
        proves: "dependencies come from the workspace's table",
        breaches: versions::breaches,
    },
    Rule {
        name: "one-cache",
        proves: "the checked queries lie in the root's .sqlx alone",
        breaches: one_cache::breaches,
    },
    Rule {
        name: "leaks",
        proves: "no registry host or machine path is written down",
        breaches: leaks::breaches,
    },
    Rule {
        name: "migrations",
        proves: "migrations are named alike, each number once",
        breaches: migrations::breaches,
    },
    Rule {
        name: "unsafe",
        proves: "unsafe code has two homes, each named by an ADR",
        breaches: unsafe_home::breaches,
    },
    Rule {
        name: "asvs",
        proves: "the page about ASVS claims nothing that no test shows",
        breaches: asvs::breaches,
    },
];

/// Prints one line for each rule, and one for each breach. `compile`: also builds every library without its features.
pub fn check(compile: bool) -> Result<()> {
    let tree = Tree::load(&workspace::root())?;
    let mut failed = 0;
    for rule in &RULES {
        failed += report(rule.name, rule.proves, &(rule.breaches)(&tree));
    }
    if compile {
        let breaches = features::breaches(&tree)?;
        failed += report(
            "features",
            "every library builds without default features, and then without sqlx",
            &breaches,
        );
    }
    match failed {
        0 => Ok(()),
        1 => bail!("1 rule is broken"),
        n => bail!("{n} rules are broken"),
    }
}

fn report(name: &str, proves: &str, breaches: &[Breach]) -> usize {
    let verdict = if breaches.is_empty() { "ok    " } else { "FAILED" };
    say(&format!("{verdict}  {name:<10}  {proves}"));
    for breach in breaches {
        say(&format!("        {breach}"));
    }
    usize::from(!breaches.is_empty())
}
