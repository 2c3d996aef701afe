//! A key service asked with patience: a time limit for each call, a few attempts, and a memory of how it went.
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{KeyContext, KeyService, KeyServiceError, RootKey, RootVersion, Wrapped};

/// How long one call may take.
const CALL: Duration = Duration::from_secs(2);
/// How often a call is made at most.
const ATTEMPTS: u32 = 3;
/// The longest pause after the first attempt; it doubles after each.
const PAUSE: Duration = Duration::from_millis(100);

/// How the last call ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// A word for why it failed, see [`KeyServiceError::word`]; `None` after a success, and before the first call.
    pub failing: Option<&'static str>,
    /// Since when calls fail.
    pub since: Option<Instant>,
    /// When the service last did what it was asked.
    pub well: Option<Instant>,
}

/// Asks `inner` at most three times, for two seconds each, with random pauses between (up to 100 ms, then up to 200 ms): 6.3 s at
/// worst. Only what may pass is tried again. Counts calls by how they ended (`keepgate_key_service_calls`) and measures them
/// (`keepgate_key_service_seconds`); `keepgate_key_service_up` is 1 or 0.
#[derive(Debug)]
pub struct Patient<K: ?Sized = dyn KeyService> {
    health: Mutex<Health>,
    inner: Arc<K>,
}

impl<K: KeyService + ?Sized> Patient<K> {
    /// Around `inner`.
    #[must_use]
    pub fn new(inner: Arc<K>) -> Self {
        Self {
            health: Mutex::default(),
            inner,
        }
    }

    /// How the last call ended.
    #[must_use]
    pub fn health(&self) -> Health {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask<T, F>(&self, what: &'static str, mut call: impl FnMut() -> F) -> Result<T, KeyServiceError>
    where
        F: Future<Output = Result<T, KeyServiceError>>,
    {
        let mut attempt = 1;
        loop {
            let begun = Instant::now();
            let ended = tokio::time::timeout(CALL, call()).await;
            let ended = ended.unwrap_or(Err(KeyServiceError::Slow));
            self.told(what, begun.elapsed(), ended.as_ref().err());
            match ended {
                Err(error) if error.passes() && attempt < ATTEMPTS => {
                    let most = PAUSE * 2_u32.pow(attempt - 1);
                    tokio::time::sleep(rand::random_range(Duration::ZERO..=most)).await;
                    attempt += 1;
                }
                ended => return ended,
            }
        }
    }

    fn told(&self, what: &'static str, took: Duration, error: Option<&KeyServiceError>) {
        let word = error.map(KeyServiceError::word);
        metrics::counter!("keepgate_key_service_calls", "call" => what, "outcome" => word.unwrap_or("done"))
            .increment(1);
        metrics::histogram!("keepgate_key_service_seconds", "call" => what).record(took.as_secs_f64());
        // A key that is no longer allowed, or another's, says nothing about the service.
        let failing = error
            .filter(|error| error.passes() || matches!(error, KeyServiceError::Denied(_) | KeyServiceError::NoKey));
        metrics::gauge!("keepgate_key_service_up").set(if failing.is_some() { 0.0 } else { 1.0 });
        let now = Instant::now();
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match (failing, health.since) {
            (Some(error), None) => {
                tracing::error!(%error, "THE KEY SERVICE FAILS: opened keys last for a while, then nothing more is sealed or opened")
            }
            (None, Some(since)) => {
                tracing::info!(seconds = now.duration_since(since).as_secs(), "the key service is back")
            }
            _ => {}
        }
        *health = match failing {
            None => Health {
                well: Some(now),
                ..Health::default()
            },
            Some(error) => Health {
                failing: Some(error.word()),
                since: health.since.or(Some(now)),
                well: health.well,
            },
        };
    }
}

#[async_trait]
impl<K: KeyService + ?Sized> KeyService for Patient<K> {
    async fn wrap(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError> {
        self.ask("wrap", || self.inner.wrap(context, key)).await
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Wrapped) -> Result<Zeroizing<[u8; 32]>, KeyServiceError> {
        self.ask("unwrap", || self.inner.unwrap(context, wrapped)).await
    }

    /// Once: a rotation whose answer was lost may have happened.
    async fn rotate(&self) -> Result<RootVersion, KeyServiceError> {
        self.inner.rotate().await
    }

    async fn describe(&self) -> Result<RootKey, KeyServiceError> {
        self.ask("describe", || self.inner.describe()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::MemoryKeys;

    /// Fails as told for so many calls, then does it.
    #[derive(Debug)]
    struct Shaky {
        calls: AtomicU32,
        failures: u32,
        error: fn() -> KeyServiceError,
        keys: MemoryKeys,
    }

    impl Shaky {
        fn new(failures: u32, error: fn() -> KeyServiceError) -> Patient<Self> {
            Patient::new(Arc::new(Self {
                calls: AtomicU32::new(0),
                failures,
                error,
                keys: MemoryKeys::generate().unwrap(),
            }))
        }
    }

    #[async_trait]
    impl KeyService for Shaky {
        async fn wrap(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError> {
            if self.calls.fetch_add(1, Ordering::Relaxed) < self.failures {
                if matches!((self.error)(), KeyServiceError::Slow) {
                    std::future::pending::<()>().await;
                }
                return Err((self.error)());
            }
            self.keys.wrap(context, key).await
        }

        async fn unwrap(
            &self,
            context: &KeyContext,
            wrapped: &Wrapped,
        ) -> Result<Zeroizing<[u8; 32]>, KeyServiceError> {
            self.keys.unwrap(context, wrapped).await
        }

        async fn rotate(&self) -> Result<RootVersion, KeyServiceError> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            Err((self.error)())
        }

        async fn describe(&self) -> Result<RootKey, KeyServiceError> {
            self.keys.describe().await
        }
    }

    async fn wrap(service: &Patient<Shaky>) -> (Result<Wrapped, KeyServiceError>, u32) {
        let ended = service.wrap(&KeyContext::new("dek", b"a", 1), &[7; 32]).await;
        (ended, service.inner.calls.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_tried_three_times_and_no_longer() {
        for error in [
            (|| KeyServiceError::Slow) as fn() -> _,
            || KeyServiceError::Throttled,
            || KeyServiceError::Down("reset".into()),
        ] {
            let (ended, calls) = wrap(&Shaky::new(2, error)).await;
            assert!(ended.is_ok() && calls == 3);
            let service = Shaky::new(9, error);
            let before = tokio::time::Instant::now();
            let (ended, calls) = wrap(&service).await;
            assert!(ended.unwrap_err().passes() && calls == 3);
            assert!(before.elapsed() < Duration::from_secs(7));
            assert!(service.health().failing.is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_is_asked_once() {
        for error in [
            (|| KeyServiceError::Denied("not this key")) as fn() -> _,
            || KeyServiceError::WrongKey,
            || KeyServiceError::Revoked,
            || KeyServiceError::Strange("no JSON"),
        ] {
            let (ended, calls) = wrap(&Shaky::new(9, error)).await;
            assert!(ended.is_err() && calls == 1);
        }
        let service = Shaky::new(9, || KeyServiceError::Slow);
        assert!(service.rotate().await.is_err());
        assert_eq!(
            service.inner.calls.load(Ordering::Relaxed),
            1,
            "a rotation is not repeated"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn health_comes_back_with_the_service() {
        let service = Shaky::new(3, || KeyServiceError::Throttled);
        assert!(wrap(&service).await.0.is_err());
        assert_eq!(service.health().failing, Some("throttled"));
        assert!(wrap(&service).await.0.is_ok());
        let health = service.health();
        assert!(health.failing.is_none() && health.since.is_none() && health.well.is_some());
    }
}
