//! A request before anybody has been identified: log-ins, enrolments, providers' callbacks.
use axum::{extract::FromRequestParts, http::request::Parts};
use keepgate_kernel::{PrincipalId, TenantId};
use keepgate_policy::{Command, OpContext};

use crate::{
    Api, Problem,
    failures::Http,
    middleware::{Paid, RequestIdentity, Trail, rate_limited},
};

/// Who is asking is not known yet; what follows runs as Keepgate's own worker.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    identity: RequestIdentity,
    trail: Trail,
    paid: Option<Paid>,
}

impl Visitor {
    /// The worker's context of this request in `tenant`.
    pub(crate) fn worker(&self, tenant: TenantId) -> OpContext {
        let RequestIdentity { id, at, source } = self.identity;
        OpContext::system(tenant, id, at).from_source(source)
    }

    /// Runs `command` in `tenant` on behalf of `actor`.
    pub(crate) async fn perform<C>(
        &self,
        api: &Api,
        tenant: TenantId,
        actor: Option<PrincipalId>,
        command: &C,
    ) -> Result<C::Output, Problem>
    where
        C: Command<dyn keepgate_gate::Tx>,
        C::Error: Http,
    {
        self.trail.entered();
        Ok(api.gate.perform_for(&self.worker(tenant), actor, command).await?.output)
    }

    /// The doorway is being entered by other means.
    pub(crate) fn entered(&self) {
        self.trail.entered();
    }

    /// The credential has been verified: from now on its principal pays for requests with it.
    pub(crate) fn verified(&self, api: &Api, principal: PrincipalId) -> Result<(), Problem> {
        let Some(paid) = &self.paid else { return Ok(()) };
        api.limiter.verified(paid, principal).map_err(rate_limited)
    }

    /// A report of a leaked key is taken from the bucket that its address has for those.
    pub(crate) fn reports(&self, api: &Api) -> Result<(), Problem> {
        api.limiter.report(self.identity.source).map_err(rate_limited)
    }

    /// The credential is nobody's: the request is its address's.
    pub(crate) fn refused(&self, api: &Api) {
        if let Some(paid) = &self.paid {
            api.limiter.refused(paid);
        }
    }

    pub(crate) const fn identity(&self) -> RequestIdentity {
        self.identity
    }

    pub(crate) const fn trail(&self) -> &Trail {
        &self.trail
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let missing = || {
            Problem::new(
                axum::http::StatusCode::INTERNAL_SERVER_ERROR,
                "internal-error",
                "something went wrong here",
            )
        };
        let identity = *parts.extensions.get::<RequestIdentity>().ok_or_else(missing)?;
        let trail = parts.extensions.get::<Trail>().ok_or_else(missing)?.clone();
        let paid = parts.extensions.get::<Paid>().cloned();
        Ok(Self { identity, trail, paid })
    }
}
