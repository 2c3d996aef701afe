//! `cargo xtask provision`: PostgreSQL's binaries in the cache.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::env;

/// Fetches them unless they are there; their directory.
pub fn provision() -> Result<PathBuf> {
    let cache = env::cache_dir().context("neither HOME nor XDG_CACHE_HOME is set, so there is no cache directory")?;
    Ok(keepgate_pg_local::provision::provision(&cache, &mut |line| {
        eprintln!("{line}")
    })?)
}
