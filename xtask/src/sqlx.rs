//! `cargo xtask sqlx`: the checked queries in `.sqlx`, without sqlx-cli.
//!
//! With `SQLX_OFFLINE_DIR` set and a live database, every query macro writes its file while it is compiled. The crates
//! that hold queries must really be compiled again for that.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result, bail};

use crate::{
    catalogue,
    cluster::Throwaway,
    migrate::migrate,
    run::{cargo, run, say},
    server::{Wanted, server},
    workspace,
};

/// Rewrites `.sqlx`, or with `check` fails if that would change it.
pub fn sqlx(check: bool) -> Result<()> {
    let (new, kept) = (prepare(check)?, workspace::root().join(".sqlx"));
    let (count, old) = (new.len(), read(&kept));
    if new == old {
        say(&format!(".sqlx is up to date: {count} queries"));
    } else if check {
        bail!(
            ".sqlx is stale ({count} queries in the code, {} recorded): run `cargo xtask sqlx`",
            old.len()
        );
    } else {
        replace(&kept, &new).with_context(|| format!("can't write {}", kept.display()))?;
        say(&format!(".sqlx is written: {count} queries"));
    }
    Ok(())
}

type Queries = BTreeMap<String, String>;

fn prepare(check_only: bool) -> Result<Queries> {
    let server = server(Wanted::Any)?;
    let cluster = Throwaway::start(&server)?;
    migrate(&cluster.url(), &server.bin_dir)?;
    // The same database tells what its walls look like.
    catalogue::record(&cluster.url(), &server.bin_dir, check_only)?;
    let out = workspace::target()?.join("sqlx-prepare");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).with_context(|| format!("can't create {}", out.display()))?;
    touch_crate_roots()?;
    // Tests hold queries too, hence all targets. This program is running, so it is left out.
    let mut compile = cargo(&["check", "--quiet", "--workspace", "--all-targets", "--exclude", "xtask"]);
    compile
        .env("DATABASE_URL", cluster.url())
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", &out);
    run(&mut compile)?;
    Ok(read(&out))
}

/// A build directory of its own would compile every dependency again; a newer root file is enough.
fn touch_crate_roots() -> Result<()> {
    let now = now();
    for root in crate_roots() {
        let file = fs::File::options().append(true).open(&root)?;
        file.set_modified(now)
            .with_context(|| format!("can't touch {}", root.display()))?;
    }
    Ok(())
}

fn crate_roots() -> Vec<PathBuf> {
    let root = workspace::root();
    let crates = fs::read_dir(root.join("crates"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let folders = crates.chain([root.join("tests")]);
    let files = folders.flat_map(|folder| {
        let tests = fs::read_dir(folder.join("tests"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        [folder.join("src/lib.rs"), folder.join("src/main.rs")]
            .into_iter()
            .chain(tests)
            .collect::<Vec<_>>()
    });
    files.filter(|path| path.is_file()).collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a file's time is compared with other files' times"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn read(folder: &Path) -> Queries {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            Some((
                entry.file_name().into_string().ok()?,
                fs::read_to_string(entry.path()).ok()?,
            ))
        })
        .collect()
}

fn replace(folder: &Path, queries: &Queries) -> std::io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    queries
        .iter()
        .try_for_each(|(name, text)| fs::write(folder.join(name), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_removes_the_queries_that_are_gone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(".sqlx");
        let one = Queries::from([
            ("query-1.json".into(), "{}".into()),
            ("query-2.json".into(), "{}".into()),
        ]);
        replace(&folder, &one).unwrap();
        assert_eq!(read(&folder), one);
        let other = Queries::from([("query-3.json".into(), "{}".into())]);
        replace(&folder, &other).unwrap();
        assert_eq!(read(&folder), other);
    }
}
