//! `keepgate db shell`: psql on the private PostgreSQL.
use std::{os::unix::process::CommandExt, path::PathBuf, process::Command};

use super::{Attached, DATABASE};
use crate::{
    cli::{ShellArgs, ShellRole},
    config::Config,
    environment::Environment,
    exit::Exit,
    failure::Failure,
};

/// Opens the shell. Beside a running service psql takes this process's place; otherwise the server lives as long as psql.
pub fn shell(config: &Config, environment: &Environment, args: &ShellArgs) -> Result<Exit, Failure> {
    let attached = Attached::to(config, environment)?;
    let mut psql = command(&attached, environment, args)?;
    if !attached.is_own() {
        return Err(not_run(&psql.exec()));
    }
    let code = run(&mut psql)?;
    // Stops the server before the process ends.
    drop(attached);
    std::process::exit(code)
}

/// The login role has a password in the file that `PGPASSFILE` names; the others are taken on by SET ROLE at the start.
fn command(attached: &Attached, environment: &Environment, args: &ShellArgs) -> Result<Command, Failure> {
    let mut psql = Command::new(find_psql(attached, environment)?);
    let (login, role) = match args.role {
        ShellRole::App => ("kg_app", None),
        ShellRole::Superuser => ("keepgate", None),
        ShellRole::Owner => ("keepgate", Some("kg_owner")),
        ShellRole::Auditor => ("keepgate", Some("kg_auditor")),
    };
    psql.arg("-h")
        .arg(attached.socket_dir())
        .args(["-p", "5432", "-U", login, "-d", DATABASE])
        .args(&args.psql);
    psql.env("PGPASSFILE", attached.pgpass());
    for variable in ["PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR", "PGOPTIONS", "PGDATABASE"] {
        psql.env_remove(variable);
    }
    if let Some(role) = role {
        psql.env("PGOPTIONS", format!("-c role={role}"));
    }
    Ok(psql)
}

fn find_psql(attached: &Attached, environment: &Environment) -> Result<PathBuf, Failure> {
    let path = environment
        .get("PATH")
        .map(|path| std::env::split_paths(path).collect::<Vec<_>>())
        .unwrap_or_default();
    let mut places = std::iter::once(attached.bin_dir().to_owned())
        .chain(path)
        .map(|dir| dir.join("psql"));
    places.find(|psql| psql.is_file()).ok_or_else(|| {
        Failure::new(
            Exit::NoPostgres,
            "can't find psql",
            format!("it is neither in {} nor on the PATH", attached.bin_dir().display()),
            "install the client tools (`apt-get install postgresql-client`)",
        )
    })
}

/// Runs psql to its end. Ctrl-C is psql's: it ends a query there and must not end us.
fn run(psql: &mut Command) -> Result<i32, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::io("can't start the runtime", &error))?;
    runtime.block_on(async {
        let interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
        let _ignored = interrupts.map_err(|error| Failure::io("can't ignore Ctrl-C", &error))?;
        let status = psql.status().map_err(|error| not_run(&error))?;
        Ok(status.code().unwrap_or(1))
    })
}

fn not_run(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::NoPostgres,
        "can't run psql",
        error.to_string(),
        "check that it may be executed",
    )
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn the_roles_are_those_of_the_contract() {
        let names: Vec<_> = ShellRole::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value)
            .collect();
        let names: Vec<_> = names.iter().map(clap::builder::PossibleValue::get_name).collect();
        assert_eq!(names, ["kg_app", "kg_auditor", "kg_owner", "superuser"]);
    }
}
