//! `keepgate audit log-keys`: the API's operations on the keys that sign logs, for a terminal.
use clap::Args;
use serde_json::{Value, json};

use super::{Access, listed::listed};
use crate::{audit::Remote, exit::Exit, failure::Failure, terminal};

pub const LOG_KEYS: &str = "\
One line for each key that signs or has signed: log (own or meta), number, state (active, retiring, gone), until when it signs, verifier \
key. Keep the verifier keys of every number: old checkpoints verify with the key of their time.

--rotate moves the log on to a new key. For seven days both sign, so that whoever verifies has time to learn the new one; then the \
former key's seed is destroyed, which the log tells. With --emergency, because it was stolen, the former key ceases to sign at once. \
It takes the token of an owner, for the log of logs (--meta) that of a global admin, who logged in at most five minutes ago.

Examples:
  keepgate audit log-keys --url https://127.0.0.1:8443 --ca-cert ca.pem --token-file token
  keepgate audit log-keys --rotate --url … --token -  < token

Exit codes: 0 done, 1 not rotated, 2 usage, 3 unreachable or refused, 4 token file.";

/// Arguments of `audit log-keys`.
#[derive(Debug, Args)]
pub struct LogKeysArgs {
    #[command(flatten)]
    access: Access,
    /// Move the log on to a new key
    #[arg(long)]
    rotate: bool,
    /// The log of logs instead of the own one
    #[arg(long, requires = "rotate")]
    meta: bool,
    /// Let the former key cease to sign at once: it was stolen
    #[arg(long, requires = "rotate")]
    emergency: bool,
    /// Print the keys as JSON
    #[arg(long)]
    json: bool,
}

impl LogKeysArgs {
    pub fn run(&self) -> Result<Exit, Failure> {
        let url = self.access.url.as_ref().ok_or_else(|| {
            Failure::usage(
                "can't look at the logs' keys",
                "no gateway was named",
                "add --url, and --token-file with the token of an admin, or to rotate of an owner who has just logged in",
            )
        })?;
        let remote = Remote::new(url, &self.access)?;
        let keys = if self.rotate {
            self.rotate(&remote)?
        } else {
            list(&remote)?
        };
        if self.json {
            terminal::say(&keys.to_string());
            return Ok(Exit::Ok);
        }
        for key in keys.get("items").and_then(Value::as_array).into_iter().flatten() {
            terminal::say(&line(key));
        }
        Ok(Exit::Ok)
    }

    fn rotate(&self, remote: &Remote) -> Result<Value, Failure> {
        let log = if self.meta { "meta" } else { "own" };
        let answer = remote.post(
            "v1/log-keys:rotate",
            &json!({ "log": log, "emergency": self.emergency }),
        );
        let (status, body) = answer.map_err(|error| {
            unreadable(
                &error.why,
                "look at the keys before trying again: nobody knows whether they were rotated",
            )
        })?;
        if status == 200 {
            return Ok(body);
        }
        let why = format!("the gateway answered {status}: {}", word(&body, "detail"));
        let help = match status {
            401 => "use --token-file with a token that lives",
            403 => "use the token of an owner, with --meta of a global admin, who logged in at most five minutes ago",
            409 => "wait until the former key has ceased to sign, or use --emergency if it was stolen",
            _ => "see the log of the gateway",
        };
        Err(Failure::new(Exit::Failed, "the log's key was not rotated", why, help))
    }
}

fn list(remote: &Remote) -> Result<Value, Failure> {
    listed(remote, "v1/log-keys", unreadable)
}

fn line(key: &Value) -> String {
    let version = key.get("version").and_then(Value::as_i64).unwrap_or_default();
    let until = match word(key, "signs_until") {
        "" => "-",
        until => until,
    };
    let (log, state, vkey) = (word(key, "log"), word(key, "state"), word(key, "vkey"));
    format!("{log:<4} {version:>3} {state:<8} {until:<27} {vkey}")
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn unreadable(why: &str, help: &str) -> Failure {
    Failure::new(Exit::Incomplete, "can't read the logs' keys", why, help)
}
