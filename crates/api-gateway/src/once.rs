//! The header `Idempotency-Key`.
use axum::{
    body::Bytes,
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use keepgate_audit::Receipt;
use keepgate_gate::{Answer, IdempotencyKey, Once, Tx};
use keepgate_policy::Command;
use serde::Serialize;

use crate::{Api, Caller, Problem, failures::Http};

/// What the caller sent to make its request repeatable: up to 255 visible ASCII characters. Optional.
#[derive(Debug)]
pub(crate) struct Idempotency {
    key: Option<String>,
    method: String,
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let key = match parts.headers.get("idempotency-key") {
            None => None,
            Some(value) => {
                let text = value.to_str().unwrap_or_default();
                if !(1..=255).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
                {
                    return Err(Problem::new(
                        StatusCode::BAD_REQUEST,
                        "invalid-idempotency-key",
                        "1 to 255 visible ASCII characters",
                    ));
                }
                Some(text.to_owned())
            }
        };
        Ok(Self {
            key,
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
        })
    }
}

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

impl Idempotency {
    /// Runs `command` once for this key and answers `status` with the body that `view` makes.
    pub(crate) async fn perform<C, V>(
        &self,
        api: &Api,
        caller: &Caller,
        raw: &Bytes,
        command: &C,
        status: StatusCode,
        view: impl Fn(&C::Output, &Receipt) -> V + Send + Sync,
    ) -> Result<Response, Problem>
    where
        C: Command<dyn Tx>,
        C::Error: Http,
        V: Serialize,
    {
        let render = |output: &C::Output, receipt: &Receipt| Answer {
            status: status.as_u16(),
            body: serde_json::to_vec(&view(output, receipt)).unwrap_or_default(),
        };
        let Some(key) = &self.key else {
            let done = caller.perform_with_receipt(api, command).await?;
            return Ok(answer(render(&done.output, &done.receipt), false));
        };
        caller.entered();
        let key = IdempotencyKey::new(key, &self.method, &self.path, raw);
        match api.gate.perform_once(caller.context(), &key, command, render).await? {
            Once::Fresh(fresh) => Ok(answer(fresh, false)),
            Once::Replayed(old) => Ok(answer(old, true)),
        }
    }
}

fn answer(answer: Answer, replayed: bool) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], answer.body).into_response();
    if replayed {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
