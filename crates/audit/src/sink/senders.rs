//! What reaches out to receivers: each try once, within 20 seconds, to no address out of reach.
mod https;
mod s3;
mod syslog;

use std::{
    collections::HashMap,
    error::Error,
    io,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use keepgate_outward::{Guard, Reach, Trust, client, is_not_public, may_lead_to};
use reqwest::Client;
use url::{Host, Url};

use super::{Destination, Parcel, Sent, SinkSender, Target, decide::LONGEST};

/// How many sets of authorities clients are kept for.
const CLIENTS: usize = 64;

/// The senders of one process.
#[derive(Debug)]
pub struct Senders {
    reach: Reach,
    clients: Mutex<HashMap<Trust, Client>>,
}

impl Senders {
    /// Senders that go to public addresses and to what the operator puts within `reach`.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            clients: Mutex::default(),
        }
    }

    /// A client for each set of authorities: connections are kept.
    fn client(&self, trust: Trust) -> Result<Client, &'static str> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&trust) {
            return Ok(client.clone());
        }
        let resolver = Guard::resolver(self.reach.clone());
        let made = client(Some(resolver), &trust).map_err(|_| "client-unavailable")?;
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        clients.insert(trust, made.clone());
        Ok(made)
    }

    fn http(&self, target: &Target, url: &str) -> Result<(Client, Url), &'static str> {
        let url = Url::parse(url).map_err(|_| "invalid-url")?;
        if !may_lead_to(&url, &self.reach) {
            return Err("address-not-public");
        }
        let trust = Trust::from_pem(target.ca_pem()).map_err(|_| "certificates-unreadable")?;
        Ok((self.client(trust)?, url))
    }
}

#[async_trait]
impl SinkSender for Senders {
    fn check(&self, to: &Destination) -> Result<(), &'static str> {
        match &to.target {
            Target::Https { url, .. } | Target::S3 { endpoint: url, .. } => self.http(&to.target, url).map(drop),
            Target::Syslog { host, .. } => {
                let literal = match Host::parse(host) {
                    Ok(Host::Ipv4(ip)) => Some(ip.into()),
                    Ok(Host::Ipv6(ip)) => Some(ip.into()),
                    _ => None,
                };
                if literal.is_some_and(|ip| !keepgate_outward::allowed(ip, &self.reach)) {
                    return Err("address-not-public");
                }
                syslog::config(to).map(drop)
            }
        }
    }

    async fn send(&self, to: &Destination, parcel: &Parcel) -> Sent {
        let sent = async {
            match &to.target {
                Target::Https { url, auth, .. } => match self.http(&to.target, url) {
                    Ok((client, url)) => https::send(&client, url, *auth, to, parcel).await,
                    Err(reason) => broken(reason),
                },
                Target::S3 { endpoint, .. } => match self.http(&to.target, endpoint) {
                    Ok((client, endpoint)) => s3::send(&client, endpoint, to, parcel).await,
                    Err(reason) => broken(reason),
                },
                Target::Syslog { host, port, .. } => syslog::send(host, *port, to, parcel, &self.reach).await,
            }
        };
        tokio::time::timeout(LONGEST, sent)
            .await
            .unwrap_or_else(|_| later("timeout"))
    }
}

fn broken(reason: &str) -> Sent {
    Sent::Broken(reason.to_owned())
}

fn later(reason: &str) -> Sent {
    Sent::Later {
        reason: reason.to_owned(),
        retry_after: None,
    }
}

/// What a request that got no answer means.
fn unanswered(error: &reqwest::Error) -> Sent {
    if is_not_public(error) {
        broken("address-not-public")
    } else if error.is_builder() {
        broken("invalid-request")
    } else if distrusts(error) {
        broken("certificate-not-trusted")
    } else if error.is_timeout() {
        later("timeout")
    } else if error.is_connect() {
        later("unreachable")
    } else {
        later("connection-broken")
    }
}

/// Whether a certificate was what it failed at, ours or theirs.
fn distrusts(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = inner
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .or_else(|| error.downcast_ref());
        if tls.is_some_and(about_certificates) {
            return true;
        }
        next = error.source();
    }
    false
}

fn about_certificates(error: &rustls::Error) -> bool {
    use rustls::AlertDescription as Alert;
    matches!(
        error,
        rustls::Error::InvalidCertificate(_)
            | rustls::Error::AlertReceived(
                Alert::BadCertificate
                    | Alert::UnsupportedCertificate
                    | Alert::CertificateRevoked
                    | Alert::CertificateExpired
                    | Alert::CertificateUnknown
                    | Alert::CertificateRequired
                    | Alert::UnknownCA
                    | Alert::AccessDenied
            )
    )
}

#[cfg(test)]
#[path = "senders/tests.rs"]
mod tests;
