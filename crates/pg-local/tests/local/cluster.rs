//! A durable cluster on the real server: what is in it, who may use it, and what its log keeps to itself.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    process::Command,
};

use keepgate_pg_local::{DirLock, LocalPg, Mode, StartError, Status};

use crate::support::{options, processes_of, sql, start, try_sql};

#[test]
fn a_fresh_directory_becomes_a_durable_cluster_with_checksums() {
    let dir = tempfile::tempdir().unwrap();
    let pg = start(dir.path());
    assert!(matches!(pg.status(), Status::Ready { .. }));
    for (setting, value) in [
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("log_min_error_statement", "panic"),
    ] {
        assert_eq!(sql(&pg, &format!("show {setting}")), value, "{setting}");
    }
    pg.stop().unwrap();
}

#[test]
fn what_was_committed_is_there_after_a_stop_and_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let pg = start(dir.path());
    sql(&pg, "create table t (n int); insert into t values (41), (1)");
    pg.stop().unwrap();
    assert_eq!(processes_of(dir.path()), Vec::<i32>::new());
    let pg = start(dir.path());
    assert_eq!(sql(&pg, "select sum(n) from t"), "42");
}

#[test]
fn nobody_logs_in_without_the_right_password() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path(), Mode::Durable);
    options.roles.push("kg_app".into());
    let pg = LocalPg::start(options).unwrap();
    let password = pg.password("kg_app").unwrap();
    sql(
        &pg,
        &format!("create role kg_app login password '{}'", password.expose()),
    );

    let log_in = |role: &str, password: Option<&str>| {
        let mut psql = Command::new(pg.binaries().bin_dir.join("psql"));
        psql.args(["-X", "-w", "-q", "-A", "-t", "-c", "select current_user"])
            .env_clear();
        psql.envs(password.map(|secret| ("PGPASSWORD", secret)));
        psql.arg("-d")
            .arg(pg.endpoint().url("postgres", role, None))
            .output()
            .unwrap()
    };
    assert!(!log_in("kg_app", None).status.success());
    assert!(!log_in("kg_app", Some("wrong")).status.success());
    assert!(
        !log_in("keepgate", Some(password.expose())).status.success(),
        "the service's password opens the owner"
    );
    assert_eq!(log_in("kg_app", Some(password.expose())).stdout, b"kg_app\n");
    assert!(pg.url("postgres", "kg_app").contains(password.expose()));
}

#[test]
fn the_servers_user_gets_its_own_directories_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let keys = dir.path().join("keys");
    fs::create_dir(&keys).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o700)).unwrap();
    let ours = fs::metadata(dir.path()).unwrap().uid();

    let pg = start(dir.path());
    let owner_and_mode = |name: &str| {
        let meta = fs::metadata(dir.path().join(name)).unwrap();
        (meta.uid(), meta.mode() & 0o777)
    };
    assert_eq!(owner_and_mode("."), (ours, 0o755));
    assert_eq!(owner_and_mode("keys"), (ours, 0o700));
    assert_eq!(owner_and_mode("secrets"), (ours, 0o700));
    assert_eq!(owner_and_mode("secrets/pgpass"), (ours, 0o600));
    assert_eq!(owner_and_mode("run").1, 0o700);
    assert_eq!(owner_and_mode("pgdata").1, 0o700);
    assert_eq!(owner_and_mode("run").0, owner_and_mode("pgdata").0);
    assert_eq!(
        fs::read_dir(dir.path().join("run")).unwrap().count(),
        2,
        "the socket and its lock, no password file"
    );
    drop(pg);
}

#[test]
fn the_log_never_quotes_a_row_or_a_statement() {
    let dir = tempfile::tempdir().unwrap();
    let pg = start(dir.path());
    sql(
        &pg,
        "create table t (secret text primary key); insert into t values ('payload-4711')",
    );
    let refused = try_sql(&pg, "insert into t values ('payload-4711')");
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("payload-4711"),
        "the client is told"
    );
    assert!(!try_sql(&pg, "selekt 'payload-4711'").status.success());
    let log = fs::read_to_string(pg.log_file()).unwrap();
    assert!(log.contains("duplicate key value"), "the server does log errors: {log}");
    assert!(!log.contains("payload-4711"), "{log}");
}

#[test]
fn a_second_start_on_the_same_directory_names_the_first_ones_pid() {
    let dir = tempfile::tempdir().unwrap();
    let pg = start(dir.path());
    let said = LocalPg::start(options(dir.path(), Mode::Durable))
        .unwrap_err()
        .to_string();
    assert!(said.contains(&format!("pid {}", std::process::id())), "{said}");
    pg.stop().unwrap();
    DirLock::acquire(dir.path()).unwrap();
}

#[test]
fn half_a_cluster_left_by_a_killed_start_is_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    let half = dir.path().join("pgdata.init/base/1");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("1259"), "half a table").unwrap();
    fs::write(dir.path().join("pgdata.init/PG_VERSION"), "15\n").unwrap();
    let pg = start(dir.path());
    assert_eq!(sql(&pg, "select 1"), "1");
    assert!(!dir.path().join("pgdata.init").exists());
}

#[test]
fn files_that_are_no_cluster_are_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("pgdata")).unwrap();
    fs::write(dir.path().join("pgdata/precious"), "").unwrap();
    let refused = LocalPg::start(options(dir.path(), Mode::Durable)).unwrap_err();
    assert!(matches!(refused, StartError::NotACluster { .. }), "{refused}");
    assert!(dir.path().join("pgdata/precious").exists());
}

#[test]
fn a_cluster_of_another_major_version_is_not_opened_with_ours() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("pgdata")).unwrap();
    fs::write(dir.path().join("pgdata/PG_VERSION"), "14\n").unwrap();
    let said = LocalPg::start(options(dir.path(), Mode::Durable))
        .unwrap_err()
        .to_string();
    assert!(said.contains("PostgreSQL 14 is needed"), "{said}");
}

#[test]
fn a_path_with_blanks_commas_and_quotes_works() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("a, \"b\" 'c' %d");
    fs::create_dir(&odd).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let pg = start(&odd);
    // Not with psql: libpq takes the comma for the end of a host.
    UnixStream::connect(pg.endpoint().socket_dir.join(".s.PGSQL.5432")).unwrap();
}

#[test]
fn a_server_that_can_not_start_says_why_and_leaves_nothing_running() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path(), Mode::Durable);
    options.settings.push(("shared_buffers".into(), "no number".into()));
    let said = LocalPg::start(options).unwrap_err().to_string();
    assert!(said.contains("shared_buffers"), "{said}");
    assert_eq!(processes_of(dir.path()), Vec::<i32>::new());
    start(dir.path());
}

#[test]
fn a_throwaway_cluster_needs_no_password_and_keeps_nothing_safe() {
    let dir = tempfile::tempdir().unwrap();
    let pg = LocalPg::start(options(dir.path(), Mode::Throwaway)).unwrap();
    assert_eq!(sql(&pg, "show fsync"), "off");
    assert!(!dir.path().join("secrets/pgpass").exists());
    assert!(pg.password(pg.superuser()).is_none());
    pg.stop().unwrap();
}
