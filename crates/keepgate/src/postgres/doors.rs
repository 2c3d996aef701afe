//! The pools of one role, whose password may change while they are used.
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use keepgate_kernel::{LiveSecret, same_secret};
use keepgate_store::postgres::{pool, renew};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{ConnectOptions, Connection, PgPool};

use super::{Link, link};
use crate::failure::{Failure, chain};

/// For the first connection with a new password.
const PATIENCE: Duration = Duration::from_secs(5);

/// The doors of the service's own roles.
pub struct Doors {
    /// As `kg_app`.
    pub app: Door,
    /// As `kg_auth`.
    pub auth: Door,
    /// As `kg_integrator`.
    pub integrator: Door,
}

impl Doors {
    /// Those whose password may change.
    pub fn changing(&self) -> Vec<Door> {
        let doors = [&self.app, &self.auth, &self.integrator];
        doors.into_iter().filter(|door| door.0.url.is_some()).cloned().collect()
    }
}

/// How one role logs in, and the pools that do. Clones share both.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    key: &'static str,
    url: Option<LiveSecret>,
    used: Mutex<Used>,
}

struct Used {
    url: Option<SecretString>,
    link: Link,
    pools: Vec<PgPool>,
}

impl Door {
    /// A door whose link stays as it is. `key` is the configuration's.
    pub fn fixed(key: &'static str, link: Link) -> Self {
        Self::new(key, None, None, link)
    }

    /// A door whose URL may change.
    ///
    /// # Errors
    /// Exit code 2 for a URL that can't be used.
    pub fn of(key: &'static str, url: LiveSecret) -> Result<Self, Failure> {
        let now = url.current();
        let link = link(now.expose_secret())?;
        Ok(Self::new(key, Some(url), Some(now), link))
    }

    fn new(key: &'static str, url: Option<LiveSecret>, now: Option<SecretString>, link: Link) -> Self {
        let pools = Vec::new();
        let used = Mutex::new(Used { url: now, link, pools });
        Self(Arc::new(Inner { key, url, used }))
    }

    /// The key of the configuration.
    pub fn key(&self) -> &'static str {
        self.0.key
    }

    /// How to log in now.
    pub fn link(&self) -> Link {
        self.used().link.clone()
    }

    /// A pool of at most `max` connections, which follows the changes.
    pub fn pool(&self, max: u32) -> PgPool {
        let mut used = self.used();
        let pool = pool(used.link.clone(), max);
        used.pools.push(pool.clone());
        pool
    }

    /// Goes over to the newest URL, provided the database lets us in with it. Whether it was another one.
    ///
    /// # Errors
    /// Why the former stays in use.
    pub async fn follow(&self) -> Result<bool, String> {
        let Some(newest) = self.0.url.as_ref().map(LiveSecret::current) else {
            return Ok(false);
        };
        let same = |url: &SecretString| same_secret(url, &newest);
        if self.used().url.as_ref().is_some_and(same) {
            return Ok(false);
        }
        let link = link(newest.expose_secret()).map_err(|failure| failure.why().to_owned())?;
        match tokio::time::timeout(PATIENCE, link.connect()).await {
            Ok(Ok(connection)) => {
                // It was only about getting in.
                let _ = connection.close().await;
            }
            Ok(Err(error)) => return Err(format!("the database does not let us in with it: {}", chain(&error))),
            Err(_) => return Err("the database does not answer".to_owned()),
        }
        let mut used = self.used();
        for pool in &used.pools {
            renew(pool, link.clone());
        }
        (used.link, used.url) = (link, Some(newest));
        Ok(true)
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("key", &self.0.key).finish_non_exhaustive()
    }
}
