//! `keepgate admin`.
use clap::{Args, Subcommand};

use super::DataArgs;
use crate::{environment::Environment, exit::Exit, failure::Failure, serve};

const HELP: &str = "\
For a database of your own, once, after `keepgate migrate`: makes the key file, the platform tenant with its first global_admin, \
and the tenant `default` with its first owner and an API key. Prints their one-time codes once. A private PostgreSQL is \
bootstrapped by the first `serve`.

Example:
  keepgate admin bootstrap --config /etc/keepgate.toml

Exit codes: 0 done, 1 it was done before, 2 configuration, 3 unreachable, 4 key file, 6 migrations are missing.";

/// First steps of an installation.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make the first tenants, principals and API key of a new database
    #[command(after_help = HELP)]
    Bootstrap(BootstrapArgs),
}

/// Arguments of `admin bootstrap`.
#[derive(Debug, Args)]
pub struct BootstrapArgs {
    #[command(flatten)]
    data: DataArgs,
}

impl Admin {
    pub fn run(self, environment: &Environment) -> Result<Exit, Failure> {
        let Self::Bootstrap(args) = self;
        serve::bootstrap_command(&args.data.load(environment)?)
    }
}
