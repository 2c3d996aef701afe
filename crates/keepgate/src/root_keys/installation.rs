//! The database of an installation, as the service's own roles reach it, whether it serves or not.
use std::sync::Arc;

use keepgate_crypto_keys::{RecoveryKey, rewrap::RootUse};
use keepgate_kernel::{Clock, RequestId, SystemClock, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::{PgStore, StoreError, postgres::pool};

use super::Workbench;
use crate::{
    config::Config,
    embedded::{Attached, DATABASE},
    environment::Environment,
    exit::Exit,
    failure::{Failure, chain},
    postgres::{self, Databases, Link},
    secrets::{Root, recovery_key},
    serve::Keys,
};

/// How each role logs in.
pub struct Links {
    app: Link,
    auth: Link,
    pub integrator: Link,
    /// The private server, if it was started for this.
    _attached: Option<Attached>,
}

impl Links {
    /// Those of the configuration, or of the private PostgreSQL, which is started if it is not running.
    ///
    /// # Errors
    /// Those of the configuration and the database; exit code 6 or 7 for its schema.
    pub async fn of(config: &Config, environment: &Environment) -> Result<Self, Failure> {
        let links = match Databases::external(config)? {
            Some(databases) => Self {
                auth: databases.doors.auth.link(),
                app: databases.app,
                integrator: databases.integrator,
                _attached: None,
            },
            None => {
                let attached = Attached::to(config, environment)?;
                let link = |role| postgres::link(&attached.url(DATABASE, role)?);
                Self {
                    app: link("kg_app")?,
                    auth: link("kg_auth")?,
                    integrator: link("kg_integrator")?,
                    _attached: Some(attached),
                }
            }
        };
        postgres::must_be_current(&links.app).await?;
        Ok(links)
    }
}

/// An installation that can be worked on.
pub struct Installation {
    /// The root key.
    pub root: Root,
    /// What a pass works on.
    pub bench: Workbench,
    store: PgStore,
    _links: Links,
}

impl Installation {
    /// Opens the one that `root` is the root key of.
    ///
    /// # Errors
    /// As [`Links::of`]; exit code 4 when `root` does not open the installation's key.
    pub async fn open(root: Root, links: Links) -> Result<Self, Failure> {
        let platform = postgres::platform_tenant(&links.app).await?.ok_or_else(|| {
            Failure::new(
                Exit::SchemaOld,
                "the database has no first principals",
                "nothing was ever wrapped in it",
                "start the service once, or run `keepgate admin bootstrap`",
            )
        })?;
        let instance = postgres::settle_instance_key(&links.integrator, &root, true).await?;
        let keys = Keys::new(instance, root);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = |link: &Link| -> Result<PgStore, Failure> {
            Ok(PgStore::new(pool(link.clone(), 2), keys.claims()?, clock.clone()))
        };
        let (app, auth) = (store(&links.app)?, store(&links.auth)?);
        Ok(Self {
            bench: Workbench::new(app.clone(), auth, links.integrator.clone(), keys.root(), platform),
            root: keys.root().clone(),
            store: app,
            _links: links,
        })
    }

    /// The one of the configuration.
    ///
    /// # Errors
    /// As [`Installation::open`]; exit code 4 without a key file.
    pub async fn of(config: &Config, environment: &Environment) -> Result<Self, Failure> {
        let root = Root::configured(config)?.ok_or_else(|| crate::secrets::kek::lost(&config.kek_file))?;
        Self::open(root, Links::of(config, environment).await?).await
    }

    /// What the root key wraps, and how much of it has no copy for `recovery_to`.
    ///
    /// # Errors
    /// Exit code 3.
    pub async fn uses(&self, recovery_to: Option<&str>) -> Result<Vec<RootUse>, Failure> {
        let read = async {
            let mut tx = self.store.begin(&worker(self.bench.platform)).await?;
            keepgate_crypto_keys::rewrap::root_uses(&mut tx, recovery_to).await
        };
        read.await.map_err(|error| unread(&error))
    }
}

/// Keepgate's own worker in `tenant`.
pub fn worker(tenant: TenantId) -> OpContext {
    let now = SystemClock.now();
    OpContext::system(tenant, RequestId::new(now), now)
}

/// The copies that the configuration wants.
///
/// # Errors
/// Exit code 4.
pub fn wanted_copies(config: &Config) -> Result<Option<RecoveryKey>, Failure> {
    recovery_key(config)
}

/// The database did not do it.
pub fn unread(error: &StoreError) -> Failure {
    Failure::new(
        Exit::Incomplete,
        "can't read or write the wrapped keys in the database",
        chain(error),
        "check that the database runs, then run this again: it goes on where it was",
    )
}
