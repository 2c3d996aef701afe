//! The gateway's one binary: it reads the configuration, wires the adapters, and owns no rule.
//!
//! To add a command: a file in [`cli`] with its arguments, help text and `run`, a variant in [`cli::Command`], a section in
//! `docs/cli.md`. Everything a command can fail with is a [`failure::Failure`], which the terminal shows in three lines.
mod audit;
mod cli;
mod config;
mod data_dir;
mod doctor;
mod embedded;
mod environment;
mod exit;
mod failure;
mod log;
mod postgres;
mod root_keys;
mod secrets;
mod serve;
mod terminal;
mod tls;
mod unfinished;
mod version;
mod witness;

use std::{alloc::System, ffi::OsString, process::ExitCode};

use environment::Environment;
use exit::Exit;
use failure::Failure;
use zeroizing_alloc::ZeroAlloc;

/// Memory is wiped when it is given back, whichever library used it: a secret that has passed through leaves nothing behind.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    log::hide_panics();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match run(&arguments, &Environment::of_process()) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal::say_error(&failure);
            failure.exit.into()
        }
    }
}

fn run(arguments: &[OsString], environment: &Environment) -> Result<Exit, Failure> {
    secrets::leaks::refuse_in_arguments(arguments)?;
    let command = cli::parse(arguments);
    if command.may_meet_secrets() {
        secrets::leaks::refuse_in_environment(environment)?;
    }
    command.run(environment)
}
