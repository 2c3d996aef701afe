//! The root key, wherever it is.
use std::sync::Arc;

use keepgate_crypto_keys::{
    BadRecoveryKey, InstanceKey, KeyFile, KeyService, KeyServiceError, Patient, RecoveryKey, Succession,
};

use super::{kek, key_service};
use crate::{
    config::Config,
    exit::Exit,
    failure::{Failure, chain},
};

/// The root key's service, asked with patience. Clones share it.
#[derive(Debug, Clone)]
pub struct Root {
    service: Arc<Patient<dyn KeyService>>,
    file: Option<Arc<KeyFile>>,
    /// Whether `file` is what a service has taken over from.
    former: bool,
}

impl Root {
    /// A key file.
    pub fn of_file(file: KeyFile) -> Self {
        let file = Arc::new(file);
        Self {
            service: Arc::new(Patient::new(file.clone() as Arc<dyn KeyService>)),
            file: Some(file),
            former: false,
        }
    }

    /// A service. What `former`, the key file of before, has wrapped still opens.
    fn of_service(service: Arc<dyn KeyService>, former: Option<KeyFile>) -> Self {
        let file = former.map(Arc::new);
        let service = match &file {
            Some(former) => Arc::new(Succession::new(service, former.clone())) as Arc<dyn KeyService>,
            None => service,
        };
        Self {
            service: Arc::new(Patient::new(service)),
            former: file.is_some(),
            file,
        }
    }

    /// The key service of the configuration; `None` for a key file that is not there (yet).
    ///
    /// # Errors
    /// Exit code 4 for a key file that can't be used, 2 for a service that can't.
    pub fn configured(config: &Config) -> Result<Option<Self>, Failure> {
        let file = kek::load(&config.kek_file)?;
        Ok(match key_service(config)? {
            Some(service) => Some(Self::of_service(service, file)),
            None => file.map(Self::of_file),
        })
    }

    /// To wrap and unwrap with.
    pub fn service(&self) -> Arc<dyn KeyService> {
        self.service.clone()
    }

    /// The key file, where it is the root key.
    pub fn file(&self) -> Option<&KeyFile> {
        self.file.as_deref().filter(|_| !self.former)
    }

    /// The key file that a service has taken over from, while it is still there.
    pub fn former_file(&self) -> Option<&KeyFile> {
        self.file.as_deref().filter(|_| self.former)
    }

    /// The same, to ask how it is.
    pub fn patient(&self) -> Arc<Patient<dyn KeyService>> {
        self.service.clone()
    }

    /// What the installation's secrets were derived from before it had a key for that.
    ///
    /// # Errors
    /// Exit code 4 where there was none: root keys of services came later.
    pub fn former_instance_key(&self) -> Result<InstanceKey, Failure> {
        let file = self.file.as_ref().ok_or_else(|| {
            Failure::new(
                Exit::KeyFile,
                "this database's secrets come from a key file",
                "it was set up with one, and no key of the installation is stored yet",
                "leave that file where `kek_file` says until `keepgate keys rewrap` has moved everything to the service",
            )
        })?;
        file.former_instance_key().map_err(|error| self.failed(&error))
    }

    /// Why the root key is of no use, and what to do.
    pub fn failed(&self, error: &KeyServiceError) -> Failure {
        if error.passes() {
            return Failure::new(
                Exit::Incomplete,
                "the key service does not do its work",
                chain(error),
                "check that it can be reached from here, then start again",
            );
        }
        match error {
            KeyServiceError::WrongKey | KeyServiceError::NoKey => Failure::new(
                Exit::KeyFile,
                match self.file {
                    Some(_) => "this is another installation's key file",
                    None => "this is another installation's root key",
                },
                chain(error),
                match self.file {
                    Some(_) => {
                        "restore the right file from your backup, or name it with `kek_file`; if it is lost for ever, `keepgate keys recover` opens the copies for the recovery key"
                    }
                    None => {
                        "correct `keys.name`; if that key is lost for ever, `keepgate keys recover` opens the copies for the recovery key"
                    }
                },
            ),
            _ => Failure::new(
                Exit::KeyFile,
                "the root key can't be used",
                chain(error),
                "allow this service to wrap and unwrap with it, and keep every version that has wrapped something",
            ),
        }
    }
}

/// The public half of the key that lies in a safe.
///
/// # Errors
/// Exit code 4 when the file of the configuration can't be read, or holds something else.
pub fn recovery_key(config: &Config) -> Result<Option<RecoveryKey>, Failure> {
    let Some(path) = &config.root_key.recovery_key else {
        return Ok(None);
    };
    let failed = |why: String| {
        Failure::new(
            Exit::KeyFile,
            format!("can't use the recovery key {}", path.display()),
            why,
            "put the public half there, one line that begins with keepgate-recovery-public-v1:, or leave keys.recovery_key out",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    text.parse()
        .map(Some)
        .map_err(|error: BadRecoveryKey| failed(error.to_string()))
}
