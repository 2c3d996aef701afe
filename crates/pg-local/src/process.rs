//! Which processes belong to a cluster.

use std::path::Path;

/// What a process id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only /proc tells a zombie or a stranger")
)]
pub(crate) enum Process {
    Gone,
    /// Dead, but nobody has collected it. PostgreSQL takes it for alive.
    Zombie,
    /// A server of this cluster.
    Server,
    /// Something else that got the same number.
    Other,
}

/// What `pid` is to the cluster in `pgdata`.
#[cfg(target_os = "linux")]
pub(crate) fn look(pid: i32, pgdata: &Path) -> Process {
    use std::{fs, os::unix::ffi::OsStrExt};

    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return Process::Gone;
    };
    // The name may itself hold a bracket, so the state follows the last one.
    if stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')) {
        return Process::Zombie;
    }
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let ours = command
        .split(|byte| *byte == 0)
        .any(|argument| argument == pgdata.as_os_str().as_bytes());
    if ours { Process::Server } else { Process::Other }
}

/// Every process of PostgreSQL that works in `pgdata`: the server and its backends have it as their directory.
#[cfg(target_os = "linux")]
pub(crate) fn working_in(pgdata: &Path) -> Vec<i32> {
    use std::fs;

    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let here = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == pgdata);
        let postgres = || fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe.ends_with("postgres"));
        (here && postgres()).then_some(pid)
    })
    .collect()
}

/// Without /proc a live pid is taken for the server's, as PostgreSQL itself does.
#[cfg(not(target_os = "linux"))]
pub(crate) fn look(pid: i32, _pgdata: &Path) -> Process {
    let alive = rustix::process::Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok());
    if alive { Process::Server } else { Process::Gone }
}

/// Without /proc the server's own check of its shared memory has to do.
#[cfg(not(target_os = "linux"))]
pub(crate) fn working_in(_pgdata: &Path) -> Vec<i32> {
    Vec::new()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::{Command, id};

    use super::*;

    #[test]
    fn a_process_is_the_clusters_only_by_its_arguments() {
        let pgdata = Path::new("/nowhere/pgdata");
        assert_eq!(look(id() as i32, pgdata), Process::Other);
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        // The arguments appear a moment after the process.
        while look(child.id() as i32, Path::new("600")) != Process::Server {
            assert!(child.try_wait().unwrap().is_none());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(look(child.id() as i32, pgdata), Process::Gone);
    }

    #[test]
    fn a_shell_standing_in_pgdata_is_not_a_server() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep")
            .arg("600")
            .current_dir(dir.path())
            .spawn()
            .unwrap();
        assert_eq!(working_in(dir.path()), Vec::<i32>::new());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
