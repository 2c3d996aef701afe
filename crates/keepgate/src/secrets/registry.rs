//! Every secret of the configuration as it is now, kept new while the service runs.
use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use futures_util::future::join_all;
use keepgate_crypto_keys::Secret;
use keepgate_kernel::LiveSecret;
use tokio::sync::watch;

use super::{
    FileWatch, Place, SecretHealth, SecretRef, Trouble,
    stores::{Stores, text},
};
use crate::{config::Config, exit::Exit, failure::Failure};

/// For so long after a change what others sign with the former value is believed, and the former is tried when the new is refused.
const OVERLAP: Duration = Duration::from_mins(10);
/// After a secret could not be read.
const SOON: Duration = Duration::from_secs(1);
/// A service that stays away is asked once in so long.
const AT_LAST: Duration = Duration::from_mins(1);

/// The secrets of one configuration.
pub struct Secrets {
    stores: Arc<Stores>,
    held: HashMap<SecretRef, Held>,
    files: Arc<FileWatch>,
    changed: watch::Sender<u64>,
    look: watch::Sender<u64>,
    health: SecretHealth,
}

/// One of them.
#[derive(Clone)]
struct Held {
    /// The keys of the configuration that name it.
    keys: Vec<String>,
    live: LiveSecret,
    version: String,
}

impl Secrets {
    /// Reads every secret that `config` refers to.
    ///
    /// # Errors
    /// Exit code 4 with every secret that can't be read; 2 for a section that can't be used.
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        Self::open_some(config, |_| true).await
    }

    /// The same for the keys that are `wanted`.
    ///
    /// # Errors
    /// As [`Secrets::open`].
    pub async fn open_some(config: &Config, wanted: impl Fn(&str) -> bool) -> Result<Self, Failure> {
        let files = Arc::new(FileWatch::new());
        let stores = Arc::new(Stores::of(config, files.clone())?);
        let mut named: Vec<(SecretRef, Vec<String>)> = Vec::new();
        for (key, reference) in config.secrets().into_iter().filter(|(key, _)| wanted(key)) {
            match named.iter_mut().find(|(known, _)| known == reference) {
                Some((_, keys)) => keys.push(key),
                None => named.push((reference.clone(), vec![key])),
            }
        }
        let read = named.iter().map(|(reference, _)| async {
            let secret = stores.read(reference).await?;
            Ok((text(reference, &secret)?, secret.version))
        });
        let answers: Vec<Result<_, Trouble>> = join_all(read).await;
        let (mut held, mut troubles) = (HashMap::new(), Vec::new());
        for ((reference, keys), answer) in named.into_iter().zip(answers) {
            match answer {
                Ok((value, version)) => {
                    let live = value.into();
                    held.insert(reference, Held { keys, live, version });
                }
                Err(trouble) => troubles.push((keys.join(", "), trouble)),
            }
        }
        refuse(&troubles)?;
        Ok(Self {
            stores,
            held,
            files,
            changed: watch::Sender::new(0),
            look: watch::Sender::new(0),
            health: SecretHealth::default(),
        })
    }

    /// The secret behind `reference`, which is one of the configuration.
    ///
    /// # Errors
    /// Exit code 4 for one that was not read: a mistake of ours.
    pub fn live(&self, reference: &SecretRef) -> Result<LiveSecret, Failure> {
        let held = self.held.get(reference).map(|held| held.live.clone());
        held.ok_or_else(|| {
            Failure::new(
                Exit::KeyFile,
                "can't use a secret",
                format!("{reference} was not read"),
                "report this",
            )
        })
    }

    /// What is wrong with them.
    pub fn health(&self) -> SecretHealth {
        self.health.clone()
    }

    /// Changes whenever a secret has.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Tells of changed files.
    pub fn files(&self) -> Arc<FileWatch> {
        self.files.clone()
    }

    /// Rung to have every secret looked at now.
    pub fn look(&self) -> watch::Sender<u64> {
        self.look.clone()
    }

    /// Keeps them new until `stop`.
    pub fn keep_new(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let keepers: Vec<_> = self
            .held
            .into_iter()
            .map(|(reference, held)| Keeper {
                stores: self.stores.clone(),
                reference,
                held,
                changed: self.changed.clone(),
                look: self.look.subscribe(),
                health: self.health.clone(),
            })
            .map(Keeper::run)
            .collect();
        // As long as somebody may ring.
        let bell = self.look;
        async move {
            let _bell = bell;
            let keeping = async {
                join_all(keepers).await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = stop => {}
                () = keeping => {}
            }
        }
    }
}

fn refuse(troubles: &[(String, Trouble)]) -> Result<(), Failure> {
    let Some((_, first)) = troubles.first() else {
        return Ok(());
    };
    let what = match troubles.len() {
        1 => "can't read a secret of the configuration".to_owned(),
        count => format!("can't read {count} secrets of the configuration"),
    };
    let line = |(keys, trouble): &(String, Trouble)| format!("{keys}: {trouble}; {}", trouble.help());
    let why: Vec<String> = troubles.iter().map(line).collect();
    let help = match troubles.len() {
        1 => first.help(),
        _ => "do what stands behind each; `keepgate secrets check` looks at all of them".to_owned(),
    };
    Err(Failure::new(Exit::KeyFile, what, why.join("\n"), help))
}

/// Keeps one secret new.
struct Keeper {
    stores: Arc<Stores>,
    reference: SecretRef,
    held: Held,
    changed: watch::Sender<u64>,
    look: watch::Receiver<u64>,
    health: SecretHealth,
}

impl Keeper {
    async fn run(mut self) {
        let mut pause = None;
        loop {
            let answer = self.next(pause).await;
            let answer = answer.and_then(|secret| self.take(&secret));
            let key = self.held.keys.join(", ");
            pause = match answer {
                Ok(()) => {
                    self.health.well(&key);
                    None
                }
                Err(trouble) => {
                    self.health.tell(&key, &format!("{trouble}; {}", trouble.help()));
                    Some(self.longer(pause))
                }
            };
        }
    }

    /// Another value than the one in use; after a failure, whatever is there when the pause is over.
    async fn next(&mut self, pause: Option<Duration>) -> Result<Secret, Trouble> {
        match pause {
            None => tokio::select! {
                answer = self.stores.watch(&self.reference, &self.held.version) => return answer,
                _ = self.look.changed() => {}
            },
            Some(pause) => tokio::select! {
                () = tokio::time::sleep(pause.mul_f64(rand::random_range(0.8..1.0))) => {}
                _ = self.look.changed() => {}
            },
        }
        self.stores.get(&self.reference).await
    }

    /// Looking at a file costs nothing.
    fn longer(&self, pause: Option<Duration>) -> Duration {
        match pause {
            Some(pause) if self.reference.place() != Place::File => (pause * 2).min(AT_LAST),
            _ => SOON,
        }
    }

    fn take(&mut self, secret: &Secret) -> Result<(), Trouble> {
        let value = text(&self.reference, secret)?;
        self.held.version.clone_from(&secret.version);
        if self.held.live.turn(value, OVERLAP) {
            let keys = self.held.keys.join(", ");
            metrics::counter!("keepgate_secret_changes").increment(1);
            tracing::info!(keys, version = self.held.version, "a secret has changed");
            self.changed.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::{super::write_private, *};
    use crate::config::parsed;

    fn provider(dir: &std::path::Path) -> Config {
        parsed(&format!(
            "[mail]\nhost = \"localhost\"\nsecurity = \"none\"\nfrom = \"a@b.example\"\nusername = \"u\"\n\
             password = \"secret://file{}\"",
            dir.join("password").display()
        ))
    }

    fn reference(config: &Config) -> SecretRef {
        config.mail.as_ref().unwrap().login.as_ref().unwrap().1.clone()
    }

    async fn until(changed: &mut watch::Receiver<u64>) {
        tokio::time::timeout(Duration::from_secs(10), changed.changed())
            .await
            .unwrap()
            .unwrap();
    }

    #[tokio::test]
    async fn a_new_value_is_taken_a_broken_one_told_and_the_old_one_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        write_private(&path, b"one\n").unwrap();
        let config = provider(dir.path());
        let secrets = Secrets::open(&config).await.unwrap();
        let (live, mut changed, health) = (
            secrets.live(&reference(&config)).unwrap(),
            secrets.changed(),
            secrets.health(),
        );
        let keeping = tokio::spawn(secrets.keep_new(std::future::pending()));
        write_private(&path, b"two\n").unwrap();
        until(&mut changed).await;
        assert_eq!(live.current().expose_secret(), "two");
        assert_eq!(live.former().unwrap().expose_secret(), "one");
        write_private(&path, b"\n").unwrap();
        while keepgate_api_gateway::Probe::warning(&health).is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(live.current().expose_secret(), "two", "the old one stays");
        write_private(&path, b"three\n").unwrap();
        until(&mut changed).await;
        assert_eq!(live.current().expose_secret(), "three");
        while keepgate_api_gateway::Probe::warning(&health).is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        keeping.abort();
    }

    #[tokio::test]
    async fn every_secret_that_can_t_be_read_is_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let entry = |name: &str| {
            format!(
                "[[providers]]\nname = \"{name}\"\nkind = \"twilio\"\nchannels = [\"sms\"]\naccount_sid = \"AC0\"\n\
                 auth_token = \"secret://file{}/{name}\"\nfrom = \"+15005550006\"\ncallback_base = \"https://gw.example\"\n",
                dir.path().display()
            )
        };
        let config = parsed(&[entry("a"), entry("b"), entry("c")].concat());
        write_private(&dir.path().join("b"), b"token").unwrap();
        write_private(&dir.path().join("c"), b"").unwrap();
        let said = Secrets::open(&config).await.err().unwrap();
        assert_eq!(said.exit, Exit::KeyFile);
        let said = said.to_string();
        for wanted in [
            "2 secrets",
            "providers[a].auth_token",
            "does not exist",
            "providers[c].auth_token",
            "is empty",
        ] {
            assert!(said.contains(wanted), "{said}");
        }
        assert!(!said.contains("providers[b]"), "{said}");
    }
}
