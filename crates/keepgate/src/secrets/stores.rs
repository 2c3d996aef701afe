//! The stores of the configuration's secrets.
use std::{sync::Arc, time::Duration};

use keepgate_crypto_keys::{Secret, SecretStore};
use secrecy::SecretString;

use super::{FileSecrets, FileWatch, Place, SecretRef, Trouble, files, services};
use crate::{config::Config, failure::Failure};

/// How often a service is asked at the start, and how long is waited after the first time; each wait is twice the one before.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);

/// Files, and the services that the configuration names.
pub struct Stores {
    file: FileSecrets,
    openbao: Option<Arc<dyn SecretStore>>,
    aws: Option<Arc<dyn SecretStore>>,
    gcp: Option<Arc<dyn SecretStore>>,
}

impl Stores {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// Exit code 2 for a section that can't be used.
    pub fn of(config: &Config, watch: Arc<FileWatch>) -> Result<Self, Failure> {
        Ok(Self {
            file: FileSecrets::new(watch),
            openbao: services::openbao(config)?.map(|openbao| Arc::new(openbao.secrets()) as Arc<dyn SecretStore>),
            aws: services::aws(config)?.map(|aws| Arc::new(aws.secrets()) as Arc<dyn SecretStore>),
            gcp: services::gcp(config)?.map(|gcp| Arc::new(gcp.secrets()) as Arc<dyn SecretStore>),
        })
    }

    /// The newest value, or the pinned one; a service that is busy is asked a few times.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn read(&self, reference: &SecretRef) -> Result<Secret, Trouble> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.get(reference).await {
                Err(trouble) if trouble.passes() => {
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
                    pause *= 2;
                }
                answer => return answer,
            }
        }
        self.get(reference).await
    }

    /// The same, asked once.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn get(&self, reference: &SecretRef) -> Result<Secret, Trouble> {
        let Some((store, remote)) = self.store(reference).zip(reference.remote()) else {
            let path = reference.path().unwrap_or_else(|| std::path::Path::new(""));
            return files::read(path).map_err(Trouble::File);
        };
        let answer = store.get(&remote.name, remote.version.as_deref()).await;
        answer.map_err(|error| Trouble::Store(reference.place(), error))
    }

    /// Waits for another version than `known`.
    ///
    /// # Errors
    /// [`Trouble`], which ends the wait.
    pub async fn watch(&self, reference: &SecretRef, known: &str) -> Result<Secret, Trouble> {
        let place = reference.place();
        let answer = match (self.store(reference).zip(reference.remote()), reference.path()) {
            (Some((_, remote)), _) if remote.version.is_some() => std::future::pending().await,
            (Some((store, remote)), _) => store.watch(&remote.name, known).await,
            (None, Some(path)) => match self.file.watch(&path.to_string_lossy(), known).await {
                Ok(secret) => return Ok(secret),
                // Once more, for the words that go with a file.
                Err(_) => return files::read(path).map_err(Trouble::File),
            },
            (None, None) => std::future::pending().await,
        };
        answer.map_err(|error| Trouble::Store(place, error))
    }

    /// A configuration has the section of every store that it refers to.
    fn store(&self, reference: &SecretRef) -> Option<&Arc<dyn SecretStore>> {
        match reference.place() {
            Place::File => None,
            Place::OpenBao => self.openbao.as_ref(),
            Place::Aws => self.aws.as_ref(),
            Place::Gcp => self.gcp.as_ref(),
        }
    }
}

/// The text of a secret: without the line's end, never empty.
///
/// # Errors
/// [`Trouble::Unfit`].
pub fn text(reference: &SecretRef, secret: &Secret) -> Result<SecretString, Trouble> {
    let unfit = |why| Trouble::Unfit(reference.clone(), why);
    let text = std::str::from_utf8(&secret.value).map_err(|_| unfit("what is there is not UTF-8 text"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(unfit("what is there is empty")),
        text if text.contains(['\r', '\n', '\0']) => Err(unfit("what is there has several lines")),
        text => Ok(text.to_owned().into()),
    }
}
