//! `keepgate admin rotate-signing-keys`: the API's operation, for a terminal.
use clap::Args;
use serde_json::{Value, json};

use super::Access;
use crate::{audit::Remote, exit::Exit, failure::Failure, terminal};

/// Arguments of `admin rotate-signing-keys`.
#[derive(Debug, Args)]
pub struct RotateArgs {
    #[command(flatten)]
    access: Access,
    /// Sign with a new key at once: verifiers that keep the public keys refuse its tokens for up to five minutes
    #[arg(long)]
    emergency: bool,
}

impl RotateArgs {
    pub fn run(&self) -> Result<Exit, Failure> {
        let url = self.access.url.as_ref().ok_or_else(|| {
            Failure::usage(
                "can't rotate the signing keys",
                "no gateway was named",
                "add --url, and --token-file with the token of a global admin who has just logged in",
            )
        })?;
        let remote = Remote::new(url, &self.access)?;
        let answer = remote.post("v1/signing-keys:rotate", &json!({ "emergency": self.emergency }));
        let (status, body) = answer.map_err(|error| {
            Failure::new(
                Exit::Incomplete,
                "can't rotate the signing keys",
                error.to_string(),
                "look at the keys before trying again: GET /v1/signing-keys",
            )
        })?;
        if status != 200 {
            return Err(refused(status, &body));
        }
        for key in body.get("items").and_then(Value::as_array).into_iter().flatten() {
            terminal::say(&format!("{:<8} {}", word(key, "state"), word(key, "kid")));
        }
        Ok(Exit::Ok)
    }
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn refused(status: u16, body: &Value) -> Failure {
    let why = format!("the gateway answered {status}: {}", word(body, "detail"));
    let help = match status {
        401 => "use --token-file with a token that lives",
        403 => "use the token of a global admin who logged in at most five minutes ago",
        409 => "wait until the pending key has been published for 24 hours, or use --emergency",
        _ => "see the log of the gateway",
    };
    Failure::new(Exit::Failed, "the signing keys were not rotated", why, help)
}
