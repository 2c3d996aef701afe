//! `keepgate secrets check`: whether every secret of the configuration can be read. Shows no value.
use futures_util::future::join_all;
use serde::Serialize;
use std::sync::Arc;

use super::{
    FileWatch, PrivateFile, SecretRef, Trouble,
    stores::{Stores, text},
};
use crate::{config::Config, exit::Exit, failure::Failure, serve::runtime, terminal};

/// What one reference comes to.
#[derive(Debug, Serialize)]
pub struct Look {
    /// The key of the configuration that names it.
    pub key: String,
    /// The reference.
    pub reference: String,
    /// `file`, `openbao`, `aws` or `gcp`.
    pub store: &'static str,
    /// Which version is there; a file's is when it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// A file's mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether a value was read.
    pub readable: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Looks at every secret and private file that the configuration names.
///
/// # Errors
/// Exit code 2 for a section that can't be used.
pub async fn look(config: &Config) -> Result<Vec<Look>, Failure> {
    let stores = Stores::of(config, Arc::new(FileWatch::new()))?;
    let mut named = config.secrets();
    let tls = config.tls.as_ref().map(|tls| SecretRef::File(tls.key.clone()));
    named.extend(tls.iter().map(|key| ("tls.key_file".to_owned(), key)));
    let looks = named.into_iter().map(|(key, reference)| one(&stores, key, reference));
    Ok(join_all(looks).await)
}

async fn one(stores: &Stores, key: String, reference: &SecretRef) -> Look {
    let whole = key == "tls.key_file";
    let read = match stores.read(reference).await {
        // A key in PEM has many lines.
        Ok(secret) if whole => Ok(secret.version),
        Ok(secret) => text(reference, &secret).map(|_| secret.version),
        Err(trouble) => Err(trouble),
    };
    let (version, trouble) = match read {
        Ok(version) => (Some(version), None),
        Err(trouble) => (None, Some(trouble)),
    };
    Look {
        key,
        reference: reference.to_string(),
        store: reference.place().word(),
        // The number of the file behind it says nothing to people.
        version: version.map(|version| version.split('/').next().unwrap_or_default().to_owned()),
        mode: reference
            .path()
            .and_then(|path| PrivateFile::mode_of(path).ok())
            .map(|mode| format!("{mode:04o}")),
        readable: trouble.is_none(),
        why: trouble.as_ref().map(ToString::to_string),
        help: trouble.as_ref().map(Trouble::help),
    }
}

/// The command.
///
/// # Errors
/// As [`look`].
pub fn command(config: &Config, json: bool) -> Result<Exit, Failure> {
    crate::tls::install_provider();
    let looks = runtime()?.block_on(look(config))?;
    if json {
        terminal::say(&serde_json::json!({ "secrets": looks }).to_string());
    } else {
        tell(&looks);
    }
    let well = looks.iter().all(|look| look.readable);
    Ok(if well { Exit::Ok } else { Exit::KeyFile })
}

fn tell(looks: &[Look]) {
    if looks.is_empty() {
        terminal::say("the configuration names no secret");
    }
    for look in looks {
        let mark = if look.readable { "ok  " } else { "FAIL" };
        let version = look
            .version
            .as_deref()
            .map(|version| format!("  version {version}"))
            .unwrap_or_default();
        let mode = look
            .mode
            .as_deref()
            .map(|mode| format!("  mode {mode}"))
            .unwrap_or_default();
        terminal::say(&format!("{mark}  {:<28} {}{version}{mode}", look.key, look.reference));
        if let Some((why, help)) = look.why.as_ref().zip(look.help.as_ref()) {
            terminal::say(&format!("      {:<28} {why}\n      {:<28} → {help}", "", ""));
        }
    }
}
