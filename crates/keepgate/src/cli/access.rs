//! `keepgate access`.
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::Access;
use crate::{
    audit::{Remote, StreamError},
    exit::Exit,
    failure::Failure,
    terminal,
    unfinished::Unfinished,
};

const REVIEW: &str = "\
People, devices, services and API keys of the token's tenant: level, hat, unit, status, owner, last use, second factors, and whether \
nobody has used it for 90 days (`stale`). Needs a tenant admin, an owner, a global admin, or one of them with the hat of an auditor or \
privacy officer; an API key can't carry it.

Examples:
  keepgate access review --url https://127.0.0.1:8443 --ca-cert ca.pem --token-file token > access.csv
  keepgate access review --format json --out access.json --url … --token -  < token

Exit codes: 0 written, 2 usage, 3 unreachable or refused, 4 token file, 8 disk full. An unfinished review leaves no file.";

/// Who has which access.
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// List who has which access, and when it was last used
    #[command(after_help = REVIEW)]
    Review(ReviewArgs),
}

/// The forms of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReviewFormat {
    /// A table, safe to open in a spreadsheet
    Csv,
    /// One JSON object: items
    Json,
}

/// Arguments of `access review`.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    #[command(flatten)]
    access: Access,
    /// The form
    #[arg(long, value_enum, default_value = "csv")]
    format: ReviewFormat,
    /// Where to write, mode 0600; must not exist yet [default: standard output]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

impl AccessCommand {
    pub fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::Review(args) => args.run(),
        }
    }
}

impl ReviewArgs {
    fn run(&self) -> Result<Exit, Failure> {
        let url = self.access.url.as_ref().ok_or_else(|| {
            Failure::usage(
                "can't review access",
                "no gateway was named",
                "add --url, and --token-file with the token of an admin",
            )
        })?;
        if let Some(out) = self.out.as_ref().filter(|out| fs::symlink_metadata(out).is_ok()) {
            return Err(Failure::usage(
                "can't write the review",
                format!("{} exists", out.display()),
                "name a path that does not exist with --out",
            ));
        }
        let remote = Remote::new(url, &self.access)?;
        match &self.out {
            None => self.write(&remote, &mut io::stdout().lock(), Path::new("standard output"))?,
            Some(out) => {
                let mut file = Unfinished::begin(out).map_err(|error| cannot_write(out, &error))?;
                self.write(&remote, &mut file, out)?;
                file.finish(out).map_err(|error| cannot_write(out, &error))?;
                terminal::say(&format!("wrote {}", out.display()));
            }
        }
        Ok(Exit::Ok)
    }

    fn write(&self, remote: &Remote, to: &mut dyn Write, name: &Path) -> Result<(), Failure> {
        match self.format {
            ReviewFormat::Csv => fetch(remote, &[("format", "csv")], name, &mut |piece| to.write_all(piece)),
            ReviewFormat::Json => {
                let review = serde_json::json!({ "items": every_page(remote, name)? });
                writeln!(to, "{review:#}").map_err(|error| cannot_write(name, &error))
            }
        }
    }
}

fn every_page(remote: &Remote, name: &Path) -> Result<Vec<Value>, Failure> {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut query = vec![("format", "json"), ("limit", "500")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let mut page = Vec::new();
        fetch(remote, &query, name, &mut |piece| page.write_all(piece))?;
        let mut page: Value =
            serde_json::from_slice(&page).map_err(|_| unreadable("what the gateway sent is no review"))?;
        match page.get_mut("items").map(Value::take) {
            Some(Value::Array(more)) => items.extend(more),
            _ => return Err(unreadable("what the gateway sent is no review")),
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(items),
        }
    }
}

fn fetch(
    remote: &Remote,
    query: &[(&str, &str)],
    name: &Path,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Failure> {
    match remote.stream("v1/access", query, sink) {
        Ok(()) => Ok(()),
        Err(StreamError::Remote(error)) => Err(unreadable(&error.why)),
        Err(StreamError::Sink(error)) => Err(cannot_write(name, &error)),
    }
}

fn unreadable(why: &str) -> Failure {
    Failure::new(
        Exit::Incomplete,
        "can't read the review",
        why,
        "check the address and whose token it is; no file was written",
    )
}

fn cannot_write(out: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("can't write {}", out.display()), error)
}
