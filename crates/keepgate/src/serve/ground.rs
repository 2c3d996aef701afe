//! What must stand before anything is served: schema, keys, the first principals.
use std::path::Path;

use keepgate_identity::{
    Hasher,
    genesis::{self, Names},
};
use keepgate_kernel::{Clock, TenantId};
use keepgate_store::postgres::install_claim_key;

use super::{first_run::FirstRun, keys::Keys};
use crate::{
    config::Config,
    exit::Exit,
    failure::{Failure, chain},
    postgres::{self, Databases},
    secrets::{Root, kek},
};

/// What the service stands on.
pub struct Ground {
    /// The root key, and everything derived from the installation's.
    pub keys: Keys,
    /// The platform's tenant.
    pub platform: TenantId,
    /// The first credentials, if nobody has seen them yet.
    pub first_run: Option<FirstRun>,
}

/// A private database: brought up to date, and on the first run given its key file and its first principals.
///
/// # Errors
/// Exit code 4 for a key file that is missing or another's, 6 and 7 for the schema, 3 for the database.
pub async fn of_our_own(
    config: &Config,
    databases: &Databases,
    known: Option<Root>,
    clock: &dyn Clock,
) -> Result<Ground, Failure> {
    let applied = postgres::bring_up_to_date(databases.migrator()?).await?;
    if !applied.is_empty() {
        tracing::info!(?applied, "applied migrations");
    }
    lay(config, databases, known, clock).await
}

/// A database of the operator's: nothing in it is changed.
///
/// # Errors
/// As [`of_our_own`]; exit code 6 also when it has no first principals yet.
pub async fn of_another(config: &Config, databases: &Databases, known: Option<Root>) -> Result<Ground, Failure> {
    let platform = postgres::platform_tenant(&databases.app).await?;
    postgres::must_be_current(databases.migrator.as_ref().unwrap_or(&databases.app)).await?;
    let platform = platform.ok_or_else(|| {
        Failure::new(
            Exit::SchemaOld,
            "the database has no first principals",
            "nobody could log in",
            "run `keepgate admin bootstrap` with the same configuration, once",
        )
    })?;
    let root = known.ok_or_else(|| kek::lost(&config.kek_file))?;
    let instance = postgres::settle_instance_key(&databases.integrator, &root, true).await?;
    Ok(Ground {
        keys: Keys::new(instance, root),
        platform,
        first_run: None,
    })
}

/// `keepgate admin bootstrap` for a database of the operator's.
///
/// # Errors
/// As [`of_another`]; exit code 1 when it was done before.
pub async fn bootstrap(
    config: &Config,
    databases: &Databases,
    known: Option<Root>,
    clock: &dyn Clock,
) -> Result<FirstRun, Failure> {
    postgres::must_be_current(databases.migrator()?).await?;
    lay(config, databases, known, clock).await?.first_run.ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "the first principals exist already",
            "a bootstrap works once in the life of a database",
            "log in as one of them; a lost enrolment is made anew by an administrator of that tenant",
        )
    })
}

/// Key file, claim key, genesis. Safe to repeat.
async fn lay(
    config: &Config,
    databases: &Databases,
    known: Option<Root>,
    clock: &dyn Clock,
) -> Result<Ground, Failure> {
    let before = postgres::platform_tenant(&databases.app).await?;
    let root = match (known, before) {
        (Some(root), _) => root,
        (None, None) => Root::of_file(kek::create(&config.kek_file)?),
        (None, Some(_)) => return Err(kek::lost(&config.kek_file)),
    };
    let instance = postgres::settle_instance_key(&databases.integrator, &root, before.is_some()).await?;
    let keys = Keys::new(instance, root);
    let migrator = databases.migrator()?;
    install_claim_key(migrator, &keys.claims()?).await.map_err(|error| {
        Failure::new(
            Exit::Incomplete,
            "can't hand the database the claim key",
            chain(&error),
            "check that kg_migrator may log in",
        )
    })?;
    if let Some(platform) = before {
        return Ok(Ground {
            keys,
            platform,
            first_run: FirstRun::unseen(&config.data_dir)?,
        });
    }
    let (platform, first_run) = begin(&config.data_dir, databases, &keys, clock).await?;
    Ok(Ground {
        keys,
        platform,
        first_run,
    })
}

/// The genesis. Who loses a race against another process finds its principals there.
async fn begin(
    data_dir: &Path,
    databases: &Databases,
    keys: &Keys,
    clock: &dyn Clock,
) -> Result<(TenantId, Option<FirstRun>), Failure> {
    let names = Names::standard().map_err(|error| failed(&error))?;
    let planned = genesis::plan(names, clock.now(), &*keys.api_keys()?, &Hasher::new(1)).await;
    let (plan, secrets) = planned.map_err(|error| failed(&error))?;
    let first_run = FirstRun::from(&secrets);
    first_run.keep(data_dir)?;
    if postgres::write_genesis(databases.migrator()?, &plan).await? {
        return Ok((secrets.platform_tenant, Some(first_run)));
    }
    FirstRun::forget(data_dir);
    let platform = postgres::platform_tenant(&databases.app).await?;
    platform.map(|platform| (platform, None)).ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "can't make the first principals",
            "another process began and did not finish",
            "start again",
        )
    })
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Exit::Failed,
        "can't make the first principals",
        chain(error),
        "start again; report this if it stays",
    )
}
