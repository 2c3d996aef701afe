//! RFC 5424 messages over TLS, framed by octet counting (RFC 5425).
//!
//! Syslog has no acknowledgement. What comes nearest is an orderly end: after a batch we close our side of TLS, and the receiver, which
//! reads in order, closes its own when it has read everything. Only then does the place move.
use std::sync::Arc;

use keepgate_kernel::{Outcome, format_time};
use keepgate_outward::{ConnectError, Reach, Trust, connect};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::{broken, distrusts, later};
use crate::sink::{Destination, Parcel, Record, Sent, SinkSecret, Target};

/// "Log audit", RFC 5424 section 6.2.1.
const FACILITY: u8 = 13;
/// The private enterprise number that RFC 5612 keeps for documentation: we have none of our own.
const SD_ID: &str = "keepgate@32473";

pub(super) async fn send(host: &str, port: u16, to: &Destination, parcel: &Parcel, reach: &Reach) -> Sent {
    let config = match config(to) {
        Ok(config) => config,
        Err(reason) => return broken(reason),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let Ok(name) = ServerName::try_from(host.to_owned()) else {
        return broken("invalid-host");
    };
    let stream = match connect(host, port, reach).await {
        Ok(stream) => stream,
        Err(ConnectError::NotPublic) => return broken("address-not-public"),
        Err(ConnectError::Unreachable) => return later("unreachable"),
        Err(ConnectError::Timeout) => return later("timeout"),
    };
    let frames: String = parcel
        .records(to.sink)
        .iter()
        .map(|record| frame(&message(&parcel.origin, record)))
        .collect();
    match hand_over(TlsConnector::from(Arc::new(config)), name, stream, frames.as_bytes()).await {
        Ok(()) => Sent::Accepted,
        Err(error) if distrusts(&error) => broken("certificate-not-trusted"),
        Err(_) => later("connection-broken"),
    }
}

async fn hand_over(
    connector: TlsConnector,
    name: ServerName<'static>,
    stream: tokio::net::TcpStream,
    bytes: &[u8],
) -> std::io::Result<()> {
    let mut tls = connector.connect(name, stream).await?;
    tls.write_all(bytes).await?;
    tls.flush().await?;
    tls.shutdown().await?;
    // A receiver says nothing; whatever it says is not kept. A connection that just ends has not confirmed anything.
    let mut said = [0; 256];
    while tls.read(&mut said).await? > 0 {}
    Ok(())
}

/// TLS as the destination wants it.
pub(super) fn config(to: &Destination) -> Result<ClientConfig, &'static str> {
    let Target::Syslog { client_cert_pem, .. } = &to.target else {
        return Err("invalid-target");
    };
    let trust = Trust::from_pem(to.target.ca_pem()).map_err(|_| "certificates-unreadable")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| "client-unavailable")?;
    let builder = match trust {
        Trust::Public => builder.with_platform_verifier().map_err(|_| "client-unavailable")?,
        Trust::Only(roots) => {
            let mut store = RootCertStore::empty();
            for root in roots {
                store.add(root).map_err(|_| "certificates-unreadable")?;
            }
            builder.with_root_certificates(store)
        }
    };
    match (client_cert_pem, &to.secret) {
        (None, _) => Ok(builder.with_no_client_auth()),
        (Some(chain), Some(SinkSecret::ClientKey(key))) => {
            let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
                .collect::<Result<_, _>>()
                .map_err(|_| "client-certificate-unreadable")?;
            let key =
                PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes()).map_err(|_| "client-key-unreadable")?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|_| "client-key-unreadable")
        }
        _ => Err("client-key-unreadable"),
    }
}

/// Octet counting, RFC 5425 section 4.3.
fn frame(message: &str) -> String {
    format!("{} {message}", message.len())
}

/// RFC 5424 section 6. The record is the message; log, index and hash are structured data as well.
fn message(origin: &str, record: &Record) -> String {
    let severity = match record.outcome {
        Outcome::Done => 6,
        Outcome::Refused => 5,
        Outcome::Failed => 3,
    };
    let host: String = printable(origin.split('/').next().unwrap_or_default(), 255);
    let id = printable(&record.action, 32);
    let place = record.place.as_ref().map_or_else(String::new, |(index, hash)| {
        format!(" index=\"{index}\" leaf_hash=\"{hash}\"")
    });
    format!(
        "<{}>1 {} {host} keepgate - {id} [{SD_ID} origin=\"{}\"{place}] {}",
        FACILITY * 8 + severity,
        format_time(record.at),
        escaped(origin),
        record.text
    )
}

/// `PRINTUSASCII`, at most `most` of it; the nil value if there is none.
fn printable(text: &str, most: usize) -> String {
    let text: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

/// A parameter's value, RFC 5424 section 6.3.3.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_rfc_5424_says() {
        let record = Record {
            place: Some((7, "ab".into())),
            at: "2026-01-02T03:04:05.000006Z".parse().unwrap(),
            action: "message.accept".into(),
            outcome: Outcome::Refused,
            text: "{\"a\":1}".into(),
        };
        assert_eq!(
            message("gate.example/audit/x", &record),
            "<109>1 2026-01-02T03:04:05.000006Z gate.example keepgate - message.accept [keepgate@32473 origin=\"gate.example/audit/x\" index=\"7\" leaf_hash=\"ab\"] {\"a\":1}"
        );
        assert_eq!(frame("äx"), "3 äx", "octets are counted, not characters");
        assert_eq!(escaped("a\"b]c\\"), "a\\\"b\\]c\\\\");
        assert_eq!(
            (printable("", 9), printable("a b\n", 2)),
            ("-".to_owned(), "ab".to_owned())
        );
    }
}
