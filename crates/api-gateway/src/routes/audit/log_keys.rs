//! The keys that sign the logs' checkpoints: their states and public halves, never the seeds.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use data_encoding::BASE64;
use keepgate_crypto_keys::{ListLogKeys, LogKeyState, LogKind, RotateLogKey};
use keepgate_gate::RingError;
use keepgate_kernel::{Entity, format_time};
use keepgate_merkle::note::VerifierKey;
use keepgate_store::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody, extract::Json, once::Idempotency};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(rotate))
}

/// A key that signs checkpoints.
#[derive(Debug, Serialize, ToSchema)]
struct LogKeyView {
    /// `own`: the tenant's log; `meta`: the log of logs.
    #[schema(example = "own")]
    log: &'static str,
    /// Its number, from 1.
    #[schema(example = 1)]
    version: i32,
    /// `active`; `retiring`: signs beside its successor; `gone`: signs no more, and its seed is destroyed within a minute.
    #[schema(example = "active")]
    state: &'static str,
    /// What verifies its signatures, old ones for ever (`c2sp.org/signed-note`).
    #[serde(skip_serializing_if = "Option::is_none")]
    vkey: Option<String>,
    /// The Ed25519 public key, base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    public: Option<String>,
    /// When it was made.
    created_at: String,
    /// Until when it signs beside its successor.
    #[serde(skip_serializing_if = "Option::is_none")]
    signs_until: Option<String>,
    /// When its seed was destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    destroyed_at: Option<String>,
}

impl LogKeyView {
    fn of(key: &LogKeyState, now: keepgate_kernel::Timestamp) -> Self {
        let vkey = key.origin.as_deref().zip(key.public).and_then(|(origin, public)| {
            let key = VerifierKey::from_public_key(origin.parse().ok()?, &public).ok()?;
            Some(key.to_string())
        });
        Self {
            log: match key.log {
                LogKind::Own => "own",
                LogKind::Meta => "meta",
            },
            version: key.version,
            state: match key.signs_until {
                None => "active",
                Some(until) if until > now => "retiring",
                Some(_) => "gone",
            },
            vkey,
            public: key.public.map(|public| BASE64.encode(&public)),
            created_at: format_time(key.created_at),
            signs_until: key.signs_until.map(format_time),
            destroyed_at: key.destroyed_at.map(format_time),
        }
    }
}

/// The keys of the own log, newest first, then those of the log of logs.
#[derive(Debug, Serialize, ToSchema)]
struct LogKeysView {
    /// Two hundred at most.
    items: Vec<LogKeyView>,
}

impl LogKeysView {
    fn of(keys: &[LogKeyState], now: keepgate_kernel::Timestamp) -> Self {
        Self {
            items: keys.iter().map(|key| LogKeyView::of(key, now)).collect(),
        }
    }
}

/// Which log moves on, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogKeyRotation {
    /// `own`, or for a global admin `meta`.
    #[serde(default)]
    #[schema(example = "own")]
    log: RotatedLog,
    /// Let the former key cease to sign at once: it was stolen. Verifiers that don't know the new key yet refuse what it signs.
    #[serde(default)]
    emergency: bool,
}

#[derive(Debug, Default, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RotatedLog {
    /// The tenant's log.
    #[default]
    Own,
    /// The log of logs.
    Meta,
}

/// The keys that sign the log, with their states and verifier keys.
#[utoipa::path(get, path = "/v1/log-keys", tag = "audit", security(("bearer" = [])),
    responses((status = 200, body = LogKeysView), (status = 403, body = ProblemBody)))]
async fn list(caller: Caller, State(api): State<Api>) -> Result<Answer<LogKeysView>, Problem> {
    let keys = caller.perform(&api, &ListLogKeys).await?;
    Ok(Answer(LogKeysView::of(&keys, api.gate.clock().now())))
}

/// Moves a log to a new signing key. For seven days both keys sign, so that verifiers have time to learn the new one; then the former
/// key's seed is destroyed.
#[utoipa::path(post, path = "/v1/log-keys:rotate", tag = "audit", security(("bearer" = [])), request_body = LogKeyRotation,
    responses((status = 200, body = LogKeysView), (status = 403, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "two keys sign already, or the log has not been signed yet")))]
async fn rotate(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<LogKeyRotation>,
) -> Result<Response, Problem> {
    let log = match body.value.log {
        RotatedLog::Own => LogKind::Own,
        RotatedLog::Meta => LogKind::Meta,
    };
    caller
        .admitted::<RotateLogKey>(&api, &Entity::collection("log-keys"))
        .await?;
    let fresh = api.gate.new_log_key(caller.context().tenant(), log).await;
    let command = RotateLogKey {
        log,
        fresh: fresh.map_err(no_key)?,
        emergency: body.value.emergency,
    };
    // The end of the former key is the database's time, which is later than the request's.
    let clock = api.gate.shared_clock();
    once.perform(&api, &caller, &body.raw, &command, StatusCode::OK, |keys, _| {
        LogKeysView::of(keys, clock.now())
    })
    .await
}

fn no_key(error: RingError) -> Problem {
    tracing::error!(%error, "no key to sign a log could be made");
    StoreError::from(error).into()
}
