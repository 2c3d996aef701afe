//! What the supervisor thread and the callers share.

use std::{
    process::Child,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::tether::Watchdog;

/// How the server is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not yet accepting connections for the first time.
    Starting,
    /// Accepting connections.
    Ready {
        /// The server's process id.
        pid: u32,
    },
    /// It died, and is being started again. This goes on until it works or [`LocalPg`](crate::LocalPg) is stopped.
    Restarting {
        /// Counts from 1; back to 1 after a minute of being ready.
        attempt: u32,
        /// How it died, or why the last attempt failed.
        why: String,
    },
    /// Not running, and not coming back.
    Stopped,
}

/// The server process, and what ties it to us.
#[derive(Debug)]
pub(crate) struct Running {
    pub child: Child,
    pub _watchdog: Option<Watchdog>,
}

#[derive(Debug)]
struct Inner {
    status: Status,
    running: Option<Running>,
    stopping: bool,
}

/// The child is signalled and collected only under the lock, so a signal never goes to a stranger with its old pid.
#[derive(Debug)]
pub(crate) struct Shared {
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl Shared {
    pub fn new() -> Self {
        let inner = Inner {
            status: Status::Starting,
            running: None,
            stopping: false,
        };
        Self {
            inner: Mutex::new(inner),
            changed: Condvar::new(),
        }
    }

    /// A panic while holding the lock leaves nothing half-done that matters here.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn status(&self) -> Status {
        self.lock().status.clone()
    }

    pub fn set_status(&self, status: Status) {
        self.lock().status = status;
        self.changed.notify_all();
    }

    pub fn stopping(&self) -> bool {
        self.lock().stopping
    }

    /// No restart from now on; the server gets `signal`.
    pub fn stop(&self, signal: Signal) {
        self.lock().stopping = true;
        self.signal(signal);
        self.changed.notify_all();
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.lock().running.as_ref().and_then(|running| pid_of(&running.child)) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Takes over a server that was just spawned; one that comes after [`Shared::stop`] is told at once.
    pub fn adopt(&self, running: Running) {
        let mut inner = self.lock();
        if inner.stopping
            && let Some(pid) = pid_of(&running.child)
        {
            let _ = kill_process(pid, Signal::INT);
        }
        inner.running = Some(running);
    }

    /// How the server ended, if it has; it is collected then.
    pub fn try_collect(&self) -> Option<String> {
        let mut inner = self.lock();
        let ended = match inner.running.as_mut()?.child.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => status.to_string(),
            Err(e) => e.to_string(),
        };
        inner.running = None;
        Some(ended)
    }

    /// Blocks until the server has ended, and collects it.
    pub fn collect(&self) -> String {
        let pid = self.lock().running.as_ref().and_then(|running| pid_of(&running.child));
        if let Some(pid) = pid {
            // Left uncollected until the lock is held.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
        }
        let Some(mut running) = self.lock().running.take() else {
            return "it was gone".into();
        };
        running
            .child
            .wait()
            .map_or_else(|e| e.to_string(), |status| status.to_string())
    }

    /// Waits until `done` holds of the status, at most `limit`; tells whether it held.
    pub fn wait_for(&self, limit: Duration, done: impl Fn(&Status) -> bool) -> bool {
        let inner = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(inner, limit, |inner| !done(&inner.status));
        let (inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        done(&inner.status)
    }

    /// Sleeps, but not through a stop; tells whether it was stopped.
    pub fn pause(&self, delay: Duration) -> bool {
        let until = Instant::now() + delay;
        let mut inner = self.lock();
        while !inner.stopping {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            inner = self
                .changed
                .wait_timeout(inner, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}
