//! Argon2id (RFC 9106) off the async workers, and only so many at once.
use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{BcryptHash, throttle::numbers::HASH_QUEUE};

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// OWASP's choice for Argon2id: 19 MiB, two passes, one lane. The floor: nothing in the product hashes with less.
    pub const OWASP: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
        lanes: 1,
    };

    /// The hash of no password, at this cost: what an unknown name is compared with.
    fn nobody(self) -> String {
        let Self {
            memory_kib,
            passes,
            lanes,
        } = self;
        let (salt, hash) = ("A".repeat(22), "A".repeat(43));
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${hash}")
    }

    fn argon2(self) -> Result<Argon2<'static>, HashError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None).map_err(|_| HashError::Failed)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// A verifier in PHC string format, and whether what it verifies is too short to be the only factor. Debug shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Phc {
    text: String,
    short: bool,
}

impl Phc {
    /// A verifier read back from the database; `None` if it is not Argon2id.
    #[must_use]
    pub fn parse(text: String) -> Option<Self> {
        text.starts_with("$argon2id$").then_some(Self { text, short: false })
    }

    /// The same, of a secret that is too short to be the only factor, or is not.
    #[must_use]
    pub fn of_short(self, short: bool) -> Self {
        Self { short, ..self }
    }

    /// Whether it is of a password that stands only beside a second factor.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.short
    }

    /// The text, as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for Phc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phc(..)")
    }
}

/// Why nothing was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many are waiting; try again in a moment.
    #[error("too many passwords are being hashed")]
    Busy,
    /// The library failed, or a stored verifier can't be read.
    #[error("the password hash failed")]
    Failed,
}

/// How a comparison ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    /// `stale`: the verifier was made with other parameters and should be made anew.
    Right {
        stale: bool,
    },
}

/// Hashes and compares secrets. Each takes some 30 ms of one core and 19 MiB, so places are limited. Clones share them.
#[derive(Debug, Clone)]
pub struct Hasher {
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    cost: Cost,
    /// How many hashes there were, for tests that compare work instead of time.
    #[cfg(test)]
    pub(crate) done: Arc<std::sync::atomic::AtomicUsize>,
}

/// A place in the queue, taken before anything is counted against anybody. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    hasher: Hasher,
    _place: OwnedSemaphorePermit,
}

impl Seat {
    /// Compares `secret` with `phc`; without one, does the same work and says no.
    pub(crate) async fn verify(&self, secret: &SecretString, phc: Option<&Phc>) -> Result<Verdict, HashError> {
        self.hasher.compare(secret, phc).await
    }

    /// The verifier of a password that was right, at the present cost.
    pub(crate) async fn renew(&self, secret: &SecretString) -> Result<Phc, HashError> {
        self.hasher.make(secret).await
    }
}

impl Hasher {
    /// At most `parallel` at once (the number of cores), and 64 waiting.
    #[must_use]
    pub fn new(parallel: usize) -> Self {
        Self::of_cost(parallel, Cost::OWASP)
    }

    /// As [`Hasher::new`], at another cost. Tests alone hash for less than [`Cost::OWASP`].
    pub(crate) fn of_cost(parallel: usize, cost: Cost) -> Self {
        let parallel = parallel.max(1);
        Self {
            places: Arc::new(Semaphore::new(parallel)),
            queue: Arc::new(Semaphore::new(parallel + HASH_QUEUE)),
            cost,
            #[cfg(test)]
            done: Arc::default(),
        }
    }

    /// Takes a place in the queue, for several hashes one after another.
    pub(crate) fn seat(&self) -> Result<Seat, HashError> {
        let place = self.queue.clone().try_acquire_owned().map_err(|_| HashError::Busy)?;
        Ok(Seat {
            hasher: self.clone(),
            _place: place,
        })
    }

    /// The verifier of `secret`, with a fresh salt.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, secret: &SecretString) -> Result<Phc, HashError> {
        let _waiting = self.queue.try_acquire().map_err(|_| HashError::Busy)?;
        self.make(secret).await
    }

    async fn make(&self, secret: &SecretString) -> Result<Phc, HashError> {
        let (secret, cost) = (secret.clone(), self.cost);
        self.work(move || {
            let made = cost
                .argon2()?
                .hash_password(secret.expose_secret().as_bytes())
                .map_err(|_| HashError::Failed)?;
            Ok(Phc {
                text: made.to_string(),
                short: false,
            })
        })
        .await
    }

    /// Compares `secret` with `phc`; without one, does the same work and says no.
    pub(crate) async fn verify(&self, secret: &SecretString, phc: Option<&Phc>) -> Result<Verdict, HashError> {
        self.seat()?.verify(secret, phc).await
    }

    /// Runs work as heavy as a hash under the same limits.
    pub(crate) async fn heavy<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let _waiting = self.queue.try_acquire().map_err(|_| HashError::Busy)?;
        self.work(move || Ok(job())).await
    }

    async fn compare(&self, secret: &SecretString, phc: Option<&Phc>) -> Result<Verdict, HashError> {
        let (secret, cost) = (secret.clone(), self.cost);
        let stored = phc.map_or_else(|| cost.nobody(), |phc| phc.as_str().to_owned());
        let known = phc.is_some();
        #[cfg(test)]
        self.done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let verdict = self
            .work(move || compare(secret.expose_secret().as_bytes(), &stored, cost))
            .await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    /// Compares `secret`, of at most 72 bytes, with a bcrypt hash made elsewhere.
    pub(crate) async fn verify_bcrypt(&self, secret: &SecretString, hash: &BcryptHash) -> Result<Verdict, HashError> {
        let (secret, hash) = (secret.clone(), hash.clone());
        self.work(move || {
            let secret = secret.expose_secret().as_bytes();
            // bcrypt reads no further: the rest would be anything.
            if secret.len() > 72 {
                return Ok(Verdict::Wrong);
            }
            match bcrypt::verify(secret, hash.as_str()) {
                Ok(true) => Ok(Verdict::Right { stale: true }),
                Ok(false) => Ok(Verdict::Wrong),
                Err(_) => Err(HashError::Failed),
            }
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let place = self
            .places
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| HashError::Failed)?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = place; // held until the work is done, even if nobody waits for it any more
            job()
        });
        done.await.map_err(|_| HashError::Failed)?
    }
}

fn compare(secret: &[u8], stored: &str, cost: Cost) -> Result<Verdict, HashError> {
    let parsed = PasswordHash::new(stored).map_err(|_| HashError::Failed)?;
    let hasher = cost.argon2()?;
    match PasswordVerifier::<PasswordHash>::verify_password(&hasher, secret, &parsed) {
        Ok(()) => {}
        Err(password_hash::Error::PasswordInvalid) => return Ok(Verdict::Wrong),
        Err(_) => return Err(HashError::Failed),
    }
    let made = Params::try_from(&parsed).map_err(|_| HashError::Failed)?;
    let stale = (made.m_cost(), made.t_cost(), made.p_cost()) != (cost.memory_kib, cost.passes, cost.lanes);
    Ok(Verdict::Right { stale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_matches_its_own_verifier_only() {
        let hasher = Hasher::new(2);
        let phc = hasher.hash(&"violet-harbour-7".into()).await.unwrap();
        assert!(phc.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(
            hasher.verify(&"violet-harbour-7".into(), Some(&phc)).await,
            Ok(Verdict::Right { stale: false })
        );
        assert_eq!(
            hasher.verify(&"violet-harbour-8".into(), Some(&phc)).await,
            Ok(Verdict::Wrong)
        );
    }

    #[tokio::test]
    async fn the_same_secret_never_has_the_same_verifier_twice() {
        let hasher = Hasher::new(2);
        let (one, other) = (
            hasher.hash(&"x".into()).await.unwrap(),
            hasher.hash(&"x".into()).await.unwrap(),
        );
        assert_ne!(one, other);
    }

    #[tokio::test]
    async fn nobody_s_password_is_never_right() {
        assert_eq!(Hasher::new(1).verify(&"".into(), None).await, Ok(Verdict::Wrong));
    }

    #[test]
    fn nobody_s_verifier_is_a_verifier_of_the_present_cost() {
        assert_eq!(
            compare(b"", &Cost::OWASP.nobody(), Cost::OWASP),
            Ok(Verdict::Wrong),
            "it can be read"
        );
        assert!(Cost::OWASP.nobody().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[tokio::test]
    async fn a_verifier_with_other_parameters_is_right_and_stale() {
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(64, 1, 1, None).unwrap(),
        );
        let phc = Phc::parse(weak.hash_password(b"x").unwrap().to_string()).unwrap();
        assert_eq!(
            Hasher::new(1).verify(&"x".into(), Some(&phc)).await,
            Ok(Verdict::Right { stale: true })
        );
    }

    #[tokio::test]
    async fn a_full_queue_says_so_at_once() {
        let hasher = Hasher::new(1);
        let _all = hasher
            .queue
            .try_acquire_many(u32::try_from(HASH_QUEUE + 1).unwrap())
            .unwrap();
        assert_eq!(hasher.hash(&"x".into()).await, Err(HashError::Busy));
        assert_eq!(hasher.seat().err(), Some(HashError::Busy));
    }

    #[tokio::test]
    async fn a_verifier_that_can_t_be_read_is_an_error_not_a_no() {
        let phc = Phc::parse("$argon2id$nonsense".into()).unwrap();
        assert_eq!(
            Hasher::new(1).verify(&"x".into(), Some(&phc)).await,
            Err(HashError::Failed)
        );
    }
}
