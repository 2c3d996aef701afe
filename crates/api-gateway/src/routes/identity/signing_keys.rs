//! The keys that sign tokens: the public ones for everybody, their states for the platform.
use axum::{
    Json as Answer,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use keepgate_gate::RingError;
use keepgate_identity::{ListSigningKeys, RotateSigningKeys, SigningKey};
use keepgate_kernel::{Timestamp, format_time};
use keepgate_store::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody, extract::Json, once::Idempotency};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(jwks))
        .routes(routes!(list))
        .routes(routes!(rotate))
}

/// The public keys of tokens (RFC 7517): the one that signs, the next one, and those that still verify. May be kept for five minutes.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "identity", responses((status = 200, content_type = "application/json")))]
async fn jwks(State(api): State<Api>) -> Response {
    (
        [(header::CACHE_CONTROL, "public, max-age=300")],
        Answer(api.tokens.jwks(api.gate.clock().now())),
    )
        .into_response()
}

/// A key that signs tokens.
#[derive(Debug, Serialize, ToSchema)]
struct SigningKeyView {
    /// Its name in tokens and in the public document.
    #[schema(example = "kPrK_qmxVWaYVA9w")]
    kid: String,
    /// `pending`, `active`, `retired` or `gone`.
    #[schema(example = "active")]
    state: &'static str,
    /// When it was made and published.
    created_at: String,
    /// When a pending one may begin to sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    ripe_at: Option<String>,
    /// When it began to sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    activated_at: Option<String>,
    /// When it ceased to.
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<String>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    /// When what it signed is worth nothing any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    verifies_until: Option<String>,
}

impl SigningKeyView {
    fn of(key: &SigningKey, at: Timestamp) -> Self {
        let pending = key.activated_at.is_none() && key.revoked_at.is_none();
        Self {
            kid: key.kid.clone(),
            state: key.state(at).as_str(),
            created_at: format_time(key.created_at),
            ripe_at: pending.then(|| format_time(key.ripe_at())),
            activated_at: key.activated_at.map(format_time),
            retired_at: key.retired_at.map(format_time),
            revoked_at: key.revoked_at.map(format_time),
            verifies_until: key.verifies_until().map(format_time),
        }
    }
}

/// The keys, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct SigningKeysView {
    /// A hundred at most.
    items: Vec<SigningKeyView>,
}

impl SigningKeysView {
    fn of(keys: &[SigningKey], at: Timestamp) -> Self {
        let items = keys.iter().map(|key| SigningKeyView::of(key, at)).collect();
        Self { items }
    }
}

/// How to move on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// Sign with a new key at once, although nobody can have seen it yet. Verifiers that keep the public keys refuse its tokens until
    /// they have read them again.
    #[serde(default)]
    emergency: bool,
}

/// The keys that sign tokens, with their states; platform levels only.
#[utoipa::path(get, path = "/v1/signing-keys", tag = "identity", security(("bearer" = [])),
    responses((status = 200, body = SigningKeysView), (status = 403, body = ProblemBody)))]
async fn list(caller: Caller, State(api): State<Api>) -> Result<Answer<SigningKeysView>, Problem> {
    let keys = caller.perform(&api, &ListSigningKeys).await?;
    Ok(Answer(SigningKeysView::of(&keys, caller.now())))
}

/// Moves the keys on: publishes a pending one, or, 24 hours later, lets it sign. Tokens of the former key go on until they end.
#[utoipa::path(post, path = "/v1/signing-keys:rotate", tag = "identity", security(("bearer" = [])), request_body = Rotation,
    responses((status = 200, body = SigningKeysView), (status = 403, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "the pending key is younger than 24 hours")))]
async fn rotate(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<Rotation>,
) -> Result<Response, Problem> {
    let fresh = api.gate.new_signing_key().await.map_err(no_key)?;
    let command = RotateSigningKeys {
        fresh,
        emergency: body.value.emergency,
    };
    let at = caller.now();
    once.perform(&api, &caller, &body.raw, &command, StatusCode::OK, |keys, _| {
        SigningKeysView::of(keys, at)
    })
    .await
}

pub(super) fn no_key(error: RingError) -> Problem {
    tracing::error!(%error, "no key to sign tokens could be made");
    StoreError::from(error).into()
}
