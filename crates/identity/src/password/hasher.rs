//! Argon2id (RFC 9106) off the async workers, and only so many at once.
use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{self, PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// OWASP's choice: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many may wait for a place; more would time out anyway.
const QUEUE: usize = 64;
/// The hash of no password, with the present parameters: what an unknown name is compared with.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A verifier in PHC string format. Debug shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Phc(String);

impl Phc {
    /// A verifier read back from the database; `None` if it is not Argon2id.
    #[must_use]
    pub fn parse(text: String) -> Option<Self> {
        text.starts_with("$argon2id$").then_some(Self(text))
    }

    /// The text, as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
}

impl Hasher {
    /// At most `parallel` at once (the number of cores), and 64 waiting.
    #[must_use]
    pub fn new(parallel: usize) -> Self {
        let parallel = parallel.max(1);
        Self {
            places: Arc::new(Semaphore::new(parallel)),
            queue: Arc::new(Semaphore::new(parallel + QUEUE)),
        }
    }

    /// The verifier of `secret`, with a fresh salt.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, secret: &SecretString) -> Result<Phc, HashError> {
        let secret = secret.clone();
        self.work(move || {
            let made = argon2()?
                .hash_password(secret.expose_secret().as_bytes())
                .map_err(|_| HashError::Failed)?;
            Ok(Phc(made.to_string()))
        })
        .await
    }

    /// Compares `secret` with `phc`; without one, does the same work and says no.
    pub(crate) async fn verify(&self, secret: &SecretString, phc: Option<&Phc>) -> Result<Verdict, HashError> {
        let (secret, stored) = (secret.clone(), phc.map_or(NOBODY, Phc::as_str).to_owned());
        let known = phc.is_some();
        let verdict = self
            .work(move || compare(secret.expose_secret().as_bytes(), &stored))
            .await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let _waiting = self.queue.try_acquire().map_err(|_| HashError::Busy)?;
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

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn compare(secret: &[u8], stored: &str) -> Result<Verdict, HashError> {
    let parsed = PasswordHash::new(stored).map_err(|_| HashError::Failed)?;
    let hasher = argon2()?;
    match PasswordVerifier::<PasswordHash>::verify_password(&hasher, secret, &parsed) {
        Ok(()) => {}
        Err(password_hash::Error::PasswordInvalid) => return Ok(Verdict::Wrong),
        Err(_) => return Err(HashError::Failed),
    }
    let made = Params::try_from(&parsed).map_err(|_| HashError::Failed)?;
    let stale = (made.m_cost(), made.t_cost(), made.p_cost()) != (MEMORY_KIB, PASSES, LANES);
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

    #[tokio::test]
    async fn a_verifier_with_other_parameters_is_right_and_stale() {
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(64, 1, 1, None).unwrap(),
        );
        let phc = Phc(weak.hash_password(b"x").unwrap().to_string());
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
            .try_acquire_many(u32::try_from(QUEUE + 1).unwrap())
            .unwrap();
        assert_eq!(hasher.hash(&"x".into()).await, Err(HashError::Busy));
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
