//! `cargo xtask catalogue`: what the walls of a freshly migrated database look like, which the service compares with its own every
//! minute.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    cluster::Throwaway,
    migrate::migrate,
    run::say,
    server::{Wanted, server},
    workspace,
};

const FOLDER: &str = "crates/store/src/postgres";

/// Rewrites the expected lines, or with `check` fails if that would change them.
pub fn catalogue(check: bool) -> Result<()> {
    let server = server(Wanted::Any)?;
    let cluster = Throwaway::start(&server)?;
    migrate(&cluster.url(), &server.bin_dir)?;
    record(&cluster.url(), &server.bin_dir, check)
}

/// The same from a database that was migrated just now.
pub fn record(url: &str, pg_bin: &Path, check: bool) -> Result<()> {
    let folder = workspace::root().join(FOLDER);
    psql(
        url,
        pg_bin,
        &["-q", "-1", "-o", "/dev/null", "-f"],
        &folder.join("guard.sql"),
    )?;
    let told = psql(
        url,
        pg_bin,
        &["-q", "-A", "-t", "-c", "set search_path = pg_catalog", "-f"],
        &folder.join("catalogue/catalogue.sql"),
    )?;
    // The months of the database at hand: one pattern for all.
    let lines: BTreeSet<&str> = told
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(_, line)| line)
        .collect();
    let new = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    let kept: PathBuf = folder.join("catalogue/expected.txt");
    let count = lines.len();
    if fs::read_to_string(&kept).unwrap_or_default() == new {
        say(&format!("the catalogue is up to date: {count} lines"));
    } else if check {
        bail!("{} is stale: run `cargo xtask catalogue`", kept.display());
    } else {
        fs::write(&kept, new).with_context(|| format!("can't write {}", kept.display()))?;
        say(&format!("the catalogue is written: {count} lines"));
    }
    Ok(())
}

fn psql(url: &str, pg_bin: &Path, args: &[&str], file: &Path) -> Result<String> {
    let mut psql = Command::new(pg_bin.join("psql"));
    psql.args(["-X", "-v", "ON_ERROR_STOP=1", "-d", url])
        .args(args)
        .arg(file);
    let out = psql
        .env("PGOPTIONS", "-c client_min_messages=warning")
        .output()
        .context("can't run psql")?;
    if !out.status.success() {
        bail!(
            "psql failed on {}: {}",
            file.display(),
            String::from_utf8_lossy(&out.stderr)
        );
    }
    Ok(String::from_utf8(out.stdout)?)
}
