//! The command line. Every help text says what the command does, when to use it, and how it ends.
mod access;
mod admin;
mod age;
mod audit;
mod common;
mod db;
mod doctor;
mod keys;
mod keys_wait;
mod listed;
mod log_keys;
mod migrate;
mod openapi;
mod root_keys;
mod secrets;
mod serve;
mod signing_keys;
#[cfg(test)]
mod tests;
mod version;
mod witness;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::{environment::Environment, exit::Exit, failure::Failure};
pub use audit::{ExportArgs, Format, ResetHeadArgs, VerifyArgs};
pub use common::{Access, DataArgs, TokenFrom};
pub use db::{ShellArgs, ShellRole};
pub use serve::ServeArgs;
pub use witness::WitnessArgs;

const AFTER: &str = "\
Without a command, `keepgate` serves: a private PostgreSQL, a development certificate and the first credentials are made \
on the first run.

Examples:
  keepgate                                    start here and now, on https://127.0.0.1:8443
  keepgate serve --config /etc/keepgate.toml  start as configured
  keepgate doctor                             what is wrong, and what to do about it
  keepgate audit verify --help                check an audit log without trusting this service

Exit codes: 0 done, 1 failed or tampered, 2 usage or configuration, 3 unreachable or incomplete, 4 key file, 5 port in use, \
6 database schema old, 7 database newer, 8 disk full, 9 data directory in use, 10 no PostgreSQL. docs/cli.md has more.";

/// A gateway that knows who may do what, proves what was done, and gets messages through.
#[derive(Debug, Parser)]
#[command(name = "keepgate", version, after_help = AFTER, args_conflicts_with_subcommands = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the gateway
    Serve(ServeArgs),
    /// Bring the database to this version's schema
    Migrate(migrate::MigrateArgs),
    /// First steps of an installation, and its signing keys
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Who has which access
    #[command(subcommand)]
    Access(access::AccessCommand),
    /// Check or export an audit log
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Cosign the checkpoints of somebody else's gateway
    Witness(WitnessArgs),
    /// Look for what is wrong, and say what to do about it
    Doctor(doctor::DoctorArgs),
    /// Look at the secrets that the configuration names
    #[command(subcommand)]
    Secrets(secrets::SecretsCommand),
    /// The data keys of a tenant, and the root key
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Look inside the embedded database
    #[command(subcommand)]
    Db(db::Db),
    /// Print the version
    Version(version::VersionArgs),
    /// Print the `OpenAPI` document
    #[command(hide = true)]
    Openapi,
}

/// Parses the arguments; help and mistakes end the process here, mistakes with exit code 2.
pub fn parse(arguments: &[OsString]) -> Command {
    let cli = Cli::parse_from(arguments);
    cli.command.unwrap_or(Command::Serve(cli.serve))
}

impl Command {
    /// Whether it reads the environment or opens a database: then no secret may stand there.
    pub const fn may_meet_secrets(&self) -> bool {
        !matches!(self, Self::Version(_) | Self::Openapi)
    }

    /// Does it.
    ///
    /// # Errors
    /// The failure that ends the process.
    pub fn run(self, environment: &Environment) -> Result<Exit, Failure> {
        match self {
            Self::Serve(args) => crate::serve::run(args, environment),
            Self::Migrate(args) => args.run(environment),
            Self::Admin(admin) => admin.run(environment),
            Self::Access(access) => access.run(),
            Self::Audit(audit) => audit.run(environment),
            Self::Witness(args) => crate::witness::run(&args),
            Self::Doctor(args) => args.run(environment),
            Self::Secrets(secrets) => secrets.run(environment),
            Self::Keys(keys) => keys.run(environment),
            Self::Db(db) => db.run(environment),
            Self::Version(args) => Ok(args.run()),
            Self::Openapi => openapi::run(),
        }
    }
}
