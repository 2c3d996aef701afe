//! The server that ran here before us may not have ended yet.
//!
//! After a `kill -9` of its parent it has only begun to shut down. After a `kill -9` of the server its backends finish
//! what they are doing. A killed server that nobody collects (a container without an init) stays a zombie, which
//! PostgreSQL takes for alive, as it does any process that got the same pid.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    StartError,
    endpoint::SOCKET,
    error::Doing,
    layout::Layout,
    pidfile,
    process::{self, Process},
};

const POLL: Duration = Duration::from_millis(20);
/// How long backends without a server may go on before they are told to quit.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// And before they are killed.
const KILLED_AFTER: Duration = Duration::from_secs(5);

/// Returns once nothing of a previous server runs in the cluster and its lock files can't mislead a new one.
pub(crate) fn wait(layout: &Layout, patience: Duration, stopping: impl Fn() -> bool) -> Result<(), StartError> {
    let began = Instant::now();
    loop {
        if stopping() {
            return Err(StartError::Cancelled);
        }
        let server = pidfile::read(&layout.pgdata).map(|file| (file.pid, process::look(file.pid, &layout.pgdata)));
        let holder = match server {
            Some((pid, Process::Server)) => Some(pid),
            _ => hurry(&process::working_in(&layout.pgdata), began.elapsed()),
        };
        let Some(pid) = holder else {
            return if matches!(server, Some((_, Process::Zombie | Process::Other))) {
                forget(layout)
            } else {
                Ok(())
            };
        };
        if began.elapsed() > patience {
            return Err(StartError::Busy {
                pid,
                pgdata: layout.pgdata.clone(),
                waited: patience,
            });
        }
        sleep(POLL);
    }
}

/// Backends end by themselves when their server is gone, but not in the middle of a long statement. Nothing is lost
/// by ending them: what they had not committed is undone. Returns one of them.
fn hurry(orphans: &[i32], after: Duration) -> Option<i32> {
    let signal = match after {
        after if after > KILLED_AFTER => Some(Signal::KILL),
        after if after > TOLD_AFTER => Some(Signal::QUIT),
        _ => None,
    };
    if let Some(signal) = signal {
        for pid in orphans.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            let _ = kill_process(pid, signal);
        }
    }
    orphans.first().copied()
}

/// Removes the lock files that name a zombie or a stranger.
fn forget(layout: &Layout) -> Result<(), StartError> {
    let _ = fs::remove_file(layout.run.join(format!("{SOCKET}.lock")));
    let file = layout.pgdata.join("postmaster.pid");
    fs::remove_file(&file).doing("remove the stale", &file)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn cluster(pid: u32) -> (tempfile::TempDir, Layout) {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::of(&fs::canonicalize(dir.path()).unwrap()).unwrap();
        fs::create_dir(&layout.pgdata).unwrap();
        fs::create_dir(&layout.run).unwrap();
        fs::write(layout.pgdata.join("postmaster.pid"), format!("{pid}\n")).unwrap();
        fs::write(layout.run.join(format!("{SOCKET}.lock")), format!("{pid}\n")).unwrap();
        (dir, layout)
    }

    #[test]
    fn the_lock_files_of_a_zombie_are_removed() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let (_dir, layout) = cluster(child.id());
        child.kill().unwrap();
        // Not collected: this is what an init that collects nobody leaves behind.
        let zombie = || process::look(child.id() as i32, &layout.pgdata) == Process::Zombie;
        while !zombie() {}
        wait(&layout, Duration::from_secs(5), || false).unwrap();
        assert!(!layout.pgdata.join("postmaster.pid").exists());
        assert_eq!(fs::read_dir(&layout.run).unwrap().count(), 0);
        child.wait().unwrap();
    }

    #[test]
    fn the_lock_file_of_a_server_that_is_gone_is_left_to_the_next_server() {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let (_dir, layout) = cluster(child.id());
        wait(&layout, Duration::from_secs(5), || false).unwrap();
        assert!(layout.pgdata.join("postmaster.pid").exists());
    }

    #[test]
    fn a_stop_ends_the_waiting() {
        let mut server = Command::new("sh");
        let (_dir, layout) = cluster(1);
        server
            .args(["-c", "read -r _", "postgres"])
            .arg(&layout.pgdata)
            .stdin(Stdio::piped());
        let mut server = server.spawn().unwrap();
        fs::write(layout.pgdata.join("postmaster.pid"), format!("{}\n", server.id())).unwrap();
        // Its arguments appear a moment after it.
        while process::look(server.id() as i32, &layout.pgdata) != Process::Server {}
        let told = std::cell::Cell::new(0);
        let stopping = || told.replace(told.get() + 1) > 2;
        assert!(matches!(
            wait(&layout, Duration::from_secs(60), stopping),
            Err(StartError::Cancelled)
        ));
        server.kill().unwrap();
        server.wait().unwrap();
    }
}
