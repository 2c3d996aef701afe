//! `keepgate serve`: the order in which everything is started, and stopped again.
mod listen;
mod ready;

use crate::{cli::ServeArgs, config::{self, Config}, environment::Environment, exit::Exit, failure::Failure};

pub fn run(args: ServeArgs, environment: &Environment) -> Result<Exit, Failure> {
    let config = config::load(&args.flags(), environment)?;
    let _ = listen::bind(&config)?;
    Ok(Exit::Ok)
}

pub fn bootstrap_command(_config: &Config, _environment: &Environment) -> Result<Exit, Failure> {
    Ok(Exit::Ok)
}
