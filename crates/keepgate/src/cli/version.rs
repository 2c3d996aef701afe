//! `keepgate version`.
use clap::Args;

use crate::{exit::Exit, terminal, version};

/// Arguments of `version`.
#[derive(Debug, Args)]
pub struct VersionArgs {
    /// As JSON, with the schema version and the supported PostgreSQL versions
    #[arg(long)]
    json: bool,
}

impl VersionArgs {
    pub fn run(self) -> Exit {
        terminal::say(&if self.json {
            version::json().to_string()
        } else {
            version::line()
        });
        Exit::Ok
    }
}
