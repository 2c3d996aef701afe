//! Second factors: one's own, and taking away somebody else's lost ones.
use axum::{Json as Answer, extract::State, http::StatusCode};
use keepgate_identity::{
    EnrolTotp, FactorRecord, GRACE, ListFactors, OwnFactors, RecoveryCode, RemoveFactor, RenewRecoveryCodes, ResetMfa,
};
use keepgate_kernel::{FactorId, PrincipalId, format_time};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::token::second_desk;
use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(begin))
        .routes(routes!(confirm))
        .routes(routes!(renew))
        .routes(routes!(remove))
        .routes(routes!(reset))
}

/// A second factor.
#[derive(Debug, Serialize, ToSchema)]
struct FactorView {
    /// Its id.
    #[schema(example = "fac_01jd0000000000000000000000")]
    id: String,
    /// `totp` or `passkey`.
    #[serde(rename = "type")]
    #[schema(example = "totp")]
    kind: &'static str,
    /// What its owner calls it.
    name: String,
    /// `active`, or `pending` until its first proof.
    status: &'static str,
    /// When it was begun.
    created_at: String,
    /// When it last proved something.
    last_used_at: Option<String>,
}

impl From<&FactorRecord> for FactorView {
    fn from(factor: &FactorRecord) -> Self {
        Self {
            id: factor.id.to_string(),
            kind: factor.kind.as_str(),
            name: factor.name.clone(),
            status: factor.confirmed_at.map_or("pending", |_| "active"),
            created_at: format_time(factor.created_at),
            last_used_at: factor.last_used_at.map(format_time),
        }
    }
}

/// What somebody can prove a second time with.
#[derive(Debug, Serialize, ToSchema)]
struct OwnFactorsView {
    /// The factors.
    items: Vec<FactorView>,
    /// Whether the tenant requires a second factor at this level.
    required: bool,
    /// Until when one may go without, if it is required and there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_until: Option<String>,
    /// How many recovery codes are left.
    recovery_codes_left: u32,
}

impl From<&OwnFactors> for OwnFactorsView {
    fn from(own: &OwnFactors) -> Self {
        let standing = &own.standing;
        let graced = standing.is_required() && standing.factors.is_empty() && !standing.level.is_platform();
        Self {
            items: own.factors.iter().map(FactorView::from).collect(),
            required: standing.is_required(),
            grace_until: graced.then(|| format_time(standing.enrolled_at + GRACE)),
            recovery_codes_left: standing.recovery_codes,
        }
    }
}

/// An authenticator app to be set up. The seed is shown this once.
#[derive(Serialize, ToSchema)]
struct NewTotpView {
    /// Its id.
    #[schema(example = "fac_01jd0000000000000000000000")]
    id: String,
    /// The seed in base32, for typing.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// The same for a QR code.
    uri: String,
}

/// The first code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FirstCodeBody {
    /// Six digits.
    #[schema(value_type = String, example = "287082")]
    code: SecretString,
}

/// Codes that each replace the second factor once. They are shown this once.
#[derive(Serialize, ToSchema)]
struct RecoveryCodesView {
    /// Ten.
    recovery_codes: Vec<String>,
}

impl From<Vec<RecoveryCode>> for RecoveryCodesView {
    fn from(codes: Vec<RecoveryCode>) -> Self {
        let recovery_codes = codes.iter().map(|code| code.expose().to_owned()).collect();
        Self { recovery_codes }
    }
}

/// One's second factors, and whether one is required.
#[utoipa::path(get, path = "/v1/me/mfa", tag = "identity", security(("bearer" = [])),
    responses((status = 200, body = OwnFactorsView), (status = 403, body = ProblemBody)))]
async fn list(caller: Caller, State(api): State<Api>) -> Result<Answer<OwnFactorsView>, Problem> {
    let own = caller.perform_behind(&api, &ListFactors).await?;
    Ok(Answer(OwnFactorsView::from(&own)))
}

/// Begins to add an authenticator app. It counts once its first code is confirmed; one that is there stays until then.
#[utoipa::path(post, path = "/v1/me/mfa/totp", tag = "identity", security(("bearer" = [])),
    responses((status = 201, body = NewTotpView), (status = 403, body = ProblemBody)))]
async fn begin(caller: Caller, State(api): State<Api>) -> Result<(StatusCode, Answer<NewTotpView>), Problem> {
    let pending = api
        .second_desk
        .begin_totp(caller.context())
        .await
        .map_err(second_desk)?;
    let view = NewTotpView {
        id: pending.factor.to_string(),
        secret: pending.secret.expose_secret().to_owned(),
        uri: pending.uri.expose_secret().to_owned(),
    };
    caller.perform_behind(&api, &EnrolTotp { pending }).await?;
    Ok((StatusCode::CREATED, Answer(view)))
}

/// Confirms the authenticator app with its first code. From now on every log-in asks for it.
#[utoipa::path(post, path = "/v1/me/mfa/totp/confirm", tag = "identity", security(("bearer" = [])), request_body = FirstCodeBody,
    responses((status = 200, body = RecoveryCodesView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn confirm(
    caller: Caller,
    State(api): State<Api>,
    body: Json<FirstCodeBody>,
) -> Result<Answer<RecoveryCodesView>, Problem> {
    let command = api
        .second_desk
        .confirm_totp(caller.context(), &body.value.code)
        .await
        .map_err(second_desk)?;
    Ok(Answer(caller.perform_behind(&api, &command).await?.into()))
}

/// Replaces one's recovery codes, used or not.
#[utoipa::path(post, path = "/v1/me/mfa/recovery-codes", tag = "identity", security(("bearer" = [])),
    responses((status = 200, body = RecoveryCodesView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn renew(caller: Caller, State(api): State<Api>) -> Result<Answer<RecoveryCodesView>, Problem> {
    let codes = RecoveryCode::set().map_err(super::no_randomness)?;
    let command = RenewRecoveryCodes { codes };
    Ok(Answer(caller.perform_behind(&api, &command).await?.into()))
}

/// Removes one's own second factor. The last one stays where one is required.
#[utoipa::path(delete, path = "/v1/me/mfa/{factor}", tag = "identity", security(("bearer" = [])),
    params(("factor" = String, Path, description = "its id")),
    responses((status = 204), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn remove(caller: Caller, State(api): State<Api>, Path(factor): Path<FactorId>) -> Result<StatusCode, Problem> {
    caller.perform_behind(&api, &RemoveFactor { factor }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the second factors of a user of a lower level, who lost them, and ends the user's sessions.
#[utoipa::path(delete, path = "/v1/users/{user}/mfa", tag = "identity", security(("bearer" = [])),
    params(("user" = String, Path, description = "its id")),
    responses((status = 204), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn reset(caller: Caller, State(api): State<Api>, Path(user): Path<PrincipalId>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &ResetMfa { user }).await?;
    Ok(StatusCode::NO_CONTENT)
}
