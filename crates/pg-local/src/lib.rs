//! A private PostgreSQL, run from binaries found on the machine, that lives and dies with this process.
//!
//! `keepgate serve` without a database URL uses it in [`Mode::Durable`], the test command in [`Mode::Throwaway`].
//! The server listens on one unix socket in a 0700 directory and on nothing else. A supervisor thread owns it: it
//! forks it, restarts it when it dies, and reports each [`Status`]. If this process is killed, the server shuts down.
//!
//! ```no_run
//! use keepgate_pg_local::{LocalPg, Mode, Options};
//!
//! let mut options = Options::new("/var/lib/keepgate", Mode::Durable);
//! options.roles.push("kg_app".into());
//! let pg = LocalPg::start(options)?;
//! let url = pg.url("postgres", pg.superuser()); // carries a password: never log it
//! # let _ = url;
//! pg.stop()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What lies in the data directory: `pgdata/` and `run/` (the server's user), `secrets/pgpass`, `postgres.log` and
//! `keepgate.lock` (ours). Other files of the service may lie beside them.
//!
//! Adding a server setting: `settings.rs`. Adding a place to look for binaries: [`find`](mod@find).
//! A newer packaged server: the pinned hashes in [`provision`](mod@provision). Beside `machine-clock` this is the only crate with `unsafe`,
//! and `pdeathsig.rs` the only file.
#![cfg(unix)]

pub mod cache;
mod command;
mod endpoint;
mod error;
pub mod find;
mod initdb;
mod layout;
mod local;
mod lock;
mod log;
mod options;
#[cfg(target_os = "linux")]
mod pdeathsig;
mod pgpass;
mod pidfile;
mod postmaster;
mod previous;
mod process;
pub mod provision;
mod reach;
mod settings;
mod shared;
mod supervisor;
mod tether;
mod user;

pub use endpoint::Endpoint;
pub use error::{StartError, StopError};
pub use find::{Binaries, FindError, MIN_MAJOR, Search};
pub use local::LocalPg;
pub use lock::{DirLock, LockError};
pub use options::{Mode, OnChange, Options};
pub use pgpass::Password;
pub use shared::Status;
pub use tether::Tether;
