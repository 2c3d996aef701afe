//! The outward port: one HTTP request.
use async_trait::async_trait;
pub use oauth2::{HttpRequest, HttpResponse};

/// How large an answer may be, in bytes.
pub(super) const ANSWER: usize = 256 * 1024;

/// Nothing came back: no connection, a forbidden address, too slow, too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request could not be made")]
pub struct FetchError;

/// Makes HTTP requests to addresses that a tenant configured. The implementation follows no redirect, goes to public addresses only
/// (and to loopback where the operator allows it), gives up after some seconds and after 256 KiB.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Makes `request`, once.
    ///
    /// # Errors
    /// [`FetchError`].
    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, FetchError>;
}

/// A JSON document.
pub(super) async fn json<T: serde::de::DeserializeOwned>(http: &dyn Fetch, url: &str) -> Result<T, FetchError> {
    let request = oauth2::http::Request::get(url)
        .header("accept", "application/json")
        .body(Vec::new())
        .map_err(|_| FetchError)?;
    let response = http.fetch(request).await?;
    let body = response.body();
    if response.status() != 200 || body.len() > ANSWER {
        return Err(FetchError);
    }
    serde_json::from_slice(body).map_err(|_| FetchError)
}
