//! What a log-in answers: a token, or a question.
use axum::http::StatusCode;
use keepgate_gate::SecondDeskError;
use keepgate_identity::{Challenged, Entered, FactorKind, LoggedIn, RecoveryCode};
use keepgate_kernel::{Timestamp, format_time};
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use super::passkeys::OptionsView;
use crate::{Api, Problem};

/// A token (RFC 6750).
#[derive(Serialize, ToSchema)]
pub(super) struct TokenView {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds it lives: eight hours.
    #[schema(example = 28800)]
    expires_in: i64,
    /// The session it names; revoking that ends the token at once.
    session_id: String,
    /// Ten codes that each replace the second factor once, when the first one has just been added. They are not shown again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovery_codes: Vec<String>,
}

impl TokenView {
    /// Issued at the instant the session counts from, so that its eight hours are whole.
    pub(super) fn of(api: &Api, session: &LoggedIn, at: Timestamp) -> Result<Self, Problem> {
        let issued = api.tokens.issue(session, at).map_err(|_| internal())?;
        Ok(Self {
            access_token: issued.expose().to_owned(),
            token_type: "Bearer",
            expires_in: issued.expires_in,
            session_id: session.session.to_string(),
            recovery_codes: Vec::new(),
        })
    }

    /// The same with codes to be shown.
    pub(super) fn with_codes(self, codes: &[RecoveryCode]) -> Self {
        let recovery_codes = codes.iter().map(|code| code.expose().to_owned()).collect();
        Self { recovery_codes, ..self }
    }
}

/// An authenticator app to be set up.
#[derive(Serialize, ToSchema)]
pub(super) struct TotpView {
    /// The seed in base32, for typing.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// The same for a QR code.
    uri: String,
}

/// A question for a second factor.
#[derive(Serialize, ToSchema)]
pub(super) struct MfaView {
    /// Send it back with the answer; five answers are looked at.
    challenge: String,
    /// `totp`, `passkey`, `recovery`; `totp-enrol`: set the app of `totp` up and send its first code.
    #[schema(example = json!(["totp", "recovery"]))]
    methods: Vec<&'static str>,
    /// Until when.
    expires_at: String,
    /// The app to be set up, with `totp-enrol`.
    #[serde(skip_serializing_if = "Option::is_none")]
    totp: Option<TotpView>,
    /// For `navigator.credentials.get`, with `passkey`.
    #[serde(skip_serializing_if = "Option::is_none")]
    passkey: Option<OptionsView>,
}

impl MfaView {
    fn of(api: &Api, challenged: &Challenged) -> Result<Self, Problem> {
        let request = api.second_desk.request(&challenged.challenge, &challenged.passkeys);
        let mut methods: Vec<&'static str> = challenged.factors.iter().map(|kind| kind.as_str()).collect();
        methods.sort_unstable();
        methods.dedup();
        // Without a name of its own the gateway can't ask a passkey.
        methods.retain(|method| *method != FactorKind::Passkey.as_str() || request.is_some());
        if challenged.pending.is_some() {
            methods.push("totp-enrol");
        }
        if challenged.recovery {
            methods.push("recovery");
        }
        Ok(Self {
            challenge: challenged.challenge.expose().to_owned(),
            methods,
            expires_at: format_time(challenged.expires_at),
            totp: challenged.pending.as_ref().map(|pending| TotpView {
                secret: pending.secret.expose_secret().to_owned(),
                uri: pending.uri.expose_secret().to_owned(),
            }),
            passkey: request.as_deref().map(OptionsView::of).transpose()?,
        })
    }
}

/// A token, or a question.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum EnteredView {
    /// A token.
    Token(TokenView),
    /// A question.
    Mfa {
        /// The question.
        mfa: Box<MfaView>,
    },
}

impl EnteredView {
    pub(super) fn of(api: &Api, entered: &Entered, at: Timestamp) -> Result<Self, Problem> {
        match entered {
            Entered::Session(session) => TokenView::of(api, session, at).map(Self::Token),
            Entered::Challenged(challenged) => Ok(Self::Mfa {
                mfa: Box::new(MfaView::of(api, challenged)?),
            }),
        }
    }
}

/// Why nothing could be prepared, over HTTP.
pub(super) fn second_desk(error: SecondDeskError) -> Problem {
    match error {
        SecondDeskError::Randomness(error) => super::no_randomness(error),
        SecondDeskError::NoPasskeys => Problem::new(StatusCode::CONFLICT, "passkeys-not-configured", error.to_string()),
        SecondDeskError::Vault(error) => error.into(),
        SecondDeskError::Store(error) => error.into(),
    }
}

pub(super) fn internal() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal-error",
        "something went wrong here",
    )
}
