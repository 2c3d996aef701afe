//! The operator's own certificate.
use std::fs;

use super::files::{Chain, parse};
use crate::{config::TlsFiles, exit::Exit, failure::Failure, secrets::PrivateFile};

/// Reads both files; the key's must be private and ours.
pub fn read(files: &TlsFiles) -> Result<Chain, Failure> {
    let key = PrivateFile::open_linked(&files.key)
        .and_then(PrivateFile::read)
        .map_err(|error| {
            Failure::new(
                Exit::KeyFile,
                "can't use the TLS key (tls.key_file)",
                error.to_string(),
                error.help(),
            )
        })?;
    let certs = fs::read(&files.cert).map_err(|error| {
        Failure::usage(
            format!("can't read the TLS certificate {}", files.cert.display()),
            error.to_string(),
            "correct tls.cert_file, or remove [tls] to use a development certificate",
        )
    })?;
    parse(&certs, &key).map_err(|why| {
        Failure::usage(
            "can't use the TLS certificate",
            why,
            "tls.cert_file and tls.key_file must both be PEM files",
        )
    })
}
