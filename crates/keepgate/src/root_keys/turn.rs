//! `keepgate keys root rotate` and `forget`: versions of the root key.
use chrono::TimeDelta;
use keepgate_crypto_keys::KeyService;
use keepgate_kernel::{Clock, SystemClock};

use super::installation::Installation;
use crate::{
    config::Config,
    environment::Environment,
    exit::Exit,
    failure::{Failure, chain},
    secrets::{Root, kek},
    terminal,
};

/// How long something wrapped by the version before may still be on its way into the database.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(1);

/// Adds a version to the root key, which wraps from now on.
///
/// # Errors
/// Exit code 1 where its service does not do it, 3 when it is away, 4 when it may not be used.
pub async fn rotate(config: &Config) -> Result<Exit, Failure> {
    let root = Root::configured(config)?.ok_or_else(|| kek::lost(&config.kek_file))?;
    let turned = root.service().rotate().await.map_err(|error| {
        let exit = if error.passes() { Exit::Incomplete } else { Exit::Failed };
        let help = if error.passes() {
            "see `keepgate keys root status` before trying again: nobody knows whether it was done"
        } else {
            "rotate it in its service, then run `keepgate keys rewrap`"
        };
        Failure::new(exit, "the root key was not rotated", chain(&error), help)
    })?;
    terminal::say(&turned.kek);
    terminal::note(
        "wraps from now on; run `keepgate keys rewrap`, so that the versions before it wrap nothing any more",
    );
    Ok(Exit::Ok)
}

/// Takes a version that wraps nothing any more out of the key file, for ever.
///
/// # Errors
/// Exit code 1 when something is wrapped by it, or may be in a moment; 2 for a root key in a service.
pub async fn forget(config: &Config, environment: &Environment, version: &str) -> Result<Exit, Failure> {
    let installation = Installation::of(config, environment).await?;
    let file = installation.root.file().ok_or_else(|| {
        Failure::usage(
            "versions of this root key are not forgotten from here",
            "it is in a key service",
            "end old versions there, once `keepgate keys root status` says that they wrap nothing",
        )
    })?;
    let refused = |why: String, help: &str| Failure::new(Exit::Failed, "nothing was forgotten", why, help);
    let told = file
        .describe()
        .await
        .map_err(|error| installation.root.failed(&error))?;
    let followed = told.versions.iter().take_while(|found| found.kek != version).last();
    let settled = |at| SystemClock.now() - at >= UNDER_WAY;
    if let Some(next) = followed
        && next.created_at.is_some_and(|at| !settled(at))
    {
        return Err(refused(
            "the version after it is not a minute old: a gateway may just be storing what the older one wrapped"
                .to_owned(),
            "try again in a minute",
        ));
    }
    let uses = installation.uses(None).await?;
    let keys: i64 = uses
        .iter()
        .filter(|found| found.kek == version)
        .map(|found| found.keys)
        .sum();
    if keys > 0 {
        return Err(refused(
            format!("it still wraps {keys} keys"),
            "run `keepgate keys rewrap`, and see `keepgate keys root status`",
        ));
    }
    let forgotten = file.forget(version);
    forgotten.map_err(|error| {
        refused(
            chain(&error),
            "see `keepgate keys root status` for the versions there are",
        )
    })?;
    terminal::note(
        "forgotten; backups of the database from before the rewrap open with a copy of the old key file only",
    );
    Ok(Exit::Ok)
}
