//! Errors as RFC 9457 `application/problem+json`. Nothing internal and nothing of the request is echoed.
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// One fault of a request body or query.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or `?name` for a query parameter.
    #[schema(example = "/contacts/0/address")]
    pub pointer: String,
    /// What is wrong there.
    #[schema(example = "not an E.164 phone number")]
    pub detail: String,
}

/// A problem, as every error answer has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProblemBody {
    /// Stable path that names the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "/problems/level-too-low")]
    pub kind: String,
    /// The kind of problem in words.
    #[schema(example = "Level too low")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 403)]
    pub status: u16,
    /// This occurrence, for people.
    #[schema(example = "this level may not do that")]
    pub detail: String,
    /// The request, as in `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "req_01jd0000000000000000000000")]
    pub request_id: Option<String>,
    /// Single faults, for 422.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// An error answer. The middleware adds the request id.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    slug: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem of the kind `slug`, which is the last part of its `type`.
    #[must_use]
    pub fn new(status: StatusCode, slug: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            slug,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// Whether it is of the kind `slug`.
    pub(crate) fn is(&self, slug: &str) -> bool {
        self.slug == slug
    }

    /// 401: no credential, or one that is not believed.
    #[must_use]
    pub fn unauthenticated(slug: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, slug, detail)
    }

    /// 422 with one fault.
    #[must_use]
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let errors = vec![FieldError {
            pointer: pointer.into(),
            detail: detail.clone(),
        }];
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request", detail)
        }
    }

    /// The same problem under another kind.
    #[must_use]
    pub const fn of_kind(mut self, slug: &'static str) -> Self {
        self.slug = slug;
        self
    }

    /// The same problem as part of a larger body: its pointers begin at `prefix`.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Self {
        for error in &mut self.errors {
            error.pointer.insert_str(0, prefix);
        }
        self
    }

    /// 404, also for what the caller may not know exists.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is no such thing here")
    }

    /// 503 with `Retry-After`, naming the dependency.
    #[must_use]
    pub fn unavailable(slug: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, slug, detail).retry_after(2)
    }

    /// Adds `Retry-After`, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The kind, as in `/problems/<slug>`.
    #[must_use]
    pub const fn slug(&self) -> &'static str {
        self.slug
    }

    /// The body; `request` is the text of the request id.
    #[must_use]
    pub fn body(&self, request: Option<String>) -> ProblemBody {
        ProblemBody {
            kind: format!("/problems/{}", self.slug),
            title: title(self.slug),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            request_id: request,
            errors: self.errors.clone(),
        }
    }

    /// The whole response; `request` is the text of the request id.
    #[must_use]
    pub fn response(&self, request: Option<String>) -> Response {
        let mut response = (self.status, Json(self.body(request))).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"keepgate\""),
            );
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.response(None);
        response.extensions_mut().insert(self);
        response
    }
}

/// `level-too-low` → `Level too low`.
fn title(slug: &str) -> String {
    let words = slug.replace('-', " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_reads_as_a_title() {
        assert_eq!(title("level-too-low"), "Level too low");
    }

    #[test]
    fn a_problem_says_when_to_come_back() {
        let response = Problem::unavailable("database-unavailable", "the database is unavailable").response(None);
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
}
