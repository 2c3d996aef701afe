//! The cluster as its caller sees it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc::sync_channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    Binaries, DirLock, Endpoint, Mode, Options, Password, StartError, Status, StopError,
    command::Tools,
    error::Doing,
    find, initdb,
    layout::Layout,
    pgpass::{self, Passwords},
    postmaster::Launch,
    reach, settings,
    shared::Shared,
    supervisor::Supervisor,
    user::server_user,
};

/// The cluster's owner. Only migrations and role management log in as it.
const SUPERUSER: &str = "keepgate";
/// After this an immediate shutdown has failed too.
const LAST_RESORT: Duration = Duration::from_secs(10);

/// A running private PostgreSQL. Dropping it stops it.
#[derive(Debug)]
pub struct LocalPg {
    endpoint: Endpoint,
    binaries: Binaries,
    passwords: Passwords,
    log: PathBuf,
    mode: Mode,
    stop_within: Duration,
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
    // Freed last: until then nobody else may touch the directory.
    lock: DirLock,
}

impl LocalPg {
    /// Takes the data directory, creates the cluster if there is none, and returns when it accepts connections.
    /// Blocking (a first start takes about a second); any thread will do.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let lock = DirLock::acquire(&options.dir)?;
        Self::start_in(lock, options)
    }

    /// The same for a caller that already holds the data directory, whose path is used instead of `options.dir`.
    pub fn start_in(lock: DirLock, options: Options) -> Result<Self, StartError> {
        let layout = Layout::of(lock.dir())?;
        let binaries = find::find(&options.search, layout.cluster_major())?;
        let user = server_user(options.mode, &layout.pgdata)?;
        if let Some(user) = &user {
            reach::check(&binaries.bin_dir, user)?;
            reach::grant(&layout.dir, user)?;
        }
        layout.prepare(user.as_ref())?;
        let passwords = match options.mode {
            Mode::Durable => {
                let roles: Vec<String> = [SUPERUSER.to_string()].into_iter().chain(options.roles).collect();
                pgpass::load_or_create(&layout.pgpass, &roles, layout.has_cluster())?
            }
            Mode::Throwaway => Passwords::new(),
        };
        let tools = Tools {
            bin_dir: binaries.bin_dir.clone(),
            user,
        };
        initdb::create(&layout, &tools, options.mode, SUPERUSER, passwords.get(SUPERUSER))?;

        let shared = Arc::new(Shared::new());
        let endpoint = Endpoint::new(&layout.run);
        let log = layout.log.clone();
        let launch = Launch {
            settings: settings::settings(options.mode, &layout.run, options.max_connections, &options.settings),
            layout,
            tools,
            tether: options.tether,
            patience: options.patience,
            ready_within: options.ready_within,
        };
        let supervisor = supervise(Supervisor {
            launch,
            shared: shared.clone(),
            on_change: options.on_change,
        })?;
        Ok(Self {
            endpoint,
            binaries,
            passwords,
            log,
            mode: options.mode,
            stop_within: options.stop_within,
            shared,
            supervisor: Some(supervisor),
            lock,
        })
    }

    /// Where the server listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The role that owns the cluster.
    pub fn superuser(&self) -> &str {
        SUPERUSER
    }

    /// The generated password of the superuser or of one of [`Options::roles`]; none in [`Mode::Throwaway`].
    pub fn password(&self, role: &str) -> Option<&Password> {
        self.passwords.get(role)
    }

    /// A URL to log in as `role` with its generated password, if it has one: a secret, never to be logged.
    pub fn url(&self, database: &str, role: &str) -> String {
        self.endpoint.url(database, role, self.password(role))
    }

    /// How the server is doing right now.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Waits until the server accepts connections, at most `limit`; tells whether it does.
    pub fn wait_ready(&self, limit: Duration) -> bool {
        self.shared
            .wait_for(limit, |status| matches!(status, Status::Ready { .. }))
    }

    /// The binaries in use.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The data directory, symbolic links resolved.
    pub fn dir(&self) -> &Path {
        self.lock.dir()
    }

    /// The server's log file.
    pub fn log_file(&self) -> &Path {
        &self.log
    }

    /// Stops the server: open connections are closed, everything committed is on disk (not in [`Mode::Throwaway`],
    /// whose data nobody wants). The directory is free again when this returns.
    pub fn stop(mut self) -> Result<(), StopError> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<(), StopError> {
        let Some(supervisor) = self.supervisor.take() else {
            return Ok(());
        };
        let gentle = if self.mode == Mode::Durable {
            Signal::INT
        } else {
            Signal::QUIT
        };
        self.shared.stop(gentle);
        let clean = self.stopped_within(self.stop_within);
        if !clean {
            self.shared.signal(Signal::QUIT);
            if !self.stopped_within(LAST_RESORT) {
                self.shared.signal(Signal::KILL);
            }
        }
        // It can't have panicked, and if it had, the kernel would have ended the server with it.
        let _ = supervisor.join();
        if clean {
            Ok(())
        } else {
            Err(StopError::Forced {
                within: self.stop_within,
            })
        }
    }

    fn stopped_within(&self, limit: Duration) -> bool {
        self.shared.wait_for(limit, |status| *status == Status::Stopped)
    }
}

impl Drop for LocalPg {
    fn drop(&mut self) {
        let _ = self.shut_down();
    }
}

fn supervise(supervisor: Supervisor) -> Result<JoinHandle<()>, StartError> {
    let (first, started) = sync_channel(1);
    let log = supervisor.launch.layout.log.clone();
    let thread = thread::Builder::new()
        .name("postgres".into())
        .spawn(move || supervisor.run(&first));
    let thread = thread.doing("start the thread that watches", &log)?;
    match started.recv() {
        Ok(Ok(())) => Ok(thread),
        Ok(Err(e)) => {
            let _ = thread.join();
            Err(e)
        }
        Err(_) => Err(StartError::Cancelled),
    }
}
