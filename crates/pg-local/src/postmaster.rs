//! One run of the server, from spawn to ready.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    StartError, Tether,
    command::Tools,
    error::Doing,
    layout::Layout,
    log, pidfile, previous,
    shared::{Running, Shared},
};

const POLL: Duration = Duration::from_millis(5);

/// Everything a start needs; a restart needs the same.
#[derive(Debug)]
pub(crate) struct Launch {
    pub layout: Layout,
    pub tools: Tools,
    pub settings: Vec<(String, String)>,
    pub tether: Tether,
    pub patience: Duration,
    pub ready_within: Duration,
}

impl Launch {
    /// Starts the server and waits until it accepts connections; its process id. On an error nothing is left running.
    ///
    /// Must be called on a thread that lives as long as the server: the kernel ties the two together.
    pub fn run(&self, shared: &Shared) -> Result<u32, StartError> {
        previous::wait(&self.layout, self.patience, || shared.stopping())?;
        let (log, log_from) = log::open(&self.layout.log).doing("open", &self.layout.log)?;
        let (running, pid) = self.spawn(log)?;
        shared.adopt(running);
        self.wait_ready(shared, pid, log_from)
    }

    fn spawn(&self, log: File) -> Result<(Running, u32), StartError> {
        let postgres = self.tools.bin_dir.join("postgres");
        let stdout = log.try_clone().doing("open", &self.layout.log)?;
        let mut command = self.command();
        command.stdout(stdout).stderr(log);
        // Its own group: Ctrl-C must not reach it before we have closed our connections.
        command.process_group(0);
        self.tether.prepare(&mut command);
        let mut child = command.spawn().doing("run", &postgres)?;
        let pid = child.id();
        match self.tether.watch(&child, &self.tools) {
            Ok(watchdog) => Ok((
                Running {
                    child,
                    _watchdog: watchdog,
                },
                pid,
            )),
            Err(e) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(e).doing("watch over", &postgres)
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = self.tools.command("postgres");
        command.arg("-D").arg(&self.layout.pgdata);
        for (key, value) in &self.settings {
            command.arg("-c").arg(format!("{key}={value}"));
        }
        command
    }

    fn wait_ready(&self, shared: &Shared, pid: u32, log_from: u64) -> Result<u32, StartError> {
        let began = Instant::now();
        loop {
            if let Some(how) = shared.try_collect() {
                if shared.stopping() {
                    return Err(StartError::Cancelled);
                }
                return Err(StartError::Died {
                    how,
                    log: log::tail(&self.layout.log, log_from, 5),
                });
            }
            if pidfile::read(&self.layout.pgdata).is_some_and(|file| file.ready && file.pid.unsigned_abs() == pid) {
                return Ok(pid);
            }
            if began.elapsed() > self.ready_within {
                shared.signal(Signal::QUIT);
                shared.collect();
                return Err(StartError::Slow {
                    within: self.ready_within,
                    log: self.layout.log.clone(),
                });
            }
            sleep(POLL);
        }
    }
}
