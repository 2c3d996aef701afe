//! `keepgate serve`: the order in which everything is started, and stopped again.
//!
//! Configuration, data directory, sockets, key file and certificate come first, because they can be wrong and cost nothing.
//! Then the database, the schema, the first principals; then the service; last the ready file. Stopping goes the other way.
mod announce;
mod archive;
mod certificate;
mod copies;
mod first_run;
mod ground;
#[cfg(test)]
mod ground_tests;
mod integrity;
mod keys;
mod listen;
mod log_keeping;
mod metrics;
mod outward;
mod probes;
mod ready;
mod reload;
mod revocations;
mod root_keys;
mod run;
mod servers;
mod service;
mod signals;
mod sso;
mod tombstones;
mod witnesses;
mod workers;

use std::sync::Arc;

use keepgate_identity::{Email, genesis};
use keepgate_kernel::{Clock, SystemClock};
use tokio::runtime::Runtime;

use self::{certificate::Certificate, listen::Listeners, outward::Outside, ready::Bootstrap};
pub use self::{keys::Keys, listen::take, servers::limit, signals::Signals};
use crate::{
    cli::ServeArgs,
    config::{self, Config},
    data_dir, embedded,
    environment::Environment,
    exit::Exit,
    failure::Failure,
    log,
    postgres::{self, Databases},
    secrets::{Root, Secrets},
    terminal,
    tls::{self, Identity},
};

/// What is checked and taken before the database is started.
struct Prepared {
    config: Config,
    args: ServeArgs,
    clock: Arc<dyn Clock>,
    listeners: Listeners,
    certificate: Certificate,
    root: Option<Root>,
    outside: Outside,
    secrets: Secrets,
}

/// Serves until it is told to stop.
///
/// # Errors
/// Any exit code of `docs/cli.md` but 1.
pub fn run(args: ServeArgs, environment: &Environment) -> Result<Exit, Failure> {
    let mut config = config::load(&args.flags(), environment)?;
    log::start(&config.log);
    let lock = data_dir::take(&config.data_dir)?;
    config.data_dir = lock.dir().to_owned();
    if let Some(file) = &args.ready_file {
        ready::remove_stale(file)?;
    }
    keep_out_of_core_dumps();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    tls::install_provider();
    let runtime = runtime()?;
    let secrets = runtime.block_on(Secrets::open(&config))?;
    let prepared = Prepared {
        outside: Outside::of(&config, clock.clone(), &secrets)?,
        listeners: listen::bind(&config)?,
        root: Root::configured(&config)?,
        certificate: Certificate::load(Identity::of(config.tls.as_ref(), &config.data_dir), clock.clone())?,
        config,
        args,
        clock,
        secrets,
    };
    if let Some(databases) = Databases::following(&prepared.config, &prepared.secrets)? {
        // The directory stays held: keys and certificates are in it.
        let _held = lock;
        return runtime.block_on(run::run(prepared, databases, None));
    }
    let pg = embedded::start(&prepared.config, environment, lock)?;
    let databases = Databases::embedded(&pg)?;
    let ended = runtime.block_on(run::run(prepared, databases, Some(&pg)));
    // Whatever still runs must not meet a database that is going away.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    if let Err(error) = pg.stop() {
        tracing::warn!(%error, "the private PostgreSQL did not stop cleanly");
    }
    ended
}

/// The memory of a gateway holds other people's secrets while it works with them: no core file, and no look from a process of the
/// same user. Only an extra wall, so a system that refuses is told in the log.
fn keep_out_of_core_dumps() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "core dumps of this process can't be switched off");
    }
}

/// The runtime of a service.
///
/// # Errors
/// Those of the system.
pub fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("keepgate")
        .build();
    runtime.map_err(|error| Failure::io("can't start the runtime", &error))
}

/// `keepgate admin bootstrap`.
///
/// # Errors
/// Exit code 1 when it was done before; those of the database and the key file.
pub fn bootstrap_command(config: &Config) -> Result<Exit, Failure> {
    let Some(databases) = Databases::external(config)? else {
        return Err(Failure::usage(
            "nothing to bootstrap",
            "without database_url the first `keepgate serve` does it",
            "run `keepgate serve`, or configure database_url, auth_url, integrator_url and migrate_url",
        ));
    };
    let _held = data_dir::take(&config.data_dir)?;
    let known = Root::configured(config)?;
    let first = runtime()?.block_on(ground::bootstrap(config, &databases, known, &SystemClock))?;
    let Bootstrap {
        platform_tenant,
        platform_enrolment,
        tenant,
        owner_enrolment,
        service_key,
    } = &first.bootstrap;
    terminal::say(&format!(
        "Shown this once; each is good for 24 hours.\nplatform tenant     {platform_tenant}\nplatform enrolment  \
         {platform_enrolment}\ntenant `default`    {tenant}\nowner enrolment     {owner_enrolment}\noperator's API key  {service_key}"
    ));
    first_run::FirstRun::forget(&config.data_dir);
    Ok(Exit::Ok)
}

/// `keepgate admin appoint-second`.
///
/// # Errors
/// Exit code 1 when there are two; those of the database.
pub fn appoint_second_command(config: &Config, environment: &Environment, email: Email) -> Result<Exit, Failure> {
    let attached;
    let migrator = match Databases::external(config)? {
        Some(databases) => databases.migrator()?.clone(),
        None => {
            attached = embedded::Attached::to(config, environment)?;
            postgres::link(&attached.url(embedded::DATABASE, "kg_migrator")?)?
        }
    };
    let random = |_| {
        Failure::new(
            Exit::Failed,
            "can't make a code",
            "the system gives no randomness",
            "try again",
        )
    };
    let (plan, code) = genesis::second(email, SystemClock.now()).map_err(random)?;
    runtime()?.block_on(postgres::write_second(&migrator, &plan))?;
    terminal::say(&format!(
        "Shown this once; the code is good for 24 hours.\nglobal admin enrolment  {}",
        code.expose()
    ));
    Ok(Exit::Ok)
}
