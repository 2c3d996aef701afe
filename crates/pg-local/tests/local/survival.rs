//! What happens when the server, or its parent, is killed.
//! Processes are counted through /proc, so these tests are for Linux.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use keepgate_pg_local::{LocalPg, Mode, Options, StartError, Status, Tether};

use crate::support::{options, processes_of, sql, start, try_sql};

const LIMIT: Duration = Duration::from_secs(30);
const HOLD: &str = "KEEPGATE_TEST_HOLD";

/// What a test's second process was told by the first.
#[expect(
    clippy::disallowed_methods,
    reason = "a test that starts itself again says so in the environment"
)]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Polls, because what is waited for happens in another process.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn kill_9(pid: u32) {
    let done = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(done.success());
}

fn pid(pg: &LocalPg) -> u32 {
    match pg.status() {
        Status::Ready { pid } => pid,
        other => panic!("not ready: {other:?}"),
    }
}

#[test]
fn a_killed_server_comes_back_with_everything_committed() {
    let dir = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = seen.clone();
    let mut options = options(dir.path(), Mode::Durable);
    options.on_change = Some(Box::new(move |status| heard.lock().unwrap().push(status.clone())));
    let pg = LocalPg::start(options).unwrap();
    sql(&pg, "create table t as select 42 as n");

    for _ in 0..3 {
        let killed = pid(&pg);
        kill_9(killed);
        eventually(
            "another server is ready",
            || matches!(pg.status(), Status::Ready { pid } if pid != killed),
        );
        assert_eq!(sql(&pg, "select n from t"), "42");
    }
    pg.stop().unwrap();
    let seen = seen.lock().unwrap();
    let kinds: Vec<&str> = seen.iter().map(|status| kind(status)).collect();
    assert_eq!(
        kinds,
        [
            "ready",
            "restarting",
            "ready",
            "restarting",
            "ready",
            "restarting",
            "ready",
            "stopped"
        ]
    );
    let Status::Restarting { attempt, why } = &seen[1] else {
        panic!("{seen:?}")
    };
    assert!(*attempt == 1 && why.contains("signal: 9"), "{why}");
}

fn kind(status: &Status) -> &'static str {
    match status {
        Status::Starting => "starting",
        Status::Ready { .. } => "ready",
        Status::Restarting { .. } => "restarting",
        Status::Stopped => "stopped",
    }
}

#[test]
fn a_server_that_is_killed_amid_a_long_statement_comes_back_too() {
    let dir = tempfile::tempdir().unwrap();
    let pg = start(dir.path());
    let killed = pid(&pg);
    std::thread::scope(|scope| {
        scope.spawn(|| try_sql(&pg, "select count(*) from generate_series(1, 100000000000)"));
        eventually("the statement runs", || {
            sql(
                &pg,
                "select count(*) from pg_stat_activity where query like '%generate_series(1, 100%' and state = 'active'",
            ) == "2"
        });
        kill_9(killed);
        eventually(
            "another server is ready",
            || matches!(pg.status(), Status::Ready { pid } if pid != killed),
        );
    });
    assert_eq!(sql(&pg, "select 1"), "1");
}

#[test]
fn a_stop_during_a_restart_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let pg = start(dir.path());
    // With its control file gone, the server can't come back.
    let (control, aside) = (
        dir.path().join("pgdata/global/pg_control"),
        dir.path().join("pg_control"),
    );
    fs::rename(&control, &aside).unwrap();
    kill_9(pid(&pg));
    eventually("a second attempt", || {
        matches!(pg.status(), Status::Restarting { attempt: 2.., .. })
    });
    let Status::Restarting { why, .. } = pg.status() else {
        panic!("{:?}", pg.status())
    };
    assert!(why.contains("pg_control"), "{why}");
    assert!(!pg.wait_ready(Duration::from_millis(1)));
    pg.stop().unwrap();
    assert_eq!(processes_of(dir.path()), Vec::<i32>::new());
    // Repaired, it also clears the shared memory that the killed server left.
    fs::rename(&aside, &control).unwrap();
    start(dir.path());
}

#[test]
fn dropping_the_handle_stops_the_server() {
    let dir = tempfile::tempdir().unwrap();
    drop(start(dir.path()));
    assert_eq!(processes_of(dir.path()), Vec::<i32>::new());
}

/// Runs in a process of its own until it is killed. The server is started on a thread that ends at once: the
/// supervisor's thread must be what counts.
fn hold(dir: &str, tether: Tether) -> ! {
    let options = Options {
        tether,
        ..options(Path::new(dir), Mode::Durable)
    };
    let pg = std::thread::spawn(move || LocalPg::start(options).unwrap())
        .join()
        .unwrap();
    sql(&pg, "create table if not exists t as select 42 as n");
    println!("holding {}", pid(&pg));
    loop {
        std::thread::park();
    }
}

/// Starts this very test again, as a process that only holds the cluster.
fn holder(test: &str, dir: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(HOLD, dir)
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines.map_while(Result::ok).any(|line| line.contains("holding")),
        "the holder did not start"
    );
    child
}

fn the_server_dies_with_its_parent(test: &str, tether: Tether) {
    if let Some(dir) = told(HOLD) {
        hold(&dir, tether);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut parent = holder(test, dir.path());
    assert!(!processes_of(dir.path()).is_empty());
    let said = LocalPg::start(options(dir.path(), Mode::Durable))
        .unwrap_err()
        .to_string();
    assert!(said.contains(&format!("pid {}", parent.id())), "{said}");

    kill_9(parent.id());
    parent.wait().unwrap();
    eventually("nothing is left running", || processes_of(dir.path()).is_empty());

    // And again without waiting: the next start waits for the server that is still going down.
    let mut parent = holder(test, dir.path());
    kill_9(parent.id());
    parent.wait().unwrap();
    let pg = start(dir.path());
    assert_eq!(sql(&pg, "select n from t"), "42");
}

#[test]
fn the_server_dies_with_its_parent_by_the_kernels_signal() {
    the_server_dies_with_its_parent(
        "survival::the_server_dies_with_its_parent_by_the_kernels_signal",
        Tether::ParentDeath,
    );
}

#[test]
fn the_server_dies_with_its_parent_by_the_closing_pipe() {
    the_server_dies_with_its_parent(
        "survival::the_server_dies_with_its_parent_by_the_closing_pipe",
        Tether::Pipe,
    );
}

#[test]
fn a_lock_file_that_names_another_program_does_not_stop_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let pg = start(dir.path());
    let lock = fs::read_to_string(dir.path().join("pgdata/postmaster.pid")).unwrap();
    pg.stop().unwrap();
    // A machine that crashed, and gave the pid to somebody else when it came back.
    let stranger = std::process::id().to_string();
    let stale: Vec<&str> = [stranger.as_str()].into_iter().chain(lock.lines().skip(1)).collect();
    fs::write(dir.path().join("pgdata/postmaster.pid"), stale.join("\n")).unwrap();
    let pg = start(dir.path());
    assert_eq!(sql(&pg, "select 1"), "1");
}

#[test]
fn a_server_started_by_somebody_else_is_waited_for_and_then_named() {
    let dir = tempfile::tempdir().unwrap();
    start(dir.path()).stop().unwrap();
    let pgdata = fs::canonicalize(dir.path().join("pgdata")).unwrap();
    // What an orphan looks like from outside: a live process with the cluster as an argument.
    let mut orphan = Command::new("sh");
    orphan.args(["-c", "read -r _", "postgres", "-D"]).arg(&pgdata);
    let mut orphan = orphan.stdin(Stdio::piped()).spawn().unwrap();
    fs::write(pgdata.join("postmaster.pid"), format!("{}\n", orphan.id())).unwrap();
    let arguments = format!("/proc/{}/cmdline", orphan.id());
    eventually("its arguments appear", || {
        fs::read(&arguments).is_ok_and(|line| !line.is_empty())
    });
    let mut impatient = options(dir.path(), Mode::Durable);
    impatient.patience = Duration::from_millis(100);
    let said = LocalPg::start(impatient).unwrap_err();
    assert!(
        matches!(said, StartError::Busy { pid, .. } if pid.unsigned_abs() == orphan.id()),
        "{said}"
    );
    assert!(said.to_string().contains("kill -INT"), "{said}");

    std::thread::scope(|scope| {
        let second = scope.spawn(|| start(dir.path()));
        assert!(!second.is_finished());
        orphan.kill().unwrap();
        orphan.wait().unwrap();
        assert!(second.join().unwrap().wait_ready(LIMIT));
    });
}
