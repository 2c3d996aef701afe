//! TLS as the listener speaks it: 1.3 and 1.2, HTTP/2 and HTTP/1.1.
use std::sync::Arc;

use rustls::ServerConfig;

use super::files::Chain;
use crate::failure::{Failure, chain as told};

/// Names the one crypto library, first thing in the process: with two in the graph rustls would not choose.
pub fn install_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A key that does not belong to the certificate is found here.
pub fn config(chain: Chain) -> Result<Arc<ServerConfig>, Failure> {
    install_provider();
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let config = ServerConfig::builder_with_protocol_versions(&versions).with_no_client_auth();
    let mut config = config.with_single_cert(chain.certs, chain.key).map_err(|error| {
        Failure::usage(
            "can't use the TLS certificate",
            told(&error),
            "check that the key belongs to the certificate",
        )
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
