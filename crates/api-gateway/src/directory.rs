//! A directory that has shown its token, and answers as SCIM has them (RFC 7644 section 3.12).
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use keepgate_gate::{Failure, Tx, operations::ScimError};
use keepgate_kernel::{Action, Entity, TenantId};
use keepgate_policy::{Command, CommandError, ErrorKind};
use keepgate_sso::scim::{Directory, InvalidScimToken, PatchError, ScimToken};
use keepgate_store::StoreError;
use serde_json::{Value, json};

use crate::{Api, Problem, visitor::Visitor};

/// A directory whose token is on record. What it asks for runs as the tenant's own worker, and the log names the directory.
#[derive(Debug, Clone)]
pub(crate) struct DirectoryCaller {
    pub(crate) directory: Directory,
    tenant: TenantId,
    visitor: Visitor,
}

/// An error in SCIM's own form.
#[derive(Debug, Clone)]
pub(crate) struct ScimProblem {
    status: StatusCode,
    kind: Option<&'static str>,
    detail: String,
}

impl ScimProblem {
    pub(crate) fn new(status: StatusCode, kind: Option<&'static str>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, kind, detail }
    }

    pub(crate) fn invalid(kind: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Some(kind), detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, None, "no such resource")
    }

    fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            None,
            "a dependency does not work at the moment; try again",
        )
    }
}

/// An answer in SCIM's own type.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    let kind = HeaderValue::from_static("application/scim+json");
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}

impl IntoResponse for ScimProblem {
    fn into_response(self) -> Response {
        let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.as_u16().to_string(), "detail": self.detail});
        if let (Some(kind), Some(members)) = (self.kind, body.as_object_mut()) {
            members.insert("scimType".to_owned(), json!(kind));
        }
        let mut response = answer(self.status, &body);
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"keepgate\""),
            );
        }
        if matches!(
            self.status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

/// Only what the middleware says of a directory: that it has to wait.
impl From<Problem> for ScimProblem {
    fn from(problem: Problem) -> Self {
        Self::new(problem.status(), None, "too many requests; try again later")
    }
}

impl From<PatchError> for ScimProblem {
    fn from(error: PatchError) -> Self {
        let kind = match error {
            PatchError::Syntax => "invalidSyntax",
            PatchError::Path => "invalidPath",
            PatchError::NoTarget => "noTarget",
            PatchError::TooMany => "tooMany",
            PatchError::User(_) | PatchError::DisplayName | PatchError::ExternalId | PatchError::Member => {
                "invalidValue"
            }
        };
        Self::invalid(kind, error.to_string())
    }
}

impl From<Failure<ScimError>> for ScimProblem {
    fn from(failure: Failure<ScimError>) -> Self {
        let error = match failure {
            Failure::Command(error) => error,
            Failure::Store(error) => error.into(),
            Failure::Denied(denied) => return Self::new(StatusCode::FORBIDDEN, None, denied.to_string()),
            Failure::KeyReused => return Self::unavailable(),
        };
        let text = error.to_string();
        match error {
            ScimError::TokenEnded => Self::new(StatusCode::UNAUTHORIZED, None, text),
            ScimError::NotFound => Self::not_found(),
            ScimError::Taken => Self::new(StatusCode::CONFLICT, Some("uniqueness"), text),
            ScimError::Invalid(error) => error.into(),
            ScimError::MemberUnknown => Self::invalid("invalidValue", text),
            ScimError::Unit(_) => Self::new(StatusCode::CONFLICT, None, text),
            ScimError::OutOfReach => Self::new(StatusCode::FORBIDDEN, None, text),
            ScimError::Store(error) => match error.kind() {
                ErrorKind::Refused(_) => Self::new(StatusCode::FORBIDDEN, None, "that is out of a directory's reach"),
                ErrorKind::Revoked => Self::new(StatusCode::UNAUTHORIZED, None, "the token is no longer valid"),
                ErrorKind::Conflict | ErrorKind::Failed(_) => {
                    tracing::warn!(error = %error, "a directory's operation failed");
                    Self::unavailable()
                }
            },
        }
    }
}

impl DirectoryCaller {
    /// Runs `command`.
    pub(crate) async fn perform<C>(&self, api: &Api, command: &C) -> Result<C::Output, ScimProblem>
    where
        C: Command<dyn Tx, Error = ScimError>,
    {
        self.visitor.entered();
        let context = self.visitor.worker(self.tenant);
        let done = api
            .gate
            .perform_for(&context, Some(self.directory.actor), command)
            .await?;
        Ok(done.output)
    }

    /// When the request arrived.
    pub(crate) const fn now(&self) -> keepgate_kernel::Timestamp {
        self.visitor.identity().at
    }
}

impl FromRequestParts<Api> for DirectoryCaller {
    type Rejection = ScimProblem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ScimProblem> {
        let visitor = Visitor::from_request_parts(parts, api)
            .await
            .map_err(|_| ScimProblem::unavailable())?;
        let bearer = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.split_once(' '));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, text)) = bearer else {
            return Err(ScimProblem::new(
                StatusCode::UNAUTHORIZED,
                None,
                "send `Authorization: Bearer` with the token of a directory",
            ));
        };
        let reason = match ScimToken::parse(text.trim()) {
            Err(InvalidScimToken) => "credential-malformed",
            Ok(token) => match known(api, &visitor, &token).await {
                Ok(Some(directory)) => {
                    visitor.verified(api, directory.actor).map_err(ScimProblem::from)?;
                    let tenant = token.tenant();
                    visitor.trail().identified(&visitor.worker(tenant));
                    return Ok(Self {
                        directory,
                        tenant,
                        visitor,
                    });
                }
                Ok(None) => "credential-unknown",
                Err(_) => return Err(ScimProblem::unavailable()),
            },
        };
        visitor.refused(api);
        visitor.entered();
        let (nobody, entity) = (visitor.worker(api.platform), Entity::collection("credentials"));
        let told = api
            .front_gate
            .refuse(&nobody, Action::AuthAuthenticate, &entity, reason)
            .await;
        told.map_err(|_| ScimProblem::unavailable())?;
        Err(ScimProblem::new(
            StatusCode::UNAUTHORIZED,
            None,
            "the token is not valid",
        ))
    }
}

/// Whose token it is; nobody's in a tenant that is suspended or does not exist.
async fn known(api: &Api, visitor: &Visitor, token: &ScimToken) -> Result<Option<Directory>, StoreError> {
    match api.front_gate.store().begin(&visitor.worker(token.tenant())).await {
        Ok(mut tx) => tx.directory(&api.scim_tokens.hash(token)).await,
        Err(StoreError::Revoked) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A JSON body of a directory.
#[derive(Debug)]
pub(crate) struct ScimBody(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for ScimBody {
    type Rejection = ScimProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, ScimProblem> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ScimProblem::new(rejection.status(), None, "the body could not be read to its end"))?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|_| ScimProblem::invalid("invalidSyntax", "the body is not JSON"))
    }
}
