//! Arguments that several commands share.
use std::path::PathBuf;

use clap::Args;

use crate::{
    config::{self, Config, Flags},
    environment::Environment,
    failure::Failure,
};

/// Which instance.
#[derive(Debug, Default, Clone, Args)]
pub struct DataArgs {
    /// The configuration file [default: keepgate.toml in the data directory, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data directory [default: /var/lib/keepgate for root, else ~/.local/share/keepgate]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

impl DataArgs {
    /// The configuration of that instance.
    ///
    /// # Errors
    /// Exit code 2 with every mistake in it.
    pub fn load(&self, environment: &Environment) -> Result<Config, Failure> {
        let flags = Flags {
            config: self.config.clone(),
            data_dir: self.data_dir.clone(),
            ..Flags::default()
        };
        config::load(&flags, environment)
    }
}

/// How to reach a running gateway.
#[derive(Debug, Clone, Args)]
pub struct Access {
    /// The gateway, such as https://127.0.0.1:8443
    #[arg(long, value_name = "URL")]
    pub url: Option<url::Url>,
    /// The certificate to trust, PEM; without it, those of the system
    #[arg(long, value_name = "FILE", requires = "url")]
    pub ca_cert: Option<PathBuf>,
    /// A file with an access token or API key
    #[arg(long, value_name = "FILE", requires = "url", conflicts_with = "token")]
    pub token_file: Option<PathBuf>,
    /// `-` reads the token from standard input; a token itself is refused here
    #[arg(long, value_name = "-", requires = "url", value_parser = dash, allow_hyphen_values = true)]
    pub token: Option<TokenFrom>,
}

/// What stood behind `--token`. What it was, if it was no dash, is forgotten at once: an error would repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFrom {
    /// `-`.
    StandardInput,
    /// Something else, so perhaps the token.
    CommandLine,
}

#[expect(clippy::unnecessary_wraps, reason = "clap wants a Result")]
fn dash(value: &str) -> Result<TokenFrom, std::convert::Infallible> {
    Ok(if value == "-" {
        TokenFrom::StandardInput
    } else {
        TokenFrom::CommandLine
    })
}
