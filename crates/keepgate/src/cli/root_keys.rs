//! `keepgate keys rewrap|recover|recovery-key|root`: what is done on the machine of the installation.
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::DataArgs;
use crate::{environment::Environment, exit::Exit, failure::Failure, root_keys, serve::runtime};

pub const REWRAP: &str = "\
Everything that a root key wrapped (tenants' keys, seeds of signing keys, the installation's key) is wrapped anew by the newest version of \
the root key that is configured; copies for the recovery key that are missing are made. No data is touched. Use it after the root key \
was rotated, or after another one took over: the former key file stays in its place until this is done.

Works while gateways serve, and again at any time: it goes on where it was. Works with the database of the configuration, as the service's \
own roles, or starts a private PostgreSQL that is not running. Each tenant's audit log tells it (key.rewrapped), the platform's what is \
nobody's.

Examples:
  keepgate keys rewrap --config /etc/keepgate.toml
  keepgate keys rewrap --data-dir /srv/keepgate --json

Exit codes: 0 done, 1 some keys stay as they are, 2 configuration, 3 unreachable, 4 root key, 6 database schema old.";

pub const RECOVER: &str = "\
For the day on which the root key is lost for ever. Each key has a copy for the recovery key, if keys.recovery_key named one: this opens \
the copies with the private half, and wraps what is in them by the root key that is configured now. Without a key file it makes a new \
one. What has no copy stays closed, and is told. Stop the service first; its database may run.

Example:
  keepgate keys recover --key /media/safe/recovery-private --data-dir /srv/keepgate

Exit codes: 0 everything is recovered, 1 something is lost, 2 configuration, 3 unreachable, 4 recovery key or root key.";

pub const PAIR: &str = "\
Makes the two halves of a recovery key. The public one goes to where keys.recovery_key points, the private one into a safe: with it and a \
copy of the database everything can be opened. Nothing is overwritten.

Example:
  keepgate keys recovery-key --out /media/safe/recovery-private --public /etc/keepgate/recovery-public

Exit codes: 0 done, 1 not done, 2 usage, 8 disk full.";

const STATUS: &str = "\
Names the root key, its versions, how many keys each of them wraps, whether `keepgate keys rewrap` is due, and whether every key has a copy \
for the recovery key. Works beside a running service.

Examples:
  keepgate keys root status --config /etc/keepgate.toml
  keepgate keys root status --json

Exit codes: 0 told, 2 configuration, 3 unreachable, 4 root key, 6 database schema old.";

const ROTATE: &str = "\
Adds a version to the root key: to the key file, or in OpenBao, AWS or Google Cloud where Keepgate may do that. It wraps from now on, and \
the older ones open what they wrapped until `keepgate keys rewrap` is done. Prints its name.

Example:
  keepgate keys root rotate --config /etc/keepgate.toml && keepgate keys rewrap --config /etc/keepgate.toml

Exit codes: 0 done, 1 not done, 2 configuration, 3 unreachable, 4 root key.";

const FORGET: &str = "\
Takes a version out of the key file for ever, provided that it wraps nothing and that the version after it is a minute old. Backups of \
the database from before the rewrap then open with a copy of the old key file only.

Example:
  keepgate keys root forget 0123456789abcdef --data-dir /srv/keepgate

Exit codes: 0 done, 1 not done, 2 configuration, 3 unreachable, 4 root key.";

/// Arguments of `keys rewrap` and `keys root status`.
#[derive(Debug, Args)]
pub struct RootArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `keys recover`.
#[derive(Debug, Args)]
pub struct RecoverArgs {
    /// The private half of the recovery key, mode 0600
    #[arg(long, value_name = "PRIVATE")]
    key: PathBuf,
    #[command(flatten)]
    root: RootArgs,
}

/// Arguments of `keys recovery-key`.
#[derive(Debug, Args)]
pub struct PairArgs {
    /// Where the private half goes
    #[arg(long, value_name = "PRIVATE")]
    out: PathBuf,
    /// Where the public half goes
    #[arg(long, value_name = "PUB")]
    public: PathBuf,
}

/// The versions of the root key.
#[derive(Debug, Subcommand)]
pub enum RootCommand {
    /// Name the root key, its versions, and what each wraps
    #[command(after_help = STATUS)]
    Status(RootArgs),
    /// Wrap with a new version from now on
    #[command(after_help = ROTATE)]
    Rotate(RotateRootArgs),
    /// Take a version that wraps nothing out of the key file
    #[command(after_help = FORGET)]
    Forget(ForgetArgs),
}

/// Arguments of `keys root rotate`.
#[derive(Debug, Args)]
pub struct RotateRootArgs {
    #[command(flatten)]
    data: DataArgs,
}

/// Arguments of `keys root forget`.
#[derive(Debug, Args)]
pub struct ForgetArgs {
    /// The version's name, as `keys root status` tells it
    version: String,
    #[command(flatten)]
    data: DataArgs,
}

impl RootArgs {
    pub fn rewrap(&self, environment: &Environment) -> Result<Exit, Failure> {
        let config = self.data.load(environment)?;
        runtime()?.block_on(root_keys::rewrap(&config, environment, self.json))
    }
}

impl RecoverArgs {
    pub fn run(&self, environment: &Environment) -> Result<Exit, Failure> {
        let config = self.root.data.load(environment)?;
        runtime()?.block_on(root_keys::recover(&config, environment, &self.key, self.root.json))
    }
}

impl PairArgs {
    pub fn run(&self) -> Result<Exit, Failure> {
        root_keys::make_pair(&self.out, &self.public)
    }
}

impl RootCommand {
    pub fn run(&self, environment: &Environment) -> Result<Exit, Failure> {
        match self {
            Self::Status(RootArgs { data, json }) => {
                runtime()?.block_on(root_keys::status(&data.load(environment)?, environment, *json))
            }
            Self::Rotate(args) => runtime()?.block_on(root_keys::rotate(&args.data.load(environment)?)),
            Self::Forget(args) => {
                let config = args.data.load(environment)?;
                runtime()?.block_on(root_keys::forget(&config, environment, &args.version))
            }
        }
    }
}
