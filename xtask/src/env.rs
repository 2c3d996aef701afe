//! The environment, read here and nowhere else.

use std::{ffi::OsString, path::PathBuf};

#[expect(
    clippy::disallowed_methods,
    reason = "developer commands are configured by the shell they run in"
)]
fn var(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A database that is already there, for the tests to use instead of a throwaway cluster.
pub fn database_url() -> Option<OsString> {
    var("DATABASE_URL")
}

pub fn path() -> Option<OsString> {
    var("PATH")
}

/// Whether a judge that is missing is a failure.
pub fn in_ci() -> bool {
    var("CI").is_some_and(|value| value == "true")
}

/// Where a provisioned server is kept.
pub fn cache_dir() -> Option<PathBuf> {
    let root = rustix::process::geteuid().is_root();
    keepgate_pg_local::cache::cache_dir(root, var("XDG_CACHE_HOME").as_deref(), var("HOME").as_deref())
}
