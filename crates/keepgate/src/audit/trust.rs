//! What a verification trusts: keys, a policy of witnesses, older checkpoints. Files of the one who verifies, so a mistake in them
//! is a mistake of usage.
use std::path::Path;

use keepgate_merkle::{
    note::VerifierKey,
    policy::{LogKey, MAX_POLICY_BYTES, Policy},
};

use super::{directory::Directory, source::MAX_CHECKPOINT};
use crate::{
    cli::VerifyArgs,
    failure::{Failure, chain},
};

/// All of it.
pub struct Trust {
    /// The log's name, which each of its keys bears.
    pub origin: String,
    /// The log's keys.
    pub keys: Vec<VerifierKey>,
    /// Who must have cosigned.
    pub policy: Option<Policy>,
    /// Older checkpoints, as they lie in their files.
    pub since: Vec<Vec<u8>>,
}

impl Trust {
    /// Reads what the arguments name.
    ///
    /// # Errors
    /// Exit code 2.
    pub fn of(args: &VerifyArgs) -> Result<Self, Failure> {
        let policy = args.policy.as_deref().map(policy).transpose()?;
        let mut keys = args
            .key
            .iter()
            .flat_map(|text| text.lines())
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(key)
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            keys.extend(policy.iter().flat_map(Policy::logs).filter_map(|log| match &log.key {
                LogKey::Ed25519(key) => Some(key.clone()),
                LogKey::MlDsa44(_) => None,
            }));
        }
        let origin = keys.first().map(|key| key.name().as_str().to_owned()).ok_or_else(|| {
            Failure::usage(
                "no key of the log",
                "the policy has no `log` line with an Ed25519 key",
                "give the line that GET /v1/audit/log/vkey answers with --key",
            )
        })?;
        if let Some(other) = keys.iter().find(|key| key.name().as_str() != origin) {
            return Err(Failure::usage(
                "keys of different logs",
                format!("one is of {origin}, another of {}", other.name()),
                "check one log at a time: name its keys with --key",
            ));
        }
        let since = args.since.iter().map(|file| {
            file_of(file, MAX_CHECKPOINT)
                .map_err(|why| Failure::usage("can't read the older checkpoint", why, "name the file with --since"))
        });
        Ok(Self {
            origin,
            keys,
            policy,
            since: since.collect::<Result<_, _>>()?,
        })
    }
}

fn key(text: &str) -> Result<VerifierKey, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(
            "can't use --key",
            format!("{error}"),
            "give the line that GET /v1/audit/log/vkey answers, in quotes",
        )
    })
}

fn policy(file: &Path) -> Result<Policy, Failure> {
    let failed = |why| {
        let help = "name a C2SP tlog-policy file: lines of `log`, `witness`, `group`, and one `quorum`";
        Failure::usage("can't use --policy", why, help)
    };
    let text = file_of(file, MAX_POLICY_BYTES).map_err(failed)?;
    Policy::parse(&text).map_err(|error| failed(format!("{}: {}", file.display(), chain(&error))))
}

/// A file of at most `most` bytes; why it can't be read.
pub fn file_of(file: &Path, most: usize) -> Result<Vec<u8>, String> {
    let dir = file.parent().unwrap_or(file);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Directory::new(dir).read(&name, most).map_err(|error| error.why)
}
