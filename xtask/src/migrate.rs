//! Brings an empty database to the newest schema.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{run::run, workspace};

/// The roles that the migrations grant to; the service creates them before it migrates.
const ROLES: &str = "crates/store/src/postgres/roles.sql";

/// Creates the roles, then runs every file of `migrations/` in the order of its number, each as one transaction.
///
/// With psql, so that xtask builds in seconds and also when a query in the code is stale.
pub fn migrate(url: &str, pg_bin: &Path) -> Result<()> {
    let root = workspace::root();
    for file in [root.join(ROLES)]
        .into_iter()
        .chain(migrations(&root.join("migrations"))?)
    {
        let mut psql = Command::new(pg_bin.join("psql"));
        psql.args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", url, "-f"])
            .arg(&file);
        // Notices are for people who migrate by hand.
        run(psql.env("PGOPTIONS", "-c client_min_messages=warning"))?;
    }
    Ok(())
}

fn migrations(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "sql"));
    files.sort();
    Ok(files)
}
