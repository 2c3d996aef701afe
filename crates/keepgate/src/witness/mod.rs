//! `keepgate witness`: cosigns other people's logs. It shares nothing with a gateway: its own directory, key and listener.
mod keys;

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum_server::{Handle, tls_rustls::RustlsConfig};
use keepgate_api_gateway::witness_router;
use keepgate_kernel::{Clock, SystemClock};
use keepgate_merkle::{note::VerifierKey, witness::KnownLog};
use keepgate_witness::{DirectoryStore, StoreError, Witness};

use crate::{
    cli::WitnessArgs,
    config::{Log, LogFormat, TlsFiles},
    exit::Exit,
    failure::{Failure, chain},
    log,
    secrets::{create_private_dir, write_private},
    serve::{Signals, limit, take},
    terminal,
    tls::Identity,
};

/// How long requests under way may take once it is told to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a client may take to send its headers.
const HEADERS: Duration = Duration::from_secs(10);

/// Serves until it is told to stop.
///
/// # Errors
/// Exit code 2 for arguments that make no sense, 4 for the key, 5 for a port in use, 9 for a directory in use.
pub fn run(args: &WitnessArgs) -> Result<Exit, Failure> {
    log::start(&Log {
        level: "info".to_owned(),
        format: LogFormat::Auto,
    });
    crate::serve::runtime()?.block_on(serve(args))
}

async fn serve(args: &WitnessArgs) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let chain = read_tls(args)?;
    let listener = take(args.listen, "--listen")?;
    let witness = Arc::new(open(args)?);
    let address = listener
        .local_addr()
        .map_err(|error| Failure::io("can't listen", &error))?;
    let handle = Handle::new();
    let failed = |error: io::Error| Failure::io("can't serve", &error);
    let service = witness_router(witness.clone()).into_make_service();
    let serving = match chain {
        Some(config) => {
            let mut server = axum_server::from_tcp_rustls(listener, config)
                .map_err(failed)?
                .handle(handle.clone());
            limit(server.http_builder(), HEADERS);
            tokio::spawn(server.serve(service))
        }
        None => {
            let mut server = axum_server::from_tcp(listener).map_err(failed)?.handle(handle.clone());
            limit(server.http_builder(), HEADERS);
            tokio::spawn(server.serve(service))
        }
    };
    announce(args, &witness, address)?;
    signals.stop().await;
    handle.graceful_shutdown(Some(DRAIN));
    let _ = serving.await;
    Ok(Exit::Ok)
}

/// The witness, its key made on the first start.
fn open(args: &WitnessArgs) -> Result<Witness, Failure> {
    create_private_dir(&args.dir).map_err(|error| Failure::io(format!("can't make {}", args.dir.display()), &error))?;
    let store = DirectoryStore::open(&args.dir.join("logs")).map_err(|error| unusable(&args.dir, &error))?;
    let cosigners = keys::cosigners(&args.dir, &args.name)?;
    let mut logs: Vec<KnownLog> = Vec::new();
    for key in &args.log {
        add(&mut logs, key);
    }
    Witness::new(logs, cosigners, Box::new(store), Arc::new(SystemClock)).map_err(|error| {
        Failure::usage(
            "can't be a witness",
            error.to_string(),
            "correct --log, the verifier keys of the logs",
        )
    })
}

/// Several keys of one log are one log, as while its keys change.
fn add(logs: &mut Vec<KnownLog>, key: &VerifierKey) {
    let origin = key.name().as_str();
    match logs.iter_mut().find(|log| log.origin == origin) {
        Some(log) => log.keys.push(key.clone()),
        None => logs.push(KnownLog {
            origin: origin.to_owned(),
            keys: vec![key.clone()],
        }),
    }
}

fn unusable(dir: &Path, error: &StoreError) -> Failure {
    let what = format!("can't use {}", dir.display());
    match error {
        StoreError::InUse(_) => Failure::new(
            Exit::DataDirInUse,
            what,
            error.to_string(),
            "stop the other witness, or name another directory with --dir",
        ),
        _ => Failure::new(Exit::Failed, what, chain(error), "check the directory and who owns it"),
    }
}

fn read_tls(args: &WitnessArgs) -> Result<Option<RustlsConfig>, Failure> {
    match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => {
            let files = TlsFiles {
                cert: cert.clone(),
                key: key.clone(),
            };
            let config = Identity::Own(files).load(SystemClock.now())?;
            Ok(Some(RustlsConfig::from_config(config)))
        }
        _ if args.listen.ip().is_loopback() => Ok(None),
        _ => Err(Failure::usage(
            "can't listen without TLS",
            format!("{} is not loopback", args.listen),
            "name a certificate with --tls-cert and --tls-key, or put a proxy before it and listen on 127.0.0.1",
        )),
    }
}

/// Says where it is and whose keys are its own: what its operator gives to those who rely on it.
fn announce(args: &WitnessArgs, witness: &Witness, address: SocketAddr) -> Result<(), Failure> {
    let scheme = if args.tls_cert.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{address}");
    let keys: Vec<String> = witness.keys().map(ToString::to_string).collect();
    terminal::say(&format!("witness {} serves {url}", args.name));
    for key in &keys {
        terminal::say(&format!("  {key}"));
    }
    let Some(path) = &args.ready_file else { return Ok(()) };
    let failed = |error: &io::Error| Failure::io(format!("can't write the ready file {}", path.display()), error);
    let ready =
        serde_json::json!({"url": url, "keys": keys, "pid": std::process::id(), "version": env!("CARGO_PKG_VERSION")});
    let path = std::path::absolute(path).map_err(|error| failed(&error))?;
    write_private(&path, format!("{ready:#}").as_bytes()).map_err(|error| failed(&error))
}
