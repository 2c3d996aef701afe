//! Everything that is known about a call before its operation is.
use std::{net::IpAddr, time::Duration};

use keepgate_kernel::{KeyId, PrincipalId, RequestId, SessionId, TenantId, Timestamp};

use crate::{Principal, Scopes, Standing};

/// What the caller presented, by id. The secret itself is gone by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A session's token.
    Session(SessionId),
    /// An API key.
    ApiKey(KeyId),
    /// None: a worker of Keepgate itself.
    System,
}

/// How long a proof of identity is fresh enough for a sensitive operation: five minutes.
pub const FRESH: Duration = Duration::from_mins(5);

/// How surely a session's principal proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factors {
    /// One factor, where one is enough.
    One,
    /// Two, or one that is two in itself.
    Two,
    /// One factor where two are demanded: good for adding the second, and for nothing else.
    Owing,
}

impl Factors {
    /// The word in tokens and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Two => "two",
            Self::Owing => "owing",
        }
    }

    /// What `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::One, Self::Two, Self::Owing]
            .into_iter()
            .find(|factors| factors.as_str() == word)
    }
}

/// When and how a session's principal proved who it is. API keys and workers have none: nothing sensitive is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assurance {
    /// When.
    pub at: Timestamp,
    /// With what.
    pub factors: Factors,
}

/// Who, with what, from where, when: fixed for the life of an operation and handed to the database, which
/// re-reads the live state of the credential before it believes any of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpContext {
    principal: Principal,
    credential: Credential,
    assurance: Option<Assurance>,
    source: Option<IpAddr>,
    request: RequestId,
    at: Timestamp,
    occurred_at: Option<Timestamp>,
}

impl OpContext {
    /// A context for a caller whose credential has just been verified. Only the gateway's `Caller` extractor may call
    /// this (the lint table bans it elsewhere); the database checks the credential again.
    #[must_use]
    pub const fn authenticated(
        principal: Principal,
        credential: Credential,
        assurance: Option<Assurance>,
        source: Option<IpAddr>,
        request: RequestId,
        at: Timestamp,
    ) -> Self {
        Self {
            principal,
            credential,
            assurance,
            source,
            request,
            at,
            occurred_at: None,
        }
    }

    /// A context for Keepgate's own worker in `tenant`. It holds the system permissions only.
    #[must_use]
    pub const fn system(tenant: TenantId, request: RequestId, at: Timestamp) -> Self {
        let principal = Principal {
            id: PrincipalId::system(tenant),
            tenant,
            standing: Standing::System,
            unit: None,
            scopes: Scopes::All,
            hat: None,
        };
        Self {
            principal,
            credential: Credential::System,
            assurance: None,
            source: None,
            request,
            at,
            occurred_at: None,
        }
    }

    /// The same request, seen by Keepgate's own worker in `tenant`: for what happens before a caller is known, and for
    /// recording the refusal of a caller whose credential has died.
    #[must_use]
    pub const fn as_system(&self, tenant: TenantId) -> Self {
        let mut context = Self::system(tenant, self.request, self.at);
        context.source = self.source;
        context.occurred_at = self.occurred_at;
        context
    }

    /// The same, with the time that the caller's own clock said: a claim for the log, which decides nothing. Devices that
    /// were offline tell it.
    #[must_use]
    pub const fn told(mut self, occurred_at: Option<Timestamp>) -> Self {
        self.occurred_at = occurred_at;
        self
    }

    /// When it happened by the caller's own clock, where it told so.
    #[must_use]
    pub const fn occurred_at(&self) -> Option<Timestamp> {
        self.occurred_at
    }

    /// A worker's context that also knows where the request came from.
    #[must_use]
    pub const fn from_source(mut self, source: Option<IpAddr>) -> Self {
        self.source = source;
        self
    }

    /// Who is calling.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The tenant the operation happens in.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.principal.tenant
    }

    /// What the caller presented.
    #[must_use]
    pub const fn credential(&self) -> Credential {
        self.credential
    }

    /// When and how the caller proved who it is, for sessions.
    #[must_use]
    pub const fn assurance(&self) -> Option<Assurance> {
        self.assurance
    }

    /// Whether the caller proved who it is within [`FRESH`].
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.assurance.is_some_and(|proved| self.at <= proved.at + FRESH)
    }

    /// The address of the caller, if it came over a network.
    #[must_use]
    pub const fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// The request this belongs to.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.request
    }

    /// When the request arrived.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}
