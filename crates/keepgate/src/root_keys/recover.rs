//! `keepgate keys recover`: the root key is lost for ever, and the private half of the recovery key has come out of its safe.
use std::path::Path;

use keepgate_crypto_keys::{
    EnsureDataKey, RecoverySecret,
    rewrap::{InstanceRow, Rewrapper},
};
use serde_json::json;

use super::{
    installation::{Installation, Links, wanted_copies, worker},
    outcome::Outcome,
    rewrap::walk,
};
use crate::{
    config::Config,
    environment::Environment,
    exit::Exit,
    failure::{Failure, chain},
    postgres::SeedRows,
    secrets::{PrivateFile, Root, kek},
    terminal,
};

/// Opens what the lost root key wrapped from the copies, and wraps it by the root key that is configured now.
///
/// # Errors
/// Exit code 4 when the private half does not open the installation's key, 3 when the database or the key service is away.
pub async fn recover(config: &Config, environment: &Environment, key: &Path, json: bool) -> Result<Exit, Failure> {
    let recovery = wanted_copies(config)?;
    let secret = read(key)?;
    let links = Links::of(config, environment).await?;
    let mut rows = SeedRows::open(&links.integrator).await?;
    let instance = rows.instance().await?;
    let root = match Root::configured(config)? {
        Some(root) => root,
        None => Root::of_file(fresh_file(config, instance.as_ref(), &secret)?),
    };
    let rewrapper = Rewrapper::new(root.service(), recovery).await;
    let rewrapper = rewrapper.map_err(|error| root.failed(&error))?.recovering(secret);
    // Without it nobody is Keepgate's own worker, so its entry comes afterwards, with the others.
    if let Some(was) = instance.filter(|was| was.row.wrapped.kek != rewrapper.current()) {
        let anew = rewrapper.anew(&was.row).await.map_err(|error| shut(&chain(&error)))?;
        rows.put_instance(&was, &anew, async { Ok(()) }).await?;
    }
    rows.close().await?;
    let installation = Installation::open(root, links).await?;
    let outcome = walk(&installation, &rewrapper, json).await?;
    let renewed = renew(&installation, &outcome).await?;
    tell(&rewrapper, &outcome, renewed, json);
    Ok(if outcome.left_count == 0 {
        Exit::Ok
    } else {
        Exit::Failed
    })
}

fn read(path: &Path) -> Result<RecoverySecret, Failure> {
    let failed = |why: String, help: String| {
        Failure::new(
            Exit::KeyFile,
            format!("can't use the recovery key {}", path.display()),
            why,
            help,
        )
    };
    let read = PrivateFile::open(path).and_then(PrivateFile::read);
    let content = read.map_err(|error| failed(error.to_string(), error.help()))?;
    let help = || "name the file that `keepgate keys recovery-key --out` wrote".to_owned();
    let text = std::str::from_utf8(&content).map_err(|_| failed("it holds no text".to_owned(), help()))?;
    text.parse().map_err(|error| failed(chain(&error), help()))
}

/// A key file in the place of the lost one, once it is certain that there is something to wrap with it.
fn fresh_file(
    config: &Config,
    instance: Option<&InstanceRow>,
    secret: &RecoverySecret,
) -> Result<keepgate_crypto_keys::KeyFile, Failure> {
    let opens = instance.and_then(|was| {
        let copy = was.row.copy.as_ref()?;
        secret.open_bytes(&was.row.context, copy).ok()
    });
    if opens.is_none() {
        return Err(shut("it has no copy that this recovery key opens"));
    }
    let file = kek::create(&config.kek_file)?;
    terminal::note(&format!("made a new key file: back up {}", config.kek_file.display()));
    Ok(file)
}

fn shut(why: &str) -> Failure {
    Failure::new(
        Exit::KeyFile,
        "the installation's key can't be recovered, so nothing was changed",
        why,
        "use the private half that belongs to keys.recovery_key, and a root key with another name than the lost one's; without a copy only \
         the root key itself, from a backup, opens what is there",
    )
}

/// Tenants whose newest key stays shut get another version, so that they can work on. Returns how many.
async fn renew(installation: &Installation, outcome: &Outcome) -> Result<usize, Failure> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Failure::new(
            Exit::Incomplete,
            "can't give a tenant a new key",
            chain(error),
            "run this again: it goes on where it was",
        )
    };
    for &tenant in &outcome.shut {
        let gate = &installation.bench.gate;
        let candidate = gate.new_data_key(tenant).await.map_err(|error| failed(&error))?;
        let ensure = EnsureDataKey { tenant, candidate };
        gate.perform(&worker(tenant), &ensure)
            .await
            .map_err(|error| failed(&error))?;
    }
    Ok(outcome.shut.len())
}

fn tell(rewrapper: &Rewrapper, outcome: &Outcome, renewed: usize, json: bool) {
    if json {
        let told = json!({ "root": rewrapper.current(), "outcome": outcome, "new_keys": renewed });
        terminal::say(&told.to_string());
        return;
    }
    terminal::say(&format!("root key: {}", rewrapper.current()));
    terminal::say(&outcome.told());
    for left in &outcome.left {
        terminal::say(&format!(
            "lost: {} {}: {}; {}",
            left.kind,
            left.whose,
            left.why,
            consequence(left.kind)
        ));
    }
    if renewed > 0 {
        terminal::say(&format!("new keys for {renewed} tenants whose newest one is lost"));
    }
    if outcome.left_count == 0 {
        terminal::say(
            "everything is recovered; start the service, and make a new recovery key if this one was seen by others",
        );
    } else {
        terminal::say(&format!(
            "{} are lost unless the old root key turns up: then name it again and run `keepgate keys rewrap`",
            outcome.left_count
        ));
    }
}

fn consequence(kind: &str) -> &'static str {
    match kind {
        "tenant-key" => "what it sealed stays closed",
        "log-seed" => {
            "its log is not signed on: an owner moves it to a new key with `keepgate audit log-keys --rotate --emergency` (--meta for the log of logs)"
        }
        "token-seed" => "tokens it signed end with it, and while it is the active one the service does not start",
        _ => "it stays as it is",
    }
}
