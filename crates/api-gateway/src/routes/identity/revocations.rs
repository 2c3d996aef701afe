//! Revoking by hand.
use axum::{extract::State, http::StatusCode, response::Response};
use keepgate_identity::{Killed, Revoke, Target};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::signing_keys::no_key;
use crate::{Api, Caller, Problem, ProblemBody, extract::Json, once::Idempotency};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create))
}

/// What to revoke.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRevocation {
    /// `session`, `principal`, `key` or `tenant`; for a global admin also `kid` (a signing key) and `all` (every session).
    #[schema(example = "principal")]
    kind: String,
    /// Its id; absent for `all`.
    #[schema(example = "usr_01jd0000000000000000000000")]
    id: Option<String>,
    /// Why: 1 to 200 characters.
    #[schema(example = "laptop stolen")]
    reason: String,
}

/// What was revoked.
#[derive(Debug, Serialize, ToSchema)]
struct RevocationView {
    /// As asked for.
    kind: String,
    /// As asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// How many sessions ended.
    sessions: u64,
    /// How many API keys ended.
    keys: u64,
}

fn target(kind: &str, id: Option<&str>) -> Result<Target, Problem> {
    fn id_of<T: std::str::FromStr>(id: Option<&str>) -> Result<T, Problem> {
        let wrong = || Problem::invalid("/id", "the id of what is to be revoked");
        id.ok_or_else(wrong)?.parse().map_err(|_| wrong())
    }
    match (kind, id) {
        ("session", id) => id_of(id).map(Target::Session),
        ("principal", id) => id_of(id).map(Target::Principal),
        ("key", id) => id_of(id).map(Target::Key),
        ("tenant", id) => id_of(id).map(Target::Tenant),
        ("kid", Some(kid)) if kid.len() == 16 && kid.bytes().all(is_base64url) => Ok(Target::Kid(kid.to_owned())),
        ("kid", _) => Err(Problem::invalid("/id", "the 16 characters of a key's name")),
        ("all", None) => Ok(Target::All),
        ("all", Some(_)) => Err(Problem::invalid("/id", "all has no id")),
        _ => Err(Problem::invalid(
            "/kind",
            "`session`, `principal`, `key`, `tenant`, `kid` or `all`",
        )),
    }
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Revokes at once, on every instance and in the database. An owner within its own tenant, a global admin any tenant, signing keys and
/// everything. Whoever revokes what it holds itself has to log in again.
#[utoipa::path(post, path = "/v1/revocations", tag = "identity", security(("bearer" = [])), request_body = NewRevocation,
    responses((status = 201, body = RevocationView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
async fn create(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewRevocation>,
) -> Result<Response, Problem> {
    let NewRevocation { kind, id, reason } = body.value;
    let target = target(&kind, id.as_deref())?;
    let spare = match target {
        Target::Kid(_) => Some(api.gate.new_signing_key().await.map_err(no_key)?),
        _ => None,
    };
    let command = Revoke { target, reason, spare };
    once.perform(
        &api,
        &caller,
        &body.raw,
        &command,
        StatusCode::CREATED,
        |killed: &Killed, _| RevocationView {
            kind: kind.clone(),
            id: id.clone(),
            sessions: killed.sessions,
            keys: killed.keys,
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_known_kind_and_an_id_of_that_kind() {
        let nobody = "usr_00000000000000000000000000";
        assert!(target("principal", Some(nobody)).is_ok());
        assert!(target("kid", Some("kPrK_qmxVWaYVA9w")).is_ok());
        assert_eq!(target("all", None).unwrap(), Target::All);
        for (kind, id) in [
            ("session", Some(nobody)),
            ("principal", None),
            ("tenant", Some("*")),
            ("kid", Some("../../../dev/nul")),
            ("kid", None),
            ("all", Some("x")),
            ("global", None),
            ("", None),
        ] {
            assert!(target(kind, id).is_err(), "{kind} {id:?}");
        }
    }
}
