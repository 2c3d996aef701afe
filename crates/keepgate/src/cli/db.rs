//! `keepgate db`.
use std::ffi::OsString;

use clap::{Args, Subcommand, ValueEnum};

use super::DataArgs;
use crate::{embedded, environment::Environment, exit::Exit, failure::Failure};

const HELP: &str = "\
Opens psql on the private PostgreSQL, for its owner to look inside. What you do there is audited nowhere. kg_app is the service's \
own role: row-level security shows it nothing without a signed context. Works beside a running service, and starts a stopped \
private PostgreSQL for the time of the shell.

Examples:
  keepgate db shell --data-dir /srv/keepgate
  keepgate db shell --role kg_app -- -c 'select count(*) from channels.message'
  keepgate db shell --role superuser -- -c '\\du'

Exit code: psql's own; 2 usage, 10 no PostgreSQL.";

/// Look inside the embedded database.
#[derive(Debug, Subcommand)]
pub enum Db {
    /// Open psql on it
    #[command(after_help = HELP)]
    Shell(ShellArgs),
}

/// Who to be in the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShellRole {
    /// The service: behind row-level security
    #[value(name = "kg_app")]
    App,
    /// Reads the audit log
    #[value(name = "kg_auditor")]
    Auditor,
    /// Owns the tables
    #[value(name = "kg_owner")]
    Owner,
    /// Everything, past every wall
    #[value(name = "superuser")]
    Superuser,
}

/// Arguments of `db shell`.
#[derive(Debug, Args)]
pub struct ShellArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Who to be
    #[arg(long, value_enum, default_value = "kg_owner")]
    pub role: ShellRole,
    /// Arguments of psql, after `--`
    #[arg(last = true, value_name = "PSQL-ARGS")]
    pub psql: Vec<OsString>,
}

impl Db {
    pub fn run(self, environment: &Environment) -> Result<Exit, Failure> {
        let Self::Shell(args) = self;
        let config = args.data.load(environment)?;
        embedded::shell(&config, environment, &args)
    }
}
