//! `keepgate admin`.
use clap::{Args, Subcommand};
use keepgate_identity::Email;

use super::{DataArgs, signing_keys::RotateArgs};
use crate::{environment::Environment, exit::Exit, failure::Failure, serve};

const HELP: &str = "\
For a database of your own, once, after `keepgate migrate`: makes the key file, the platform tenant with its first global_admin, \
and the tenant `default` with its first owner and an API key. Prints their one-time codes once. A private PostgreSQL is \
bootstrapped by the first `serve`.

Example:
  keepgate admin bootstrap --config /etc/keepgate.toml

Exit codes: 0 done, 1 it was done before, 2 configuration, 3 unreachable, 4 key file, 6 migrations are missing.";

const SECOND: &str = "\
What takes two people takes two global admins, and the genesis makes one. While fewer than two may act, this appoints another and \
prints its one-time code, good for 24 hours. Run again with the same address, it replaces the code of one who never came in. Once \
there are two it refuses: they appoint every further one together. Logged in the platform's audit log. Works beside a running service.

Examples:
  keepgate admin appoint-second --email eve@example.org --data-dir /srv/keepgate
  keepgate admin appoint-second --email eve@example.org --config /etc/keepgate.toml

Exit codes: 0 done, 1 there are two already, 2 usage, 3 unreachable, 6 there is no first one yet.";

const ROTATE_HELP: &str = "\
The first call publishes a pending key; a call 24 hours later lets it sign. Tokens of the former key go on until they end. Prints every key \
with its state.

Example:
  keepgate admin rotate-signing-keys --url https://127.0.0.1:8443 --ca-cert ca.pem --token-file admin.token

Exit codes: 0 done, 1 refused, 2 usage, 3 unreachable, 4 token file.";

/// First steps of an installation.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make the first tenants, principals and API key of a new database
    #[command(after_help = HELP)]
    Bootstrap(BootstrapArgs),
    /// Appoint the second global admin, while fewer than two may act
    #[command(after_help = SECOND)]
    AppointSecond(SecondArgs),
    /// Move the keys that sign tokens on, at a running gateway
    #[command(after_help = ROTATE_HELP)]
    RotateSigningKeys(RotateArgs),
}

/// Arguments of `admin appoint-second`.
#[derive(Debug, Args)]
pub struct SecondArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The address to log in with
    #[arg(long)]
    email: Email,
}

/// Arguments of `admin bootstrap`.
#[derive(Debug, Args)]
pub struct BootstrapArgs {
    #[command(flatten)]
    data: DataArgs,
}

impl Admin {
    pub fn run(self, environment: &Environment) -> Result<Exit, Failure> {
        match self {
            Self::Bootstrap(args) => serve::bootstrap_command(&args.data.load(environment)?),
            Self::AppointSecond(args) => {
                serve::appoint_second_command(&args.data.load(environment)?, environment, args.email)
            }
            Self::RotateSigningKeys(args) => args.run(),
        }
    }
}
