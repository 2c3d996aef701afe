//! From a database that answers to a service that serves, and back.
use std::sync::Arc;

use keepgate_kernel::Clock;
use keepgate_pg_local::LocalPg;
use tokio::sync::watch;

use super::{
    Prepared, announce,
    certificate::Certificate,
    first_run::FirstRun,
    ground::{self, Ground},
    outward::Outside,
    ready::Ready,
    servers::Servers,
    service::Service,
    signals::{Asked, Signals},
};
use crate::{
    config::Config,
    exit::Exit,
    failure::Failure,
    postgres::{self, Databases},
    secrets::Root,
    version,
};

/// Serves until it is told to stop. A signal before that ends it at once: nothing is half-done, the database sees to that.
///
/// # Errors
/// Those of the start; exit code 1 when a worker or listener ended by itself.
pub async fn run(prepared: Prepared, databases: Databases, pg: Option<&LocalPg>) -> Result<Exit, Failure> {
    let Prepared {
        config,
        args,
        clock,
        listeners,
        certificate,
        root,
        outside,
        secrets,
    } = prepared;
    let mut signals = Signals::listen()?;
    let started = tokio::select! {
        started = start(&config, &databases, root, clock, outside, pg) => started?,
        () = signals.stop() => return Ok(Exit::Ok),
    };
    let (mut service, first_run) = started;
    service.renew(certificate.clone());
    let look = service.keep_new(secrets, &databases, &certificate, config.tls.as_ref());
    let servers = Servers::start(listeners, certificate.served(), service.api(), &config.limits)?;
    let ready = Ready {
        url: format!("https://{}", servers.public),
        admin_url: format!("http://{}", servers.admin),
        ca_cert: certificate.ca_cert(),
        data_dir: &config.data_dir,
        pid: std::process::id(),
        database: databases.kind,
        version: version::VERSION,
        bootstrap: first_run.as_ref().map(|first| &first.bootstrap),
    };
    announce::announce(&ready, first_run.as_ref());
    // After the terminal: who waits for the file finds everything said.
    if let Some(file) = &args.ready_file {
        ready.write(file)?;
    }
    FirstRun::forget(&config.data_dir);
    tracing::info!(listen = %servers.public, admin = %servers.admin, database = databases.kind, "serving");

    let ended = serve(&mut signals, &mut service, &certificate, &look).await;
    tracing::info!("stopping: no new connections, 25 seconds for requests under way");
    service.tell_to_stop();
    // A second signal does not wait.
    tokio::select! {
        () = servers.drain() => {}
        () = signals.stop() => tracing::warn!("told to stop again: requests under way are cut off"),
    }
    service.stop().await;
    tracing::info!("stopped");
    ended
}

async fn start(
    config: &Config,
    databases: &Databases,
    root: Option<Root>,
    clock: Arc<dyn Clock>,
    outside: Outside,
    pg: Option<&LocalPg>,
) -> Result<(Service, Option<FirstRun>), Failure> {
    let Ground {
        keys,
        platform,
        first_run,
    } = match pg {
        Some(pg) => {
            postgres::prepare(pg).await?;
            ground::of_our_own(config, databases, root, &*clock).await?
        }
        None => ground::of_another(config, databases, root).await?,
    };
    Ok((
        Service::assemble(config, databases, &keys, platform, clock, outside).await?,
        first_run,
    ))
}

/// Until a signal says stop, or something that must not end has ended.
async fn serve(
    signals: &mut Signals,
    service: &mut Service,
    certificate: &Certificate,
    look: &watch::Sender<u64>,
) -> Result<Exit, Failure> {
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => return Ok(Exit::Ok),
                Asked::Reload => {
                    certificate.reload();
                    look.send_modify(|count| *count = count.wrapping_add(1));
                }
            },
            why = service.fallen() => {
                tracing::error!(why, "a part of the service ended by itself; stopping the rest");
                return Err(Failure::new(Exit::Failed, "the service stopped", why, "see the log, start it again, report this"));
            }
        }
    }
}
