//! Which file, and what the command line changes.
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{Config, build::build, mistake::Mistakes};
use crate::{data_dir, environment::Environment, failure::Failure};

/// The name of the file that is looked for in the data directory.
const NAME: &str = "keepgate.toml";

/// What the command line says; it wins over the file.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
    /// `--admin-listen`.
    pub admin_listen: Option<SocketAddr>,
}

/// The configuration: `--config`, else `keepgate.toml` in the data directory, else the defaults.
///
/// # Errors
/// Exit code 2 with every mistake.
pub fn load(flags: &Flags, environment: &Environment) -> Result<Config, Failure> {
    let data_dir = match &flags.data_dir {
        Some(dir) => std::path::absolute(dir).map_err(|error| Failure::io("can't use --data-dir", &error))?,
        None => data_dir::default(environment)?,
    };
    let beside = data_dir.join(NAME);
    let (file, source) = match &flags.config {
        Some(file) => (Some(file.clone()), read(file)?),
        None if beside.exists() => (Some(beside.clone()), read(&beside)?),
        None => (None, String::new()),
    };
    let base = base_of(file.as_deref())?;
    let mut config = build(&source, &base, &data_dir).map_err(|all| Mistakes {
        file: file.clone(),
        all,
    })?;
    if flags.config.is_none() && flags.data_dir.is_none() && config.data_dir != data_dir {
        return Err(Failure::usage(
            "the configuration names another data directory than its own",
            format!(
                "{} was found in {} and says data_dir = {}",
                beside.display(),
                data_dir.display(),
                config.data_dir.display()
            ),
            "remove data_dir from it, or name the file with --config",
        ));
    }
    config.file = file;
    override_with(flags, data_dir, &mut config)?;
    Ok(config)
}

fn override_with(flags: &Flags, data_dir: PathBuf, config: &mut Config) -> Result<(), Failure> {
    if flags.data_dir.is_some() {
        if config.kek_file == config.data_dir.join("keys/kek") {
            config.kek_file = data_dir.join("keys/kek");
        }
        config.data_dir = data_dir;
    }
    config.listen = flags.listen.unwrap_or(config.listen);
    config.admin_listen = flags.admin_listen.unwrap_or(config.admin_listen);
    if !config.admin_listen.ip().is_loopback() {
        return Err(Failure::usage(
            format!("can't serve metrics on {}", config.admin_listen),
            "that listener has no TLS and no log-in, so it stays on loopback",
            "use --admin-listen 127.0.0.1:PORT, and a proxy on this machine if others must read it",
        ));
    }
    Ok(())
}

fn base_of(file: Option<&Path>) -> Result<PathBuf, Failure> {
    let file = std::path::absolute(file.unwrap_or(Path::new("keepgate.toml")));
    let file = file.map_err(|error| Failure::io("can't find the working directory", &error))?;
    Ok(file.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned))
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
            _ => error.to_string(),
        };
        Failure::usage(
            format!("can't read the configuration {}", file.display()),
            why,
            "name a readable TOML file with --config; without one the defaults hold",
        )
    })
}
