//! Extractors whose rejection is a [`Problem`].
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::Problem;

/// A member that may be absent, `null` or a value, told apart: `#[serde(default, deserialize_with = "nullable")]`.
pub(crate) fn nullable<'de, T, D>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Option::deserialize(from).map(Some)
}

/// A JSON body, read strictly: the content type must say JSON, unknown fields are refused by the types, and an error names the
/// place. Keeps the raw bytes for the idempotency hash.
#[derive(Debug)]
pub struct Json<T> {
    /// The value.
    pub value: T,
    /// The body as received.
    pub raw: Bytes,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "send application/json",
            ));
        }
        let raw = bytes(request, state).await?;
        let mut reader = serde_json::Deserializer::from_slice(&raw);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let pointer = pointer(error.path());
            Problem::invalid(pointer, plain(error.inner()))
        })?;
        reader
            .end()
            .map_err(|_| Problem::invalid("", "there is something after the JSON value"))?;
        Ok(Self { value, raw })
    }
}

/// As [`Json`], for a body that may be absent altogether.
#[derive(Debug)]
pub struct MaybeJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for MaybeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let raw = bytes(Request::from_parts(parts.clone(), body), state).await?;
        if raw.is_empty() {
            return Ok(Self(T::default()));
        }
        Json::from_request(Request::from_parts(parts, raw.into()), state)
            .await
            .map(|body| Self(body.value))
    }
}

/// A part of a body that has been read as JSON.
pub(crate) fn value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| Problem::invalid(pointer(error.path()), plain(error.inner())))
}

/// The body as received, within the limit.
pub(crate) async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| match rejection.into_response_status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "the body is over the limit",
            ),
            _ => Problem::new(
                StatusCode::BAD_REQUEST,
                "body-unreadable",
                "the body could not be read to its end",
            ),
        })
}

trait RejectionStatus {
    fn into_response_status(self) -> StatusCode;
}

impl RejectionStatus for axum::extract::rejection::BytesRejection {
    fn into_response_status(self) -> StatusCode {
        self.status()
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// JSON pointer (RFC 6901) of where reading stopped.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { variant } => Some(format!("/{variant}")),
            Segment::Unknown => None,
        })
        .collect()
}

/// The error without the position, and without the value: `serde_json` quotes what it found.
fn plain(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => {
            let text = error.to_string();
            let text = text.split(" at line ").next().unwrap_or_default();
            // "invalid type: string \"secret\", expected u8" must not repeat the secret
            match (text.split_once(':'), text.rsplit_once(", expected ")) {
                (Some((kind @ ("invalid type" | "invalid value"), _)), Some((_, wanted))) => {
                    format!("{kind}, expected {wanted}")
                }
                _ => text.to_owned(),
            }
        }
        _ => "not valid JSON".to_owned(),
    }
}

/// Query parameters; an unknown or malformed one is 422.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| {
                let text = rejection.body_text();
                let text = text
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text);
                Problem::invalid("?", text.split(':').next_back().unwrap_or_default().trim().to_owned())
            })
    }
}

/// A typed id in the path. What does not parse does not exist: 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| Problem::not_found())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(rename = "level")]
        _level: u8,
    }

    async fn read(kind: &str, body: &str) -> Result<Json<Body>, Problem> {
        let request = Request::builder()
            .header("content-type", kind)
            .body(body.to_owned().into())
            .unwrap();
        Json::from_request(request, &()).await
    }

    #[tokio::test]
    async fn a_wrong_value_is_named_but_not_repeated() {
        let problem = read("application/json", r#"{"level":"hunter2"}"#).await.unwrap_err();
        let body = serde_json::to_string(&problem.body(None)).unwrap();
        assert_eq!(problem.status(), 422);
        assert!(body.contains("\"pointer\":\"/level\""), "{body}");
        assert!(!body.contains("hunter2"), "{body}");
    }

    #[tokio::test]
    async fn a_body_that_may_be_absent_may_also_be_empty() {
        for kind in ["application/json", "text/plain"] {
            let request = |body: &str| {
                Request::builder()
                    .header("content-type", kind)
                    .body(body.to_owned().into())
                    .unwrap()
            };
            assert!(
                MaybeJson::<Option<Body>>::from_request(request(""), &()).await.is_ok(),
                "{kind}"
            );
            assert!(
                MaybeJson::<Option<Body>>::from_request(request("{"), &())
                    .await
                    .is_err(),
                "{kind}"
            );
        }
    }

    #[tokio::test]
    async fn only_json_is_read() {
        assert_eq!(read("text/plain", "{}").await.unwrap_err().status(), 415);
        assert_eq!(read("application/json", "{").await.unwrap_err().status(), 422);
        assert_eq!(
            read("application/json", r#"{"level":1} x"#).await.unwrap_err().status(),
            422
        );
        assert!(read("application/json; charset=utf-8", r#"{"level":1}"#).await.is_ok());
    }
}
