//! `keepgate witness`.
use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use keepgate_merkle::note::{KeyName, VerifierKey};

const HELP: &str = "\
Run it where the gateway's operator can't reach: the customer's own machine, an auditor's. Gateways post their checkpoints to it \
(C2SP tlog-witness); it cosigns what continues all it saw before, and keeps what contradicts it as evidence under DIR/logs. The key is \
made on the first start in DIR/key; its public halves are printed, and belong into the policy of whoever relies on this witness. Back \
DIR up, but never restore an old copy beside a log that went on.

Examples:
  keepgate witness --dir ./witness --name witness.example/w1 --log \"$(cat vkey)\"
  keepgate witness --dir /srv/witness --name witness.example/w1 --log \"$(cat vkey)\" --listen 0.0.0.0:8444 --tls-cert c.pem --tls-key k.pem

Exit codes: 0 stopped, 2 usage, 4 key file, 5 port in use, 8 disk full, 9 directory in use.";

/// Arguments of `witness`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct WitnessArgs {
    /// Where its key and what it saw are kept; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// What it is called, a URL without scheme such as witness.example/w1
    #[arg(long, value_name = "NAME")]
    pub name: KeyName,
    /// A verifier key of a log it is to watch; once for each
    #[arg(long, value_name = "VKEY", required = true)]
    pub log: Vec<VerifierKey>,
    /// Where to serve; without TLS on loopback only
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8444")]
    pub listen: SocketAddr,
    /// The certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, PEM, mode 0600
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Write a JSON file (mode 0600) when ready to serve
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}
