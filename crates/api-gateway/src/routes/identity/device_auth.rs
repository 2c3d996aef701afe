//! Devices at the door: a code with a key, a challenge, a signature.
use axum::{Json as Answer, extract::State};
use data_encoding::BASE64;
use keepgate_gate::Failure;
use keepgate_identity::{Challenge, DeviceForm, DeviceKey, DeviceLoginError, JoinRefused};
use keepgate_kernel::{PrincipalId, format_time};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{desk, locked_out},
    token::TokenView,
};
use crate::{Api, Problem, ProblemBody, extract::Json, visitor::Visitor};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(join))
        .routes(routes!(challenge))
        .routes(routes!(login))
}

/// A device's one-time code, and the key it is known by from then on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct JoinBody {
    /// `kge_…`, from whoever leads the device; valid for 24 hours, once.
    #[schema(value_type = String)]
    code: SecretString,
    /// An Ed25519 public key: 32 bytes in base64.
    #[schema(example = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")]
    public_key: String,
    /// Ed25519 over the lines `keepgate-device-join-v1`, the code and `public_key`, in base64. A wrong one is refused and leaves the
    /// code good; without one, the first log-in shows whether the device holds the key.
    signature: Option<String>,
}

/// A device that has joined.
#[derive(Debug, Serialize, ToSchema)]
struct JoinedView {
    /// Its id: what it logs in as, with its key.
    #[schema(example = "dev_01jd0000000000000000000000")]
    device: String,
    /// `ed25519`.
    credential: &'static str,
}

/// Who wants to log in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChallengeBody {
    /// The device.
    #[schema(value_type = String, example = "dev_01jd0000000000000000000000")]
    device: PrincipalId,
}

/// What the device signs.
#[derive(Debug, Serialize, ToSchema)]
struct ChallengeView {
    /// `kgc_…`: good for this device, once.
    challenge: String,
    /// Until when: a minute.
    expires_at: String,
}

impl From<&Challenge> for ChallengeView {
    fn from(challenge: &Challenge) -> Self {
        Self {
            challenge: challenge.as_str().to_owned(),
            expires_at: format_time(challenge.expires_at()),
        }
    }
}

/// A signed challenge.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeviceLoginBody {
    /// The device.
    #[schema(value_type = String, example = "dev_01jd0000000000000000000000")]
    device: PrincipalId,
    /// The challenge, as it came.
    challenge: String,
    /// Ed25519 over the lines `keepgate-device-login-v1`, the device's id and the challenge (no line feed at the end): 64 bytes in base64.
    signature: String,
}

fn signature(text: &str) -> Result<Vec<u8>, Problem> {
    let bytes = BASE64.decode(text.as_bytes()).ok();
    bytes
        .filter(|bytes| bytes.len() == 64)
        .ok_or_else(|| Problem::invalid("/signature", "64 bytes in base64"))
}

/// Uses a device's one-time code: its key is on record from then on, in place of any before, whose sessions end.
#[utoipa::path(post, path = "/v1/devices/enrol", tag = "identity", request_body = JoinBody,
    responses((status = 200, body = JoinedView), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn join(visitor: Visitor, State(api): State<Api>, body: Json<JoinBody>) -> Result<Answer<JoinedView>, Problem> {
    let key =
        DeviceKey::parse(&body.value.public_key).map_err(|error| Problem::invalid("/public_key", error.to_string()))?;
    let signed = body.value.signature.as_deref().map(signature).transpose()?;
    let (seen, code) = (visitor.identity(), body.value.code.expose_secret());
    let prepared = api
        .front_desk
        .join_device(code, key, signed.as_deref(), seen.id, seen.source, seen.at)
        .await;
    let prepared = prepared.map_err(|refused| match refused {
        JoinRefused::Signature => Problem::invalid("/signature", "not by that key over this code"),
        JoinRefused::Desk(error) => desk(error),
    })?;
    visitor.entered();
    let done = api
        .front_gate
        .perform_for(&prepared.context, prepared.actor, &prepared.command)
        .await?;
    Ok(Answer(JoinedView {
        device: done.output.to_string(),
        credential: "ed25519",
    }))
}

/// Asks for a challenge to sign. The answer is of the same form whether or not there is such a device.
#[utoipa::path(post, path = "/v1/auth/device/challenge", tag = "identity", request_body = ChallengeBody,
    responses((status = 200, body = ChallengeView), (status = 422, body = ProblemBody)))]
async fn challenge(
    visitor: Visitor,
    State(api): State<Api>,
    body: Json<ChallengeBody>,
) -> Result<Answer<ChallengeView>, Problem> {
    let seen = visitor.identity();
    let prepared = api
        .front_desk
        .device_challenge(body.value.device, seen.id, seen.source, seen.at)
        .await
        .map_err(desk)?;
    visitor.entered();
    let done = api
        .front_gate
        .perform_for(&prepared.context, prepared.actor, &prepared.command)
        .await?;
    Ok(Answer(ChallengeView::from(&done.output)))
}

/// Opens a session for a device that has signed its challenge: a token of level 1. An unknown device, a wrong signature and a used
/// challenge look alike; an address that fails too often on a device has to wait.
#[utoipa::path(post, path = "/v1/auth/device", tag = "identity", request_body = DeviceLoginBody,
    responses((status = 200, body = TokenView), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 429, body = ProblemBody, description = "locked out for a while, see `Retry-After`")))]
async fn login(
    visitor: Visitor,
    State(api): State<Api>,
    body: Json<DeviceLoginBody>,
) -> Result<Answer<TokenView>, Problem> {
    let seen = visitor.identity();
    let signature = signature(&body.value.signature)?;
    let form = DeviceForm {
        device: body.value.device,
        challenge: &body.value.challenge,
        signature: &signature,
    };
    let prepared = api
        .front_desk
        .device_login(&form, seen.id, seen.source, seen.at)
        .await
        .map_err(desk)?;
    visitor.entered();
    match api
        .front_gate
        .perform_for(&prepared.context, prepared.actor, &prepared.command)
        .await
    {
        Ok(done) => Ok(Answer(TokenView::of(&api, &done.output, seen.at)?)),
        Err(Failure::Command(DeviceLoginError::LockedOut { retry_after })) => Err(locked_out(retry_after)),
        Err(failure) => Err(failure.into()),
    }
}
