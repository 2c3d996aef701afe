//! `keepgate audit`.
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{
    Access, DataArgs,
    log_keys::{LOG_KEYS, LogKeysArgs},
};
use crate::{audit, environment::Environment, exit::Exit, failure::Failure};

const VERIFY: &str = "\
Reads every entry, hashes it again, and compares it with the tiles, the root and the signature. Trusts nothing but the verifier \
keys, which you should have got in another way than the log (GET /v1/audit/log/vkey tells them, keep them from the first day).

With --since, a checkpoint you kept, it also proves that nothing before it was changed, removed, reordered or back-dated; the more \
of them you name, the closer a change is placed. With --policy the witnesses in the file must have cosigned the checkpoint. With \
--max-age an old state of the log, however genuine, is refused. --stored reads the database itself and compares its rows as well.

Old months of a log are archived and removed from it. Their hashes stay, and with --archive their entries are read from where they \
went. Without it the rest is checked all the same, but the end is 3: those entries were not seen.

Examples:
  keepgate audit verify --dir ./export --key 'gw.example/audit/…+1a2b3c4d+AbC…'
  keepgate audit verify --url https://127.0.0.1:8443 --ca-cert ca.pem --token-file token --key \"$(cat vkey)\"
  keepgate audit verify --bundle log.bundle --key \"$(cat vkey)\" --since checkpoint-of-march --since checkpoint-of-april --json
  keepgate audit verify --url … --key \"$(cat vkey)\" --policy witnesses.txt --max-age 15m
  keepgate audit verify --stored --data-dir /srv/keepgate --tenant ten_… --key \"$(cat vkey)\" --archive /srv/archive

Exit codes: 0 verified, 1 tampered, not cosigned or too old (index and reason are told), 2 usage, 3 unreachable or incomplete: \
that is no proof of all of it.";

const EXPORT: &str = "\
From a running gateway (--url), as the token's principal may. `tiles` writes a directory in the C2SP tlog-tiles layout, which \
`audit verify --dir` and other verifiers read; the others write one file.

Examples:
  keepgate audit export --format tiles --out ./export --url https://127.0.0.1:8443 --ca-cert ca.pem --token-file token
  keepgate audit export --format csv --out audit.csv --from 2026-01-01T00:00:00Z --url … --token -  < token
  keepgate audit export --format tiles --out ./export --data-dir /srv/keepgate --tenant ten_…

Exit codes: 0 written, 2 usage, 3 unreachable or refused, 8 disk full. An unfinished export leaves no file.";

const RESET: &str = "\
Beside the database, this instance remembers what it signed last of each log, and signs nothing that does not contain it. A database \
that was restored from a backup is therefore refused. This gives that memory up for one log. It can't be taken back: everybody who kept \
a newer checkpoint, and every witness, sees that the log was forked. The log itself says so in its next entry.

Examples:
  keepgate audit reset-head --data-dir /srv/keepgate --tenant ten_… --accept-fork
  keepgate audit reset-head --config /etc/keepgate.toml --meta --accept-fork

Exit codes: 0 given up, 1 nothing was signed of that log, 2 usage, 9 a service runs on the data directory: stop it first.";

/// Check or export an audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check a whole log, entry by entry, with nothing but its public key
    #[command(after_help = VERIFY)]
    Verify(Box<VerifyArgs>),
    /// Write a log to a file or directory
    #[command(after_help = EXPORT)]
    Export(ExportArgs),
    /// Let a log go on after its database was restored from a backup
    #[command(after_help = RESET)]
    ResetHead(ResetHeadArgs),
    /// List the keys that sign the log, or move it on to a new one
    #[command(after_help = LOG_KEYS)]
    LogKeys(LogKeysArgs),
}

/// Arguments of `audit reset-head`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["tenant", "meta"]))]
pub struct ResetHeadArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// The tenant whose log it is
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<keepgate_kernel::TenantId>,
    /// The log of logs
    #[arg(long)]
    pub meta: bool,
    /// Yes, the signed state is given up for ever
    #[arg(long)]
    pub accept_fork: bool,
}

/// Arguments of `audit verify`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("from").required(true).args(["url", "dir", "bundle", "stored"]))]
pub struct VerifyArgs {
    #[command(flatten)]
    pub access: Access,
    #[command(flatten)]
    pub data: DataArgs,
    /// An exported directory: checkpoint, tile/…
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// An exported bundle
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// The database of this installation, past the gateway: rows, leaves and tiles
    #[arg(long)]
    pub stored: bool,
    /// The tenant whose log is read from the database
    #[arg(long, value_name = "TENANT", requires = "stored")]
    pub tenant: Option<keepgate_kernel::TenantId>,
    /// A verifier key of the log: name+id+key; again for each key it has had
    #[arg(long, value_name = "VKEY", required_unless_present = "policy")]
    pub key: Vec<String>,
    /// A file that says which witnesses must have cosigned, and may name the log's keys (C2SP tlog-policy)
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// A file with an older checkpoint of the same log; may be repeated
    #[arg(long, value_name = "CHECKPOINT")]
    pub since: Vec<PathBuf>,
    /// A folder with archives of entries that were removed from the log, or with one; may be repeated
    #[arg(long, value_name = "DIR")]
    pub archive: Vec<PathBuf>,
    /// How old the newest sign of life may be, such as 90s, 15m, 24h or 7d: the last cosignature or entry
    #[arg(long, value_name = "AGE", value_parser = super::age::parse)]
    pub max_age: Option<std::time::Duration>,
    /// The root of the time-stamping authority, PEM: checks the time stamp in a bundle or directory, offline
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: Option<PathBuf>,
    /// A file of openings to check against their commitments, one JSON object a line: index, field, salt, value
    #[arg(long, value_name = "FILE")]
    pub openings: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// The forms of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One entry a line, JSON
    Jsonl,
    /// A table
    Csv,
    /// Open Cybersecurity Schema Framework, for a SIEM
    Ocsf,
    /// Everything an auditor needs in one file
    Bundle,
    /// A directory of tiles (C2SP tlog-tiles)
    Tiles,
}

/// Arguments of `audit export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub access: Access,
    #[command(flatten)]
    pub data: DataArgs,
    /// The tenant whose log is read from a data directory
    #[arg(long, value_name = "TENANT", conflicts_with = "url")]
    pub tenant: Option<keepgate_kernel::TenantId>,
    /// The form
    #[arg(long, value_enum)]
    pub format: Format,
    /// Where to write; must not exist yet
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// The first instant, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// The instant before which it ends, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}

impl Audit {
    pub fn run(self, environment: &Environment) -> Result<Exit, Failure> {
        match self {
            Self::Verify(args) => audit::verify(&args, environment),
            Self::Export(args) => audit::export(&args, environment),
            Self::ResetHead(args) => audit::reset_head(&args, environment),
            Self::LogKeys(args) => args.run(),
        }
    }
}
