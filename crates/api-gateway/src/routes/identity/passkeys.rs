//! Passkeys: adding one, and asking one to prove again who somebody is.
use axum::{Json as Answer, extract::State, http::StatusCode};
use data_encoding::BASE64URL_NOPAD;
use keepgate_identity::passkey::{
    ATTESTATION, AUTHENTICATOR_DATA, Asserted, CLIENT_DATA, CREDENTIAL_ID, Created, SIGNATURE, USER_HANDLE,
};
use keepgate_kernel::SessionId;
use keepgate_policy::Credential;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::token::second_desk;
use crate::{Api, Caller, Problem, ProblemBody, extract::Json};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(confirm))
        .routes(routes!(ask))
}

/// What to call a passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyNameBody {
    /// 1 to 200 characters.
    #[schema(example = "the blue key")]
    name: Option<String>,
}

/// Options of WebAuthn Level 3: `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` reads what is inside.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OptionsView {
    /// For `navigator.credentials.create` or `.get`.
    #[serde(rename = "publicKey")]
    #[schema(value_type = Object)]
    public_key: Value,
}

impl OptionsView {
    /// `options` are JSON.
    pub(super) fn of(options: &str) -> Result<Self, Problem> {
        let public_key = serde_json::from_str(options).map_err(|_| super::token::internal())?;
        Ok(Self { public_key })
    }
}

/// A credential as `PublicKeyCredential.toJSON()` gives it. Browsers may add members; these are read.
#[derive(Deserialize, ToSchema)]
struct CreatedCredential {
    /// The credential id, base64url.
    id: String,
    /// `public-key`.
    #[serde(rename = "type")]
    kind: CredentialType,
    /// What the authenticator answered.
    response: AttestationResponse,
}

/// The one kind of credential there is.
#[derive(Deserialize, ToSchema)]
enum CredentialType {
    #[serde(rename = "public-key")]
    PublicKey,
}

/// A new credential.
#[derive(Deserialize, ToSchema)]
struct AttestationResponse {
    /// Base64url.
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    /// Base64url.
    #[serde(rename = "attestationObject")]
    attestation: String,
}

/// A signature as `PublicKeyCredential.toJSON()` gives it. Browsers may add members; these are read.
#[derive(Deserialize, ToSchema)]
pub(super) struct AssertedCredential {
    /// The credential id, base64url.
    id: String,
    /// `public-key`.
    #[serde(rename = "type")]
    kind: CredentialType,
    /// What the authenticator answered.
    response: AssertionResponse,
}

/// A signature.
#[derive(Deserialize, ToSchema)]
struct AssertionResponse {
    /// Base64url.
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    /// Base64url.
    #[serde(rename = "authenticatorData")]
    authenticator_data: String,
    /// Base64url.
    signature: String,
    /// Base64url.
    #[serde(rename = "userHandle")]
    user_handle: Option<String>,
}

/// A new passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyBody {
    /// What `navigator.credentials.create` gave.
    passkey: CreatedCredential,
}

/// A passkey is on record.
#[derive(Serialize, ToSchema)]
struct PasskeyView {
    /// Its id.
    #[schema(example = "fac_01jd0000000000000000000000")]
    id: String,
    /// Ten codes that each replace the second factor once, if there were none. They are not shown again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovery_codes: Vec<String>,
}

/// Strict base64url of at most `most` bytes.
fn bytes(text: &str, most: usize, place: &str) -> Result<Vec<u8>, Problem> {
    let decoded = (text.len() <= most * 4 / 3 + 3)
        .then(|| BASE64URL_NOPAD.decode(text.as_bytes()).ok())
        .flatten();
    let wrong = || {
        Problem::invalid(
            format!("/passkey/{place}"),
            format!("send base64url of at most {most} bytes"),
        )
    };
    decoded.filter(|bytes| bytes.len() <= most).ok_or_else(wrong)
}

impl CreatedCredential {
    fn read(&self) -> Result<Created, Problem> {
        let CredentialType::PublicKey = self.kind;
        Ok(Created {
            id: bytes(&self.id, CREDENTIAL_ID, "id")?,
            client_data: bytes(&self.response.client_data, CLIENT_DATA, "response/clientDataJSON")?,
            attestation: bytes(&self.response.attestation, ATTESTATION, "response/attestationObject")?,
        })
    }
}

impl AssertedCredential {
    pub(super) fn read(&self) -> Result<Asserted, Problem> {
        let CredentialType::PublicKey = self.kind;
        let answer = &self.response;
        let handle = answer.user_handle.as_deref();
        Ok(Asserted {
            id: bytes(&self.id, CREDENTIAL_ID, "id")?,
            client_data: bytes(&answer.client_data, CLIENT_DATA, "response/clientDataJSON")?,
            authenticator_data: bytes(
                &answer.authenticator_data,
                AUTHENTICATOR_DATA,
                "response/authenticatorData",
            )?,
            signature: bytes(&answer.signature, SIGNATURE, "response/signature")?,
            user_handle: handle
                .map(|handle| bytes(handle, USER_HANDLE, "response/userHandle"))
                .transpose()?,
        })
    }
}

/// The session of a person; keys have no passkeys.
fn session(caller: &Caller) -> Result<SessionId, Problem> {
    match caller.context().credential() {
        Credential::Session(session) => Ok(session),
        _ => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not-for-api-keys",
            "an API key has no second factor",
        )),
    }
}

/// Begins to add a passkey: options for `navigator.credentials.create`. Answer within five minutes, in the same session.
#[utoipa::path(post, path = "/v1/me/mfa/passkeys", tag = "identity", security(("bearer" = [])), request_body = PasskeyNameBody,
    responses((status = 200, body = OptionsView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn begin(
    caller: Caller,
    State(api): State<Api>,
    body: Json<PasskeyNameBody>,
) -> Result<Answer<OptionsView>, Problem> {
    let name = body.value.name.unwrap_or_else(|| "passkey".to_owned());
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "/name",
            "a name has 1 to 200 characters, none of them a control character",
        ));
    }
    let session = session(&caller)?;
    let desk = &api.second_desk;
    let command = desk
        .begin_passkey(caller.context(), session, name.to_owned())
        .map_err(second_desk)?;
    let wanted = caller.perform_behind(&api, &command).await?;
    Ok(Answer(OptionsView::of(&desk.creation(&wanted).map_err(second_desk)?)?))
}

/// Adds the passkey that the browser has made. From now on every log-in asks for a second factor.
#[utoipa::path(post, path = "/v1/me/mfa/passkeys/confirm", tag = "identity", security(("bearer" = [])), request_body = PasskeyBody,
    responses((status = 201, body = PasskeyView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn confirm(
    caller: Caller,
    State(api): State<Api>,
    body: Json<PasskeyBody>,
) -> Result<(StatusCode, Answer<PasskeyView>), Problem> {
    let created = body.value.passkey.read()?;
    let session = session(&caller)?;
    let command = api
        .second_desk
        .confirm_passkey(caller.context(), session, &created)
        .await
        .map_err(second_desk)?;
    let added = caller.perform_behind(&api, &command).await?;
    let recovery_codes = added
        .recovery_codes
        .iter()
        .map(|code| code.expose().to_owned())
        .collect();
    let view = PasskeyView {
        id: added.factor.to_string(),
        recovery_codes,
    };
    Ok((StatusCode::CREATED, Answer(view)))
}

/// Asks the caller's passkeys to prove again who the caller is: options for `navigator.credentials.get`, whose answer goes to
/// `POST /v1/auth/step-up` within five minutes, in the same session.
#[utoipa::path(post, path = "/v1/auth/step-up/passkey", tag = "identity", security(("bearer" = [])),
    responses((status = 200, body = OptionsView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn ask(caller: Caller, State(api): State<Api>) -> Result<Answer<OptionsView>, Problem> {
    let session = session(&caller)?;
    let desk = &api.second_desk;
    let command = desk.begin_step_up(caller.context(), session).map_err(second_desk)?;
    let known = caller.perform_behind(&api, &command).await?;
    let options = desk
        .request(&command.challenge, &known)
        .ok_or_else(super::token::internal)?;
    Ok(Answer(OptionsView::of(&options)?))
}
