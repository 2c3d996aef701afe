//! `keepgate migrate`.
use clap::Args;

use super::DataArgs;
use crate::{environment::Environment, exit::Exit, failure::Failure, postgres, terminal};

const HELP: &str = "\
For a database of your own: as kg_migrator (migrate_url in the configuration), after an administrator has created the roles. A \
private PostgreSQL is migrated by `serve` itself. Old and new binaries work on one schema, so run it before the new binary \
starts.

Examples:
  keepgate migrate --config /etc/keepgate.toml
  keepgate migrate --data-dir /srv/keepgate     a private PostgreSQL, without starting the service

Exit codes: 0 the schema is current, 1 a migration failed and was rolled back, 2 configuration, 3 unreachable, 7 the database \
is newer than this binary.";

/// Arguments of `migrate`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct MigrateArgs {
    #[command(flatten)]
    data: DataArgs,
}

impl MigrateArgs {
    pub fn run(self, environment: &Environment) -> Result<Exit, Failure> {
        let config = self.data.load(environment)?;
        let applied = postgres::migrate_command(&config, environment)?;
        if applied.is_empty() {
            terminal::say("the schema is current; nothing was applied");
        }
        for version in applied {
            terminal::say(&format!("applied migration {version:04}"));
        }
        Ok(Exit::Ok)
    }
}
