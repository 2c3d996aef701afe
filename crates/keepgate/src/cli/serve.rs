//! `keepgate serve`.
use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use super::DataArgs;
use crate::config::Flags;

const HELP: &str = "\
Without database_url in the configuration it runs a private PostgreSQL in the data directory, brings its schema up to date, \
and on the very first run prints the first credentials once, with a curl command that sends a message.

Examples:
  keepgate serve
  keepgate serve --data-dir /srv/keepgate --listen 127.0.0.1:8443
  keepgate serve --config /etc/keepgate.toml --ready-file /run/keepgate/ready.json

Stop it with Ctrl-C or SIGTERM: it takes no new requests, gives those under way 25 seconds, and ends with 0. SIGHUP reads the \
certificate again.

Exit codes: 0 stopped, 2 configuration, 3 database unreachable, 4 key file, 5 port in use, 6 schema old, 7 database newer, \
8 disk full, 9 data directory in use, 10 no PostgreSQL.";

/// Arguments of `serve`; each wins over the configuration file.
#[derive(Debug, Default, Clone, Args)]
#[command(after_help = HELP)]
pub struct ServeArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Where to serve HTTPS; port 0 picks a free one [default: 127.0.0.1:8443]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where to serve metrics and health, loopback only [default: 127.0.0.1:9443]
    #[arg(long, value_name = "IP:PORT")]
    pub admin_listen: Option<SocketAddr>,
    /// Write a JSON file (mode 0600) when ready to serve
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

impl ServeArgs {
    /// What changes the configuration.
    pub fn flags(&self) -> Flags {
        Flags {
            config: self.data.config.clone(),
            data_dir: self.data.data_dir.clone(),
            listen: self.listen,
            admin_listen: self.admin_listen,
        }
    }
}
