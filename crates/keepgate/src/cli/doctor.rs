//! `keepgate doctor`.
use clap::Args;

use super::DataArgs;
use crate::{doctor, environment::Environment, exit::Exit, failure::Failure};

const HELP: &str = "\
Looks at the configuration, the key files, the disk, and the walls inside the database: roles, row-level security, triggers, \
migrations. Changes nothing. Works beside a running service, and starts a stopped private PostgreSQL for the time it looks.

Examples:
  keepgate doctor
  keepgate doctor --config /etc/keepgate.toml --json

Exit codes: 0 nothing failed (warnings may remain), 1 a check failed, 2 configuration, 3 the database can't be reached.";

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct DoctorArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl DoctorArgs {
    pub fn run(self, environment: &Environment) -> Result<Exit, Failure> {
        let config = self.data.load(environment)?;
        Ok(doctor::run(&config, environment, self.json))
    }
}
