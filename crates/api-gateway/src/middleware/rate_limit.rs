//! Token buckets: one for each principal, one for each address that has shown no credential known to be good.
//!
//! A credential says whose it is only once it has been verified. Until then its request is its address's, so that a thousand
//! invented tokens are a thousand requests of one address. Afterwards its principal pays, for all sessions and keys together.
use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
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
use keepgate_kernel::PrincipalId;

use super::{
    RequestIdentity,
    known::{Known, Name},
};
use crate::{Api, Problem};

/// How many requests a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one principal.
    pub per_principal: NonZeroU32,
    /// For one address (IPv6: one /64), over the requests without a credential known to be good.
    pub per_address: NonZeroU32,
}

/// Reports of leaked keys a minute from one address: each may cost a hash.
const REPORTS: NonZeroU32 = match NonZeroU32::new(30) {
    Some(reports) => reports,
    None => NonZeroU32::MIN,
};

type Buckets<K> = Governor<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// Whose bucket a request is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payer {
    Principal(PrincipalId),
    Address(Option<IpAddr>),
}

/// How many requests the bucket holds, and how many are left; or after how many seconds one is.
type Answer = (NonZeroU32, Result<u32, u64>);

/// The buckets of one process.
#[derive(Debug)]
pub struct RateLimiter {
    limits: Limits,
    principals: Buckets<PrincipalId>,
    addresses: Buckets<Option<IpAddr>>,
    reports: Buckets<Option<IpAddr>>,
    known: Known,
}

/// Who has paid for one request so far. In its extensions.
#[derive(Debug, Clone)]
pub(crate) struct Paid(Arc<Receipt>);

#[derive(Debug)]
struct Receipt {
    credential: Option<Name>,
    source: Option<IpAddr>,
    payer: Payer,
    answer: Mutex<Answer>,
}

impl Paid {
    fn answer(&self) -> Answer {
        *self.0.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateLimiter {
    /// Full buckets of one minute's worth.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let minute = |n| Quota::per_minute(n);
        Self {
            limits,
            principals: Governor::dashmap(minute(limits.per_principal)).with_middleware(),
            addresses: Governor::dashmap(minute(limits.per_address)).with_middleware(),
            reports: Governor::dashmap(minute(REPORTS)).with_middleware(),
            known: Known::default(),
        }
    }

    /// The limiter of a service.
    #[must_use]
    pub fn shared(limits: Limits) -> Arc<Self> {
        Arc::new(Self::new(limits))
    }

    /// Forgets full buckets and old credentials; called now and then.
    pub fn sweep(&self) {
        self.principals.retain_recent();
        self.addresses.retain_recent();
        self.reports.retain_recent();
        self.known.sweep(Instant::now());
    }

    /// Takes a request from the bucket of its address, or of the principal whose credential this was a moment ago.
    fn take(&self, credential: Option<&HeaderValue>, source: Option<IpAddr>) -> Paid {
        let (credential, source) = (credential.map(|text| self.known.name(text)), source.map(network));
        let owner = credential.and_then(|name| self.known.owner(name, Instant::now()));
        let payer = owner.map_or(Payer::Address(source), Payer::Principal);
        let answer = Mutex::new(self.charge(payer));
        Paid(Arc::new(Receipt {
            credential,
            source,
            payer,
            answer,
        }))
    }

    /// The credential is `principal`'s: from now on it pays. `Err`: it has nothing left, and has to wait for so many seconds.
    pub(crate) fn verified(&self, paid: &Paid, principal: PrincipalId) -> Result<(), u64> {
        if let Some(name) = paid.0.credential {
            self.known.remember(name, principal, Instant::now());
        }
        if paid.0.payer == Payer::Principal(principal) {
            return Ok(());
        }
        let answer = self.charge(Payer::Principal(principal));
        *paid.0.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
        answer.1.map(drop)
    }

    /// The credential is nobody's, or no longer: it is its address's request after all.
    pub(crate) fn refused(&self, paid: &Paid) {
        if let Some(name) = paid.0.credential
            && matches!(paid.0.payer, Payer::Principal(_))
        {
            self.known.forget(name);
            let answer = self.charge(Payer::Address(paid.0.source));
            *paid.0.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
        }
    }

    /// Takes a report of a leaked key from the bucket that `source` has for those. `Err`: the seconds to wait.
    pub(crate) fn report(&self, source: Option<IpAddr>) -> Result<(), u64> {
        let taken = self.reports.check_key(&source.map(network));
        taken
            .map(drop)
            .map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }

    fn charge(&self, payer: Payer) -> Answer {
        let clock = DefaultClock::default();
        let wait = |not_until: governor::NotUntil<_>| not_until.wait_time_from(clock.now()).as_secs() + 1;
        match payer {
            Payer::Principal(principal) => {
                let taken = self.principals.check_key(&principal);
                let answer = taken.map(|state| state.remaining_burst_capacity()).map_err(wait);
                (self.limits.per_principal, answer)
            }
            Payer::Address(source) => {
                let taken = self.addresses.check_key(&source);
                let answer = taken.map(|state| state.remaining_burst_capacity()).map_err(wait);
                (self.limits.per_address, answer)
            }
        }
    }
}

/// Who has one IPv6 address has the 2^64 of its network.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is told to whom has to wait.
pub(crate) fn rate_limited(wait: u64) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", "too many requests").retry_after(wait)
}

/// Refuses with 429 and `Retry-After` when the bucket is empty; tells what is left otherwise (draft-ietf-httpapi-ratelimit-headers).
pub(crate) async fn rate_limit(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let source = request
        .extensions()
        .get::<RequestIdentity>()
        .and_then(|identity| identity.source);
    let paid = api.limiter.take(request.headers().get(header::AUTHORIZATION), source);
    let mut response = match paid.answer().1 {
        Ok(_) => {
            request.extensions_mut().insert(paid.clone());
            next.run(request).await
        }
        Err(wait) => rate_limited(wait).into_response(),
    };
    let (quota, answer) = paid.answer();
    let (left, reset) = answer.map_or_else(|wait| (0, wait), |left| (left, 0));
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&format!("\"default\";r={left};t={reset}")) {
        headers.insert(RATE_LIMIT, value);
    }
    if let Ok(value) = HeaderValue::from_str(&format!("\"default\";q={quota};w=60")) {
        headers.insert(RATE_LIMIT_POLICY, value);
    }
    response
}

#[cfg(test)]
#[path = "rate_limit_tests.rs"]
mod tests;
