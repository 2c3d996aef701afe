//! Renews the certificate while it is served.
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum_server::tls_rustls::RustlsConfig;
use keepgate_kernel::Clock;

use crate::{failure::Failure, tls::Identity};

/// How often it is looked at.
pub const EVERY: Duration = Duration::from_hours(12);

/// The certificate in use.
#[derive(Clone)]
pub struct Certificate {
    identity: Identity,
    clock: Arc<dyn Clock>,
    served: RustlsConfig,
    /// The digest of the files that are served.
    seen: Arc<Mutex<Option<[u8; 32]>>>,
}

impl Certificate {
    /// Loads it for the first time.
    ///
    /// # Errors
    /// As [`Identity::load`].
    pub fn load(identity: Identity, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let seen = Arc::new(Mutex::new(identity.digest()));
        let served = RustlsConfig::from_config(identity.load(clock.now())?);
        Ok(Self {
            identity,
            clock,
            served,
            seen,
        })
    }

    /// What the listener serves; changes when the certificate is loaded again.
    pub fn served(&self) -> RustlsConfig {
        self.served.clone()
    }

    /// The certificate that clients should trust, if it is not a public one.
    pub fn ca_cert(&self) -> Option<PathBuf> {
        self.identity.ca_cert()
    }

    /// Loads it again if its files are others than those in use.
    pub fn reload_if_changed(&self) {
        let now = self.identity.digest();
        let before = std::mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), now);
        if now != before && now.is_some() {
            tracing::info!("the certificate's files have changed");
            self.reload();
        }
    }

    /// Loads it again. The one in use stays when that fails.
    pub fn reload(&self) {
        match self.identity.load(self.clock.now()) {
            Ok(config) => self.served.reload_from_config(config),
            Err(failure) => tracing::error!(
                why = failure.why(),
                "the certificate can't be loaded again; the old one stays"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::FixedClock;

    use super::*;

    fn at(day: &str) -> Arc<dyn Clock> {
        Arc::new(FixedClock(format!("{day}T12:00:00Z").parse().unwrap()))
    }

    #[test]
    fn a_certificate_that_runs_out_is_exchanged_while_it_is_served() {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::Development(dir.path().to_owned());
        let early = Certificate::load(identity.clone(), at("2026-03-01")).unwrap();
        let late = Certificate {
            clock: at("2026-05-15"),
            ..early.clone()
        };
        let before = early.served().get_inner();
        late.reload();
        assert!(!Arc::ptr_eq(&before, &early.served().get_inner()));
    }

    #[test]
    fn the_certificate_in_use_stays_when_the_new_one_is_unusable() {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::Development(dir.path().to_owned());
        let certificate = Certificate::load(identity, at("2026-03-01")).unwrap();
        let before = certificate.served().get_inner();
        let key = dir.path().join("ca.key");
        std::fs::remove_file(&key).unwrap();
        std::fs::create_dir(&key).unwrap();
        certificate.reload();
        assert!(Arc::ptr_eq(&before, &certificate.served().get_inner()));
    }
}
