//! Domain errors to problems: one exhaustive match for each operation's error, no wildcard. Only this file and its parts know which status
//! a refusal has.
use axum::http::StatusCode;
use keepgate_gate::Failure;
use keepgate_policy::{CommandError, Denied, ErrorKind};
use keepgate_store::StoreError;

use crate::Problem;

mod audit;
mod identity;
mod messages;
mod sso;

/// An error that HTTP can tell.
pub(crate) trait Http: CommandError {
    /// The status of a refusal. Failures of the store have their own.
    fn status(&self) -> StatusCode;

    /// JSON pointer to the member of the body that a refusal with 422 is about; empty: the body as a whole.
    fn pointer(&self) -> &'static str {
        ""
    }
}

/// `http!(AckError { Unknown => NOT_FOUND, Note => UNPROCESSABLE_ENTITY "/note" })`: every variant, `Store` excepted, which all
/// have. The text is the place in the body.
macro_rules! http {
    ($($error:ty { $($variant:pat => $status:ident $($pointer:literal)?),* $(,)? })*) => { $(
        impl crate::failures::Http for $error {
            fn status(&self) -> axum::http::StatusCode {
                match self {
                    $($variant => axum::http::StatusCode::$status,)*
                    Self::Store(_) => axum::http::StatusCode::SERVICE_UNAVAILABLE,
                }
            }

            fn pointer(&self) -> &'static str {
                match self {
                    $($variant => concat!("" $(, $pointer)?),)*
                    Self::Store(_) => "",
                }
            }
        }
    )* };
}
pub(crate) use http;

impl<E: Http> From<Failure<E>> for Problem {
    fn from(failure: Failure<E>) -> Self {
        match failure {
            Failure::Denied(denied) => denied.into(),
            Failure::KeyReused => Self::new(
                StatusCode::CONFLICT,
                "idempotency-key-reused",
                "the idempotency key belongs to another request",
            ),
            Failure::Store(error) => kind(error.kind(), StatusCode::SERVICE_UNAVAILABLE, "", &error),
            Failure::Command(error) => kind(error.kind(), error.status(), error.pointer(), &error),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::new(StatusCode::FORBIDDEN, denied.reason(), denied.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        kind(error.kind(), StatusCode::SERVICE_UNAVAILABLE, "", &error)
    }
}

impl From<keepgate_gate::VaultError> for Problem {
    fn from(error: keepgate_gate::VaultError) -> Self {
        StoreError::from(error).into()
    }
}

/// What a kind of error is over HTTP. The text of a refusal is written for callers; a failure's is not shown.
fn kind(kind: ErrorKind, status: StatusCode, pointer: &'static str, error: &dyn std::error::Error) -> Problem {
    match kind {
        ErrorKind::Refused("forbidden-by-database") => {
            Problem::new(StatusCode::FORBIDDEN, "forbidden", "that is out of your reach")
        }
        ErrorKind::Refused("key-destroyed") => Problem::new(StatusCode::GONE, "key-destroyed", error.to_string()),
        ErrorKind::Refused(slug) if status == StatusCode::UNPROCESSABLE_ENTITY => {
            Problem::invalid(pointer, error.to_string()).of_kind(slug)
        }
        ErrorKind::Refused(slug) => Problem::new(status, slug, error.to_string()),
        ErrorKind::Revoked => Problem::unauthenticated("credential-revoked", "the credential is no longer valid"),
        ErrorKind::Conflict => Problem::unavailable("busy", "too many changes at once; try again"),
        ErrorKind::Failed(slug @ ("database-unavailable" | "database-full")) => {
            tracing::warn!(error = chain(error), "dependency failed");
            Problem::unavailable(slug, "a dependency does not work at the moment; try again")
        }
        ErrorKind::Failed(slug) => {
            tracing::error!(reason = slug, error = chain(error), "operation failed");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal-error",
                "something went wrong here",
            )
        }
    }
}

/// The error and its sources, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
