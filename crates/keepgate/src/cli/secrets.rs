//! `keepgate secrets`.
use clap::{Args, Subcommand};

use super::DataArgs;
use crate::{environment::Environment, exit::Exit, failure::Failure, secrets::check};

const HELP: &str = "\
Lists every reference to a secret in the configuration: which key names it, in which store it is, which version is there, a file's mode, and \
whether it can be read from here. Asks the stores; never shows a value. Use it before a start, and after a rotation.

Examples:
  keepgate secrets check --config /etc/keepgate.toml
  keepgate secrets check --json

Exit codes: 0 all of them can be read, 2 configuration, 4 at least one can't.";

/// Secrets of the configuration.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Look whether every secret of the configuration can be read
    #[command(after_help = HELP)]
    Check(CheckArgs),
}

/// Arguments of `secrets check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl SecretsCommand {
    pub fn run(self, environment: &Environment) -> Result<Exit, Failure> {
        let Self::Check(args) = self;
        check::command(&args.data.load(environment)?, args.json)
    }
}
