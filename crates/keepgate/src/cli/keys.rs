//! `keepgate keys`: the API's operations on a tenant's data keys, for a terminal.
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Access, keys_wait,
    listed::listed,
    root_keys::{PAIR, PairArgs, RECOVER, REWRAP, RecoverArgs, RootArgs, RootCommand},
};
use crate::{
    audit::{Remote, Unreadable},
    environment::Environment,
    exit::Exit,
    failure::Failure,
    terminal,
};

const KEYS: &str = "\
What a tenant has sealed opens with its data keys. The newest seals, the others open what is still sealed under them.

`rotate` makes the next version; the gateway then seals everything anew under it, and --wait waits until that is done. `destroy` ends a version: two people have to want it, then it takes seven days in which `keep` takes it \
back, and what it sealed is lost for ever. The first of the two asks with --ask and a reason, the second approves (POST \
/v1/approvals/{approval}/approve), and the owner says `destroy` again without --ask.

It takes the token of an owner who logged in at most five minutes ago; for `status` an admin's is enough.

Examples:
  keepgate keys status --url https://127.0.0.1:8443 --ca-cert ca.pem --token-file token
  keepgate keys rotate --wait --url … --token -  < token
  keepgate keys destroy 1 --ask 'the customer has left us' --url … --token-file token
  keepgate keys destroy 1 --url … --token-file token
  keepgate keys keep 1 --url … --token-file token

Exit codes: 0 done, 1 not done, 2 usage, 3 unreachable or refused, 4 token file.";

/// A tenant's data keys, and the root key.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the tenant's data keys and their states
    #[command(after_help = KEYS)]
    Status(KeysArgs),
    /// Seal under a new key from now on
    #[command(after_help = KEYS)]
    Rotate(RotateArgs),
    /// End a key, and with it what it sealed
    #[command(after_help = KEYS)]
    Destroy(DestroyArgs),
    /// Take the end of a key back
    #[command(after_help = KEYS)]
    Keep(OneKeyArgs),
    /// Wrap every key by the newest version of the root key
    #[command(after_help = REWRAP)]
    Rewrap(RootArgs),
    /// Open the copies for the recovery key: the root key is lost
    #[command(after_help = RECOVER)]
    Recover(RecoverArgs),
    /// Make a recovery key
    #[command(after_help = PAIR)]
    RecoveryKey(PairArgs),
    /// The versions of the root key
    #[command(subcommand)]
    Root(RootCommand),
}

/// Where, and as whom.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(flatten)]
    access: Access,
    /// Print what the gateway answers
    #[arg(long)]
    json: bool,
}

/// Whether to wait.
#[derive(Debug, Args)]
pub struct RotateArgs {
    #[command(flatten)]
    keys: KeysArgs,
    /// Wait until nothing is sealed under a former key any more
    #[arg(long)]
    wait: bool,
}

/// Which key.
#[derive(Debug, Args)]
pub struct OneKeyArgs {
    /// Its number within the tenant, from 1
    version: u32,
    #[command(flatten)]
    keys: KeysArgs,
}

/// Which key to end.
#[derive(Debug, Args)]
pub struct DestroyArgs {
    #[command(flatten)]
    key: OneKeyArgs,
    /// Ask for the second person's approval, for this reason
    #[arg(long, value_name = "REASON")]
    ask: Option<String>,
}

impl KeysCommand {
    pub fn run(&self, environment: &Environment) -> Result<Exit, Failure> {
        match self {
            Self::Rewrap(args) => args.rewrap(environment),
            Self::Recover(args) => args.run(environment),
            Self::RecoveryKey(args) => args.run(),
            Self::Root(root) => root.run(environment),
            Self::Status(keys) => keys.status(),
            Self::Rotate(RotateArgs { keys, wait }) => {
                let rotated = keys.act(201, |remote| told(remote.post("v1/keys:rotate", &json!({}))))?;
                if !wait {
                    return Ok(rotated);
                }
                let remote = keys.remote()?;
                keys_wait::wait(|| states(&remote))
            }
            Self::Keep(OneKeyArgs { version, keys }) => keys.act(200, |remote| {
                told(remote.post(&format!("v1/keys/{version}/keep"), &json!({})))
            }),
            Self::Destroy(DestroyArgs { key, ask: None }) => key
                .keys
                .act(200, |remote| told(remote.delete(&format!("v1/keys/{}", key.version)))),
            Self::Destroy(DestroyArgs { key, ask: Some(reason) }) => {
                let wish = json!({"action": "key.destroy", "target": key.version.to_string(), "reason": reason});
                key.keys.act(201, |remote| told(remote.post("v1/approvals", &wish)))
            }
        }
    }
}

impl KeysArgs {
    fn remote(&self) -> Result<Remote, Failure> {
        let url = self.access.url.as_ref().ok_or_else(|| {
            Failure::usage(
                "can't look at the tenant's keys",
                "no gateway was named",
                "add --url, and --token-file with the token of an owner who has just logged in",
            )
        })?;
        Remote::new(url, &self.access)
    }

    fn status(&self) -> Result<Exit, Failure> {
        let keys = states(&self.remote()?)?;
        if self.json {
            terminal::say(&keys.to_string());
            return Ok(Exit::Ok);
        }
        for key in keys.get("items").and_then(Value::as_array).into_iter().flatten() {
            terminal::say(&line(key));
        }
        Ok(Exit::Ok)
    }

    fn act(&self, wanted: u16, call: impl FnOnce(&Remote) -> Result<(u16, Value), Failure>) -> Result<Exit, Failure> {
        let (status, body) = call(&self.remote()?)?;
        if status == wanted {
            let asked = body.get("version").is_none();
            terminal::say(&if self.json || asked {
                body.to_string()
            } else {
                line(&body)
            });
            return Ok(Exit::Ok);
        }
        let why = format!("the gateway answered {status}: {}", word(&body, "detail"));
        let unapproved = word(&body, "type").ends_with("approval-required");
        let help = match status {
            401 => "use --token-file with a token that lives",
            403 if unapproved => "ask with --ask and a reason, and let a second person approve",
            403 => "use the token of an owner who logged in at most five minutes ago",
            404 => "see `keepgate keys status` for the numbers there are",
            409 => "see `keepgate keys status` for the key's state",
            _ => "see the log of the gateway",
        };
        Err(Failure::new(
            Exit::Failed,
            "the tenant's keys are as they were",
            why,
            help,
        ))
    }
}

fn states(remote: &Remote) -> Result<Value, Failure> {
    listed(remote, "v1/keys", unreadable)
}

fn told(answer: Result<(u16, Value), Unreadable>) -> Result<(u16, Value), Failure> {
    let help = "look at `keepgate keys status` before trying again: nobody knows whether it was done";
    answer.map_err(|error| unreadable(&error.why, help))
}

fn line(key: &Value) -> String {
    let version = key.get("version").and_then(Value::as_i64).unwrap_or_default();
    let end = match (word(key, "destroyed_at"), word(key, "destroy_after")) {
        ("", "") => "-",
        ("", after) => after,
        (at, _) => at,
    };
    let left = match key.get("remaining").and_then(Value::as_u64) {
        Some(values) if word(key, "state") != "deactivated" => format!(" {values} left"),
        _ => String::new(),
    };
    let shut = match key.get("unreadable").and_then(Value::as_u64) {
        Some(values) => format!(", {values} of them damaged"),
        None => String::new(),
    };
    format!(
        "{version:>3} {:<19} {} {end}{left}{shut}",
        word(key, "state"),
        word(key, "created_at")
    )
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn unreadable(why: &str, help: &str) -> Failure {
    Failure::new(Exit::Incomplete, "can't read the tenant's keys", why, help)
}
