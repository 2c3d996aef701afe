//! Our death is the server's death.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use crate::command::Tools;

/// How the server learns that this process has died without stopping it. Either way it gets a fast shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tether {
    /// The kernel signals it when the supervisor thread ends (`PR_SET_PDEATHSIG`).
    #[cfg(target_os = "linux")]
    ParentDeath,
    /// A small shell process reads a pipe that only we hold open, and signals the server when it closes.
    Pipe,
}

impl Default for Tether {
    #[cfg(target_os = "linux")]
    fn default() -> Self {
        Self::ParentDeath
    }
    #[cfg(not(target_os = "linux"))]
    fn default() -> Self {
        Self::Pipe
    }
}

impl Tether {
    pub(crate) fn prepare(self, _server: &mut Command) {
        match self {
            #[cfg(target_os = "linux")]
            Self::ParentDeath => crate::pdeathsig::die_with_us(_server, rustix::process::Signal::INT),
            Self::Pipe => {}
        }
    }

    pub(crate) fn watch(self, server: &Child, tools: &Tools) -> io::Result<Option<Watchdog>> {
        match self {
            #[cfg(target_os = "linux")]
            Self::ParentDeath => Ok(None),
            Self::Pipe => Watchdog::of(server, tools).map(Some),
        }
    }
}

/// The process that reads the pipe.
#[derive(Debug)]
pub(crate) struct Watchdog(Child);

impl Watchdog {
    fn of(server: &Child, tools: &Tools) -> io::Result<Self> {
        let mut shell = tools.plain("/bin/sh".into());
        shell
            .args(["-c", r#"read -r _; kill -INT "$1""#, "keepgate-watchdog"])
            .arg(server.id().to_string());
        // Its own group, so that Ctrl-C does not reach it before us.
        shell
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        shell.spawn().map(Self)
    }
}

impl Drop for Watchdog {
    /// Killed before its pipe closes: the server's pid may by then be somebody else's.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
