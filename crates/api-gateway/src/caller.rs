//! The caller: the only source of an `OpContext` over HTTP.
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
};
use keepgate_audit::is_tellable;
use keepgate_gate::{Done, Tx};
use keepgate_identity::{AuthError, Presented};
use keepgate_kernel::{Action, Entity, Timestamp};
use keepgate_policy::{Command, OpContext};

use crate::{
    Api, Problem,
    failures::Http,
    middleware::{RequestIdentity, Trail},
    visitor::Visitor,
};

/// Somebody whose credential has been verified. A handler that takes a `Caller` is authenticated by its signature.
#[derive(Debug, Clone)]
pub struct Caller {
    context: OpContext,
    presented: Presented,
    trail: Trail,
}

impl Caller {
    /// Who, with what, from where, when.
    #[must_use]
    pub const fn context(&self) -> &OpContext {
        &self.context
    }

    /// What a revocation can be about, for an answer that lasts.
    pub(crate) const fn presented(&self) -> &Presented {
        &self.presented
    }

    /// When the request arrived; ids of new things carry it.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.context.at()
    }

    /// The doorway is being entered: it writes the entry.
    pub(crate) fn entered(&self) {
        self.trail.entered();
    }

    /// Whether `C` may be prepared for the caller at all.
    pub(crate) async fn admitted<C>(&self, api: &Api, entity: &Entity) -> Result<(), Problem>
    where
        C: Command<dyn Tx>,
        C::Error: Http,
    {
        self.entered();
        Ok(api.gate.admit::<C>(&self.context, entity).await?)
    }

    /// Runs `command`.
    pub(crate) async fn perform<C>(&self, api: &Api, command: &C) -> Result<C::Output, Problem>
    where
        C: Command<dyn Tx>,
        C::Error: Http,
    {
        Ok(self.perform_with_receipt(api, command).await?.output)
    }

    /// Runs `command`, one of the many reads that a verification is made of: an entry for a caller and a minute.
    pub(crate) async fn perform_seldom<C>(&self, api: &Api, command: &C) -> Result<C::Output, Problem>
    where
        C: Command<dyn Tx>,
        C::Error: Http,
    {
        self.entered();
        Ok(api.gate.perform_seldom(&self.context, command).await?)
    }

    /// Runs `command` for the caller as Keepgate's own worker: for what touches verifiers, secrets and sessions.
    pub(crate) async fn perform_behind<C>(&self, api: &Api, command: &C) -> Result<C::Output, Problem>
    where
        C: Command<dyn Tx>,
        C::Error: Http,
    {
        self.entered();
        Ok(api
            .gate
            .perform_behind(&api.front_gate, &self.context, command)
            .await?
            .output)
    }

    /// Runs `command`; the receipt of its audit entry comes along.
    pub(crate) async fn perform_with_receipt<C>(&self, api: &Api, command: &C) -> Result<Done<C::Output>, Problem>
    where
        C: Command<dyn Tx>,
        C::Error: Http,
    {
        self.entered();
        Ok(api.gate.perform(&self.context, command).await?)
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    #[expect(
        clippy::disallowed_methods,
        reason = "the credential has been verified two lines above"
    )]
    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let visitor = Visitor::from_request_parts(parts, api).await?;
        let bearer = bearer(parts)?;
        let RequestIdentity { id, at, source } = visitor.identity();
        match api.authenticator.authenticate(bearer, source, id, at).await {
            Ok(who) => {
                visitor.verified(api, who.principal.id)?;
                let context = OpContext::authenticated(who.principal, who.credential, who.assurance, source, id, at);
                visitor.trail().identified(&context);
                let occurred_at = occurred_at(parts)?;
                Ok(Self {
                    context: context.told(occurred_at),
                    presented: who.presented,
                    trail: visitor.trail().clone(),
                })
            }
            Err(error) => Err(refused(api, &visitor, error).await),
        }
    }
}

/// The caller's own clock, `Occurred-At` (RFC 3339, years 2000 to 2099): what was done while it was offline says when. It
/// goes into the audit entry, as a claim, and decides nothing.
fn occurred_at(parts: &Parts) -> Result<Option<Timestamp>, Problem> {
    let Some(value) = parts.headers.get("occurred-at") else {
        return Ok(None);
    };
    let told = value.to_str().ok().and_then(|text| text.parse().ok());
    let told = told.filter(|at| is_tellable(*at));
    told.map(Some)
        .ok_or_else(|| Problem::invalid("Occurred-At", "an instant (RFC 3339) of the years 2000 to 2099"))
}

/// The credential in `Authorization: Bearer …` (RFC 6750). Nowhere else: a query ends up in logs.
fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let missing = || {
        Problem::unauthenticated(
            "credential-missing",
            "send `Authorization: Bearer` with a token or an API key",
        )
    };
    let value = parts
        .headers
        .get(header::AUTHORIZATION)
        .ok_or_else(missing)?
        .to_str()
        .map_err(|_| missing())?;
    let (scheme, credential) = value.split_once(' ').ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty() {
        Ok(credential.trim())
    } else {
        Err(missing())
    }
}

/// A credential that is not believed is told to the platform's log: whose it would be is not known.
async fn refused(api: &Api, visitor: &Visitor, error: AuthError) -> Problem {
    visitor.entered();
    let reason = error.reason();
    if let AuthError::Store(error) = error {
        return error.into();
    }
    if matches!(error, AuthError::Guessing) {
        let problem = Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            reason,
            "too many wrong API keys came from this address",
        );
        return problem.retry_after(60);
    }
    if matches!(error, AuthError::Busy) {
        return Problem::unavailable(reason, "too many credentials are being verified; try again");
    }
    visitor.refused(api);
    let entity = Entity::collection("credentials");
    if api
        .front_gate
        .refuse(&visitor.worker(api.platform), Action::AuthAuthenticate, &entity, reason)
        .await
        .is_err()
    {
        return Problem::unavailable("audit-unavailable", "the audit log can't be written");
    }
    match error {
        AuthError::WrongAddress => Problem::new(
            StatusCode::FORBIDDEN,
            reason,
            "this API key may not be used from this address",
        ),
        _ => Problem::unauthenticated(reason, "the credential is not valid"),
    }
}
