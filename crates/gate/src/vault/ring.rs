//! A tenant's opened keys.
use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use keepgate_crypto_keys::{DataKey, KeyService, KeyServiceError, SigningSeed, StoredKey, Wrapped};
use keepgate_kernel::{TenantId, Timestamp};
use tokio::time::Instant;

use super::VaultError;

/// How long a look at the stored keys lasts: another instance may have marked one for destruction.
const RELOAD: TimeDelta = TimeDelta::seconds(10);

/// A service that failed is left alone for so long, once for each tenant.
const PAUSE: Duration = Duration::from_secs(1);
/// While it fails, keys that may still be held are taken to it again so seldom.
const LATER: Duration = Duration::from_secs(30);

/// One version, open or not.
#[derive(Debug)]
struct Held {
    version: i32,
    wrapped: Wrapped,
    key: Result<Arc<OpenKey>, Arc<KeyServiceError>>,
}

/// An open key, and when the service last opened it.
#[derive(Debug)]
pub(crate) struct OpenKey {
    key: DataKey,
    opened: Instant,
}

/// What came of opening a version.
struct Tried {
    key: Result<Arc<OpenKey>, Arc<KeyServiceError>>,
    failed: bool,
}

impl std::ops::Deref for OpenKey {
    type Target = DataKey;

    fn deref(&self) -> &DataKey {
        &self.key
    }
}

/// All versions of a tenant, newest first.
#[derive(Debug)]
pub(crate) struct Opened {
    keys: Vec<Held>,
    /// The newest that still seals.
    sealing: Option<i32>,
    /// The one before it, unless it is marked for destruction.
    former: Option<i32>,
    until: Timestamp,
    epoch: u64,
    /// When the service last failed us, if it did at the last look.
    failed: Option<Instant>,
}

/// When the stored keys were read: before the reading began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    pub(super) now: Timestamp,
    /// The vault's.
    pub(super) epoch: u64,
}

pub(crate) type Ring = Arc<Opened>;

impl Opened {
    /// The key of that version, while it may be held.
    pub(crate) fn find(&self, version: i32, hold: Duration) -> Result<&Arc<OpenKey>, VaultError> {
        let held = self
            .keys
            .iter()
            .find(|held| held.version == version)
            .ok_or_else(|| self.missing(version))?;
        match &held.key {
            Ok(key) if key.opened.elapsed() < hold => Ok(key),
            Ok(_) => Err(KeyServiceError::Slow.into()),
            Err(error) => Err(VaultError::Root(error.clone())),
        }
    }

    /// Versions are numbered without gaps, and only their end takes one out of the list.
    fn missing(&self, version: i32) -> VaultError {
        match self.keys.first() {
            Some(newest) if (1..newest.version).contains(&version) => VaultError::Gone,
            // A newer one may have been made since a reading that the service cut short.
            _ if self.has_just_failed() => KeyServiceError::Slow.into(),
            _ => VaultError::Unknown,
        }
    }

    /// The key that seals.
    pub(crate) fn sealing(&self, hold: Duration) -> Result<&Arc<OpenKey>, VaultError> {
        self.find(self.sealing.ok_or(VaultError::Shut)?, hold)
    }

    /// The keys that sign webhooks, newest first: the one that seals, and the one before it until another follows.
    pub(crate) fn webhook_seeds(&self, hold: Duration) -> Result<Vec<SigningSeed>, VaultError> {
        let mut seeds = vec![self.sealing(hold)?.webhook_seed()?];
        // A key that does not open any more has come to its end as a signer, too.
        if let Some(Ok(former)) = self.former.map(|version| self.find(version, hold)) {
            seeds.push(former.webhook_seed()?);
        }
        Ok(seeds)
    }

    /// What the vault's epoch was before the stored keys were read.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the stored keys were read a moment ago.
    pub(super) fn is_young(&self, now: Timestamp) -> bool {
        now < self.until && (self.until - now) <= RELOAD
    }

    /// Whether the service need not be asked again about the key that seals.
    pub(super) fn is_fresh(&self, hold: Duration) -> bool {
        let spared = self.failed.is_some_and(|failed| failed.elapsed() < LATER);
        let young = |held: &Held| {
            let key = held.key.as_ref();
            key.is_ok_and(|key| key.opened.elapsed() < if spared { hold } else { hold / 3 })
        };
        let sealing = self.keys.iter().find(|held| Some(held.version) == self.sealing);
        sealing.is_some_and(young)
    }

    /// Whether the service failed us a moment ago.
    pub(super) fn has_just_failed(&self) -> bool {
        self.failed.is_some_and(|failed| failed.elapsed() < PAUSE)
    }

    /// Whether any key may still be used.
    pub(super) fn is_held(&self, now: Instant, hold: Duration) -> bool {
        let keys = self.keys.iter().filter_map(|held| held.key.as_ref().ok());
        keys.map(|key| now.duration_since(key.opened)).any(|age| age < hold)
    }
}

/// Opens `stored`, newest first, with as few calls as `before` allows.
pub(super) async fn open(
    root: &dyn KeyService,
    tenant: TenantId,
    stored: &[StoredKey],
    before: Option<&Opened>,
    read: Read,
    hold: Duration,
) -> Ring {
    let spared = before
        .and_then(|before| before.failed)
        .filter(|failed| failed.elapsed() < LATER);
    let mut failed = spared;
    let mut keys = Vec::with_capacity(stored.len());
    for key in stored {
        let known = before.and_then(|before| {
            before
                .keys
                .iter()
                .find(|held| held.version == key.version && held.wrapped == key.wrapped)
        });
        let known = known.and_then(|held| held.key.as_ref().ok());
        // A key that may be held is not taken to a service that has just failed.
        let young = if spared.is_some() { hold } else { hold / 3 };
        let tried = match known.filter(|known| known.opened.elapsed() < young) {
            Some(known) => Tried {
                key: Ok(known.clone()),
                failed: false,
            },
            None => open_one(root, tenant, key, known, hold).await,
        };
        if tried.failed {
            failed = Some(Instant::now());
        }
        keys.push(Held {
            version: key.version,
            wrapped: key.wrapped.clone(),
            key: tried.key,
        });
    }
    let mut live = stored
        .iter()
        .filter(|key| key.destroy_after.is_none())
        .map(|key| key.version);
    Arc::new(Opened {
        keys,
        sealing: live.next(),
        former: live.next(),
        until: read.now + RELOAD,
        epoch: read.epoch,
        failed,
    })
}

async fn open_one(
    root: &dyn KeyService,
    tenant: TenantId,
    stored: &StoredKey,
    known: Option<&Arc<OpenKey>>,
    hold: Duration,
) -> Tried {
    let error = match DataKey::unwrap(root, tenant, stored.version, &stored.wrapped).await {
        Ok(key) => {
            return Tried {
                key: Ok(Arc::new(OpenKey {
                    key,
                    opened: Instant::now(),
                })),
                failed: false,
            };
        }
        Err(error) => error,
    };
    let key = match known.filter(|known| error.passes() && known.opened.elapsed() < hold) {
        Some(known) => {
            metrics::counter!("keepgate_data_keys_held_over").increment(1);
            Ok(known.clone())
        }
        None => {
            metrics::counter!("keepgate_data_keys_shut", "reason" => error.word()).increment(1);
            tracing::warn!(%tenant, version = stored.version, %error, "a tenant's data key can't be opened");
            Err(Arc::new(error))
        }
    };
    Tried { key, failed: true }
}
