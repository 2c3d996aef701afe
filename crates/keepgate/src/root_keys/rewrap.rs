//! `keepgate keys rewrap`.
use keepgate_crypto_keys::{
    KeyServiceError,
    rewrap::{Rewrapper, RootUse},
};
use serde_json::json;

use super::{
    Pass,
    installation::{Installation, wanted_copies},
    outcome::Outcome,
    progress::Progress,
};
use crate::{config::Config, environment::Environment, exit::Exit, failure::Failure, terminal};

/// Wraps everything by the newest version of the configured root key, and makes the copies that are missing.
///
/// # Errors
/// Exit code 3 when the database or the key service is away, 4 when the root key can't be used.
pub async fn rewrap(config: &Config, environment: &Environment, json: bool) -> Result<Exit, Failure> {
    let recovery = wanted_copies(config)?;
    let installation = Installation::of(config, environment).await?;
    let failed = |error: KeyServiceError| installation.root.failed(&error);
    let rewrapper = Rewrapper::new(installation.root.service(), recovery)
        .await
        .map_err(failed)?;
    let outcome = walk(&installation, &rewrapper, json).await?;
    tell(&rewrapper, &outcome, json);
    Ok(if outcome.left_count == 0 {
        Exit::Ok
    } else {
        Exit::Failed
    })
}

/// The walk, with what people see meanwhile.
pub async fn walk(installation: &Installation, rewrapper: &Rewrapper, quiet: bool) -> Result<Outcome, Failure> {
    let mut progress = Progress::new("wrapping anew", quiet);
    let to = rewrapper.recovery_to();
    let uses = installation.uses(to.as_deref()).await?;
    progress.expect(uses.iter().map(|found| due(found, rewrapper)).sum());
    let mut ahead = |more| progress.add(more);
    let mut pass = Pass::new(&installation.bench, rewrapper, &mut ahead);
    let walked = pass.walk().await;
    let outcome = pass.outcome;
    progress.end();
    walked?;
    Ok(outcome)
}

/// How many rows a walk will look at.
fn due(found: &RootUse, rewrapper: &Rewrapper) -> u64 {
    let rows = match &*found.kind {
        "person-key" => 0,
        _ if found.kek != rewrapper.current() => found.keys,
        _ if rewrapper.recovery_to().is_some() => found.uncopied,
        _ => 0,
    };
    u64::try_from(rows).unwrap_or_default()
}

fn tell(rewrapper: &Rewrapper, outcome: &Outcome, json: bool) {
    if json {
        terminal::say(&json!({ "root": rewrapper.current(), "outcome": outcome }).to_string());
        return;
    }
    terminal::say(&format!("root key: {}", rewrapper.current()));
    terminal::say(&outcome.told());
    for left in &outcome.left {
        terminal::say(&format!("stays as it is: {} {}: {}", left.kind, left.whose, left.why));
    }
    if outcome.left_count > 0 {
        terminal::say(&format!(
            "{} stay as they are: keep the root key that wrapped them where it is, and see `keepgate keys root status`",
            outcome.left_count
        ));
    }
}
