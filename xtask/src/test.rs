//! `cargo xtask test`: every test, against a throwaway PostgreSQL.

use std::{ffi::OsString, io::IsTerminal, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    cluster::Throwaway,
    env,
    run::{cargo, run, say, teed},
    server::{self, Wanted},
    tally::Tally,
    workspace,
};

/// What is asked of a second PostgreSQL, as a filter of nextest: everything that speaks SQL to it directly (contracts, attacks,
/// mutants, judges of the catalogue), and of the end-to-end tests those in which the database decides. The rest does not
/// depend on the server's version.
const OF_ANOTHER_SERVER: &str = "not binary(e2e) or test(/^(audit|audit_coverage|authority|devices|every_operation|first_start|identity\
    |isolation|mail|matrix|messages|passkeys|permissions|revocation|second_factors|signing_keys|sso|two_people|units|walls)::/)";

/// What the tests find in their environment.
struct Setting {
    database_url: OsString,
    pg_bin: PathBuf,
    keepgate_bin: PathBuf,
}

impl Setting {
    fn apply<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("DATABASE_URL", &self.database_url)
            .env("SQLX_OFFLINE", "true");
        command
            .env("KEEPGATE_TEST_PG_BIN", &self.pg_bin)
            .env("KEEPGATE_BIN", &self.keepgate_bin);
        if std::io::stdout().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        command
    }
}

/// The last line printed is `N passed, N failed`. Fails if a test does, or if none ran.
pub fn test(args: &[&str]) -> Result<()> {
    let (wanted, rest) = split(args)?;
    let existing = env::database_url();
    if existing.is_some() && !wanted.is_empty() {
        bail!("--pg starts a server of its own, but DATABASE_URL names one: unset it or leave out --pg");
    }
    // Selected as the test runner will select it, so that nothing is built twice.
    run(&mut cargo(&["build", "--workspace", "--bin", "keepgate"]))?;
    let keepgate_bin = workspace::target()?.join("debug/keepgate");

    let mut sum = Tally::default();
    let mut sound = true;
    let wanted = if wanted.is_empty() { vec![Wanted::Any] } else { wanted };
    for (nth, choice) in wanted.iter().enumerate() {
        let server = server::server(*choice)?;
        let cluster = if existing.is_none() {
            Some(Throwaway::start(&server)?)
        } else {
            None
        };
        let database_url = cluster
            .as_ref()
            .map(|cluster| cluster.url().into())
            .or_else(|| existing.clone());
        let database_url = database_url.context("no database")?;
        let setting = Setting {
            database_url,
            pg_bin: server.bin_dir.clone(),
            keepgate_bin: keepgate_bin.clone(),
        };
        // The examples in the documentation do not depend on the server: once is enough.
        let whole = nth == 0 || !rest.is_empty();
        let chosen = if whole {
            rest.clone()
        } else {
            vec!["-E", OF_ANOTHER_SERVER]
        };
        let (ok, tally) = all(&setting, &chosen, nth == 0)?;
        say(&format!("PostgreSQL-{}: {tally}", server.major));
        sum.add(tally);
        sound &= ok;
    }
    say(&sum.to_string());
    match (sound, sum.passed + sum.failed) {
        (true, 0) => bail!("no test ran"),
        (true, _) => Ok(()),
        (false, _) => bail!("tests failed"),
    }
}

/// Takes `--pg VALUE` out of the arguments.
fn split<'a>(args: &[&'a str]) -> Result<(Vec<Wanted>, Vec<&'a str>)> {
    let Some(at) = args.iter().position(|arg| *arg == "--pg") else {
        return Ok((vec![], args.to_vec()));
    };
    let (before, after) = args.split_at(at);
    let value = after.get(1).context("--pg needs a value: 15, 18 or both")?;
    let rest = before.iter().chain(after.iter().skip(2)).copied().collect();
    Ok((server::parse(value)?, rest))
}

fn all(setting: &Setting, args: &[&str], documentation: bool) -> Result<(bool, Tally)> {
    // cargo would ignore a choice of package beside --workspace.
    let chosen = args.iter().any(|arg| *arg == "-p" || arg.starts_with("--package"));
    let scope: &[&str] = if chosen {
        &["--no-fail-fast"]
    } else {
        &["--workspace", "--no-fail-fast"]
    };
    let nextest = Command::new("cargo")
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|out| out.status.success());
    if !nextest {
        let args = if args.contains(&OF_ANOTHER_SERVER) { &[] } else { args };
        return teed_tests(setting, &mut cargo(&[&["test"], scope, args].concat()));
    }
    let (mut ok, mut tally) = teed_tests(setting, &mut cargo(&[&["nextest", "run"], scope, args].concat()))?;
    // nextest does not run the examples in the documentation. A selection of tests is not meant to include them.
    if documentation && args.is_empty() {
        let (examples_ok, examples) = teed_tests(setting, &mut cargo(&[&["test", "--doc"], scope].concat()))?;
        ok &= examples_ok;
        tally.add(examples);
    }
    Ok((ok, tally))
}

fn teed_tests(setting: &Setting, command: &mut Command) -> Result<(bool, Tally)> {
    let (ok, lines) = teed(setting.apply(command))?;
    Ok((ok, Tally::of(lines.iter().map(String::as_str))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_of_server_is_taken_out_and_the_rest_is_passed_on() {
        let (wanted, rest) = split(&["-p", "x", "--pg", "18", "name"]).unwrap();
        assert_eq!((wanted, rest), (vec![Wanted::Provisioned], vec!["-p", "x", "name"]));
        assert_eq!(split(&["name"]).unwrap(), (vec![], vec!["name"]));
        assert!(split(&["--pg"]).is_err());
    }
}
