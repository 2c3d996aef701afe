//! Token buckets: one for each presented credential, one for each address that presents none.
use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter as Governor,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};

use super::RequestIdentity;
use crate::{Api, Problem};

/// How many requests a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one credential.
    pub per_credential: NonZeroU32,
    /// For one address, over the requests that present no credential.
    pub per_address: NonZeroU32,
}

type Buckets<K> = Governor<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// The buckets of one process. Credentials are kept as keyed hashes.
#[derive(Debug)]
pub struct RateLimiter {
    hasher: RandomState,
    limits: Limits,
    credentials: Buckets<u64>,
    addresses: Buckets<Option<IpAddr>>,
}

impl RateLimiter {
    /// Full buckets of one minute's worth.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let minute = |n| Quota::per_minute(n);
        Self {
            hasher: RandomState::new(),
            limits,
            credentials: Governor::dashmap(minute(limits.per_credential)).with_middleware(),
            addresses: Governor::dashmap(minute(limits.per_address)).with_middleware(),
        }
    }

    /// Forgets full buckets; called now and then.
    pub fn sweep(&self) {
        self.credentials.retain_recent();
        self.addresses.retain_recent();
    }

    fn check(&self, credential: Option<&HeaderValue>, source: Option<IpAddr>) -> (NonZeroU32, Result<u32, u64>) {
        let clock = DefaultClock::default();
        let wait = |not_until: governor::NotUntil<_>| not_until.wait_time_from(clock.now()).as_secs() + 1;
        match credential {
            Some(text) => {
                let key = self.hasher.hash_one(text.as_bytes());
                let answer = self
                    .credentials
                    .check_key(&key)
                    .map(|state| state.remaining_burst_capacity())
                    .map_err(wait);
                (self.limits.per_credential, answer)
            }
            None => {
                let answer = self
                    .addresses
                    .check_key(&source)
                    .map(|state| state.remaining_burst_capacity())
                    .map_err(wait);
                (self.limits.per_address, answer)
            }
        }
    }
}

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Refuses with 429 and `Retry-After` when the bucket is empty; tells what is left otherwise (draft-ietf-httpapi-ratelimit-headers).
pub(crate) async fn rate_limit(State(api): State<Api>, request: Request, next: Next) -> Response {
    let source = request
        .extensions()
        .get::<RequestIdentity>()
        .and_then(|identity| identity.source);
    let (quota, answer) = api.limiter.check(request.headers().get(header::AUTHORIZATION), source);
    let (mut response, left, reset) = match answer {
        Ok(left) => (next.run(request).await, left, 0),
        Err(wait) => {
            let problem =
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", "too many requests").retry_after(wait);
            (problem.into_response(), 0, wait)
        }
    };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&format!("\"default\";r={left};t={reset}")) {
        headers.insert(RATE_LIMIT, value);
    }
    if let Ok(value) = HeaderValue::from_str(&format!("\"default\";q={quota};w=60")) {
        headers.insert(RATE_LIMIT_POLICY, value);
    }
    response
}

impl RateLimiter {
    /// The limiter of a service.
    #[must_use]
    pub fn shared(limits: Limits) -> Arc<Self> {
        Arc::new(Self::new(limits))
    }
}
