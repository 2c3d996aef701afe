//! The two listeners, served.
use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use axum_server::{Handle, accept::NoDelayAcceptor, tls_rustls::RustlsConfig};
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};
use keepgate_api_gateway::{Api, admin_router, router};
use tokio::task::JoinHandle;

use super::listen::Listeners;
use crate::{config::Limits, failure::Failure};

/// How long requests under way may take once the service is told to stop.
const DRAIN: Duration = Duration::from_secs(25);
/// An HTTP/2 client that answers no ping for so long is gone.
const PING: Duration = Duration::from_secs(20);

/// Both listeners at work.
pub struct Servers {
    /// Where HTTPS is served.
    pub public: SocketAddr,
    /// Where metrics and health are served.
    pub admin: SocketAddr,
    running: [(Handle<SocketAddr>, JoinHandle<io::Result<()>>); 2],
}

impl Servers {
    /// Starts to accept.
    ///
    /// # Errors
    /// Those of the sockets.
    pub fn start(listeners: Listeners, tls: RustlsConfig, api: Api, limits: &Limits) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io("can't serve", &error);
        let public = listeners.public.local_addr().map_err(failed)?;
        let admin = listeners.admin.local_addr().map_err(failed)?;
        let admin_server = start_admin(listeners.admin, api.clone(), limits).map_err(failed)?;
        let public_server = start_public(listeners.public, tls, api, limits).map_err(failed)?;
        Ok(Self {
            public,
            admin,
            running: [public_server, admin_server],
        })
    }

    /// Stops accepting, and waits until the requests under way are answered, 25 seconds at most.
    pub async fn drain(self) {
        let [(public, public_task), (admin, admin_task)] = self.running;
        public.graceful_shutdown(Some(DRAIN));
        let _ = public_task.await;
        // Last, so that `/readyz` says what is going on until the end.
        admin.graceful_shutdown(Some(Duration::from_secs(1)));
        let _ = admin_task.await;
    }
}

type Running = (Handle<SocketAddr>, JoinHandle<io::Result<()>>);

fn start_public(listener: TcpListener, tls: RustlsConfig, api: Api, limits: &Limits) -> io::Result<Running> {
    let handle = Handle::new();
    // Without it an answer of two writes waits for the client's delayed acknowledgement: 40 ms.
    let mut server = axum_server::from_tcp_rustls(listener, tls)?
        .map(|tls| tls.acceptor(NoDelayAcceptor::new()))
        .handle(handle.clone());
    limit(server.http_builder(), limits.header_timeout);
    let service = router(api).into_make_service_with_connect_info::<SocketAddr>();
    Ok((handle, tokio::spawn(server.serve(service))))
}

fn start_admin(listener: TcpListener, api: Api, limits: &Limits) -> io::Result<Running> {
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?.handle(handle.clone());
    limit(server.http_builder(), limits.header_timeout);
    Ok((
        handle,
        tokio::spawn(server.serve(admin_router(api).into_make_service())),
    ))
}

/// Slow and vanished clients cost a connection for a limited time; without a timer hyper would wait for ever.
pub fn limit(builder: &mut Builder<TokioExecutor>, header_timeout: Duration) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(100);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(256)
        .max_header_list_size(32 * 1024);
}
