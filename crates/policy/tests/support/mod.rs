//! Callers of every kind, and the golden matrix as a reviewer reads it.
#![allow(dead_code, reason = "each suite uses its part")]
pub mod golden;
pub mod oracle;

use keepgate_kernel::{
    Hat, KeyId, Level, PrincipalId, PrincipalKind, RequestId, SessionId, TenantId, Timestamp, UnitId, Uuid,
};
use keepgate_policy::{Assurance, Credential, FRESH, Factors, OpContext, Principal, Scopes, Standing};

/// What a caller presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A session, two factors, this very second.
    Fresh,
    /// A session, two factors, a second too long ago.
    Stale,
    /// A session whose second factor is still owed.
    Owing,
    /// A session that says nothing about how it began.
    Untold,
    /// An API key.
    Key,
    /// Nothing: Keepgate's own worker.
    Worker,
}

impl How {
    pub const ALL: [Self; 6] = [
        Self::Fresh,
        Self::Stale,
        Self::Owing,
        Self::Untold,
        Self::Key,
        Self::Worker,
    ];
}

/// A caller; people and tenants are numbers.
#[derive(Debug, Clone, Copy)]
pub struct Actor {
    pub who: u128,
    pub home: u128,
    pub level: Level,
    pub how: How,
    pub hat: Option<Hat>,
}

pub fn person(who: u128) -> PrincipalId {
    PrincipalId::from_parts(PrincipalKind::User, Uuid::from_u128(who))
}

pub fn tenant(home: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(home))
}

/// No hat, and each of them.
pub fn hats() -> impl Iterator<Item = Option<Hat>> {
    std::iter::once(None).chain(Hat::ALL.map(Some))
}

/// No level, and each of them.
pub fn presents() -> impl Iterator<Item = Option<Level>> {
    std::iter::once(None).chain(Level::ALL.map(Some))
}

impl Actor {
    #[expect(
        clippy::disallowed_methods,
        reason = "the caller of a test is authenticated by construction"
    )]
    pub fn context(&self) -> OpContext {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let request = RequestId::from_uuid(Uuid::nil());
        if self.how == How::Worker {
            return OpContext::system(tenant(self.home), request, at);
        }
        let principal = Principal {
            id: person(self.who),
            tenant: tenant(self.home),
            standing: Standing::Level(self.level),
            unit: None,
            scopes: Scopes::All,
            hat: self.hat,
        };
        let session = Credential::Session(SessionId::from_uuid(Uuid::nil()));
        let proved = |seconds, factors| {
            Some(Assurance {
                at: at - (FRESH + std::time::Duration::from_secs(seconds)),
                factors,
            })
        };
        let (credential, assurance) = match self.how {
            How::Fresh => (
                session,
                Some(Assurance {
                    at,
                    factors: Factors::Two,
                }),
            ),
            How::Stale => (session, proved(1, Factors::Two)),
            How::Owing => (
                session,
                Some(Assurance {
                    at,
                    factors: Factors::Owing,
                }),
            ),
            How::Untold => (session, None),
            How::Key | How::Worker => (Credential::ApiKey(KeyId::from_uuid(Uuid::nil())), None),
        };
        OpContext::authenticated(principal, credential, assurance, None, request, at)
    }
}

/// The caller of `actor`, in `unit`.
#[expect(
    clippy::disallowed_methods,
    reason = "the caller of a test is authenticated by construction"
)]
pub fn in_unit(actor: &Actor, unit: Option<UnitId>) -> OpContext {
    let bare = actor.context();
    let principal = Principal {
        unit,
        ..bare.principal().clone()
    };
    OpContext::authenticated(
        principal,
        bare.credential(),
        bare.assurance(),
        None,
        bare.request(),
        bare.at(),
    )
}
