//! Developer commands. One file each; adding one means a file, a line in `dispatch` and a line in `USAGE`.

mod bench;
mod catalogue;
mod check;
mod cluster;
mod env;
mod fuzz;
mod judges;
mod migrate;
mod openapi;
mod permissions;
mod provision;
mod run;
mod server;
mod sqlx;
mod tally;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask check [--quick]          the architecture's rules; --quick leaves out the ones that compile
cargo xtask test [--pg N] [ARGS]     all tests against a throwaway PostgreSQL; N is 15, 18 or both (the
                                     second one without what does not depend on it); ARGS go to the test runner
cargo xtask sqlx [--check]           regenerate .sqlx, or fail if it is stale
cargo xtask catalogue [--check]      regenerate what the walls of the database look like, or fail if it is stale
                                     (`sqlx` does it as well)
cargo xtask openapi [--check]        regenerate docs/openapi.json, or fail if it is stale
cargo xtask bench NAME [ARGS]        a benchmark under benches/, beside its baseline in the same run
cargo xtask fuzz [--seconds N] [T]   libFuzzer on everything that reads bytes of strangers, 20 s a target
cargo xtask judges                   what a secret scanner, pattern rules and cargo-deny say about the repository
cargo xtask permissions [--check]    regenerate what the policy's table is told in, or fail if it is stale
cargo xtask provision                fetch PostgreSQL into the cache, without root";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["check"] => check::check(true),
        ["check", "--quick"] => check::check(false),
        ["test", rest @ ..] => test::test(rest),
        ["sqlx"] => sqlx::sqlx(false),
        ["sqlx", "--check"] => sqlx::sqlx(true),
        ["catalogue"] => catalogue::catalogue(false),
        ["catalogue", "--check"] => catalogue::catalogue(true),
        ["openapi"] => openapi::openapi(false),
        ["openapi", "--check"] => openapi::openapi(true),
        ["bench", name, rest @ ..] => bench::bench(name, rest),
        ["fuzz", rest @ ..] => fuzz::fuzz(rest),
        ["judges"] => judges::judges(),
        ["permissions"] => permissions::permissions(false),
        ["permissions", "--check"] => permissions::permissions(true),
        ["provision"] => provision::provision().map(|bin| run::say(&bin.display().to_string())),
        _ => bail!("usage:\n{USAGE}"),
    }
}
