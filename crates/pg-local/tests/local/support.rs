//! A cluster in a scratch directory, and psql to talk to it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use keepgate_pg_local::{LocalPg, Mode, Options, Search};

/// The server's directory given by the test command, or what the machine has.
#[expect(
    clippy::disallowed_methods,
    reason = "the test command names the server in the environment"
)]
pub fn search() -> Search {
    Search {
        bin_dir: std::env::var_os("KEEPGATE_TEST_PG_BIN").map(PathBuf::from),
        path: std::env::var_os("PATH"),
        also: vec![],
    }
}

pub fn options(dir: &Path, mode: Mode) -> Options {
    Options {
        search: search(),
        ..Options::new(dir, mode)
    }
}

pub fn start(dir: &Path) -> LocalPg {
    LocalPg::start(options(dir, Mode::Durable)).unwrap()
}

/// Runs one statement as the superuser, with the password from the file as an administrator would.
pub fn try_sql(pg: &LocalPg, sql: &str) -> Output {
    let mut psql = Command::new(pg.binaries().bin_dir.join("psql"));
    psql.args([
        "-X",
        "-w",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-U",
        pg.superuser(),
        "-c",
        sql,
        "postgres",
    ]);
    psql.arg("-h").arg(&pg.endpoint().socket_dir).env_clear();
    psql.env("PGPASSFILE", pg.dir().join("secrets/pgpass"))
        .output()
        .unwrap()
}

pub fn sql(pg: &LocalPg, statement: &str) -> String {
    let out = try_sql(pg, statement);
    assert!(
        out.status.success(),
        "{statement}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap().trim().to_string()
}

/// The cluster's server and, where /proc tells, all its backends.
pub fn processes_of(data: &Path) -> Vec<i32> {
    let pgdata = fs::canonicalize(data).unwrap().join("pgdata");
    if cfg!(target_os = "linux") {
        let all = fs::read_dir("/proc").unwrap().flatten();
        let here = all.filter(|entry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == pgdata));
        return here
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
    }
    let listed = Command::new("ps").args(["-axo", "pid=,command="]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let servers = listed.lines().filter(|line| line.contains(pgdata.to_str().unwrap()));
    servers
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect()
}
