//! `POST /v1/hooks/twilio/{kind}`: what Twilio reports. Only signed requests are read; the rest are refused and told to the log.
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use keepgate_channels::{
    commands::{News, TakeCallback},
    providers::twilio::{CallbackKind, Reported, Signed, heard, verify},
};
use keepgate_kernel::{Action, AttemptId, Entity, LiveSecret};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Problem, ProblemBody,
    extract::{Path, Query},
    visitor::Visitor,
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(twilio))
}

/// The accounts whose callbacks are believed.
#[derive(Debug, Default)]
pub struct TwilioHooks {
    accounts: Vec<Account>,
}

#[derive(Debug)]
struct Account {
    auth_token: LiveSecret,
    callback_base: String,
}

impl TwilioHooks {
    /// No account: every callback is refused.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Believes what is signed with `auth_token`, also the one before while that counts, for a URL below `callback_base`, our address as Twilio calls it.
    #[must_use]
    pub fn with(mut self, auth_token: LiveSecret, callback_base: &str) -> Self {
        self.accounts.push(Account {
            auth_token,
            callback_base: callback_base.trim_end_matches('/').to_owned(),
        });
        self
    }

    /// The URL is rebuilt from the configuration, never from what a request claims about its host.
    fn believes(&self, path: &str, headers: &HeaderMap, fields: &[(String, String)]) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(signature) = text("x-twilio-signature") else {
            return false;
        };
        let settings = text("x-twilio-webhooks-signature-settings");
        self.accounts.iter().any(|account| {
            let url = format!("{}{path}", account.callback_base);
            let request = Signed {
                url: &url,
                fields,
                body: None,
                signature,
                settings,
            };
            account
                .auth_token
                .accepted()
                .iter()
                .any(|token| verify(token, &request))
        })
    }
}

/// Which attempt it is about.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HookQuery {
    /// Our attempt, as we wrote it into the URL.
    #[param(value_type = String)]
    attempt: AttemptId,
}

/// A status of a message or call, or the digit somebody pressed: `1` acknowledges.
#[utoipa::path(post, path = "/v1/hooks/twilio/{kind}", tag = "messages", params(HookQuery,
    ("kind" = String, Path, description = "`message`, `call` or `digits`")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded", description = "Twilio's fields, signed in `X-Twilio-Signature`"),
    responses((status = 200, content_type = "text/xml", body = String), (status = 204), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn twilio(
    visitor: Visitor,
    State(api): State<Api>,
    uri: Uri,
    Path(kind): Path<String>,
    query: Result<Query<HookQuery>, Problem>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let fields: Vec<(String, String)> = form_fields(&body);
    let path = uri.path_and_query().map_or_else(String::new, ToString::to_string);
    if !api.twilio.believes(&path, &headers, &fields) {
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "bad-signature",
            "the callback is not signed by a configured account",
        );
        return Err(refused(&api, &visitor, problem).await);
    }
    let (Some(kind), Ok(Query(query))) = (CallbackKind::parse(&kind), query) else {
        return Err(refused(&api, &visitor, Problem::not_found()).await);
    };
    let home = api
        .gate
        .store()
        .begin(&visitor.worker(api.platform))
        .await?
        .home_of_attempt(query.attempt)
        .await?;
    let Some(home) = home else {
        return Err(refused(&api, &visitor, Problem::not_found()).await);
    };
    let Reported {
        event,
        provider_ref,
        news,
    } = Reported::read(kind, &fields);
    let acknowledged = news == News::Digit('1');
    let command = TakeCallback {
        attempt: query.attempt,
        event,
        provider_ref,
        news,
    };
    visitor.perform(&api, home, None, &command).await?;
    Ok(match kind {
        CallbackKind::Digits => ([(header::CONTENT_TYPE, "text/xml")], heard(acknowledged)).into_response(),
        CallbackKind::Message | CallbackKind::Call => StatusCode::NO_CONTENT.into_response(),
    })
}

/// `application/x-www-form-urlencoded`, every field in its order, repeated ones too.
fn form_fields(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

/// What concerns no attempt of ours is told to the platform's log.
async fn refused(api: &Api, visitor: &Visitor, problem: Problem) -> Problem {
    visitor.entered();
    let worker = visitor.worker(api.platform);
    match api
        .gate
        .refuse(
            &worker,
            Action::ProviderCallback,
            &Entity::named("hook", "twilio"),
            problem.slug(),
        )
        .await
    {
        Ok(()) => problem,
        Err(error) => error.into(),
    }
}
