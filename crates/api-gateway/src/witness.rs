//! The HTTP of a witness (`c2sp.org/tlog-witness`): two calls, plain text, nobody is asked who they are. Not part of the gateway's
//! own API: `keepgate witness` serves it alone, in another security domain.
use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use keepgate_merkle::witness::{MAX_REQUEST_BYTES, Refusal, SIZE_MEDIA_TYPE};
use keepgate_witness::{Refused, Witness};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The routes of a witness. Submission and monitoring have the same prefix.
pub fn witness_router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin}/checkpoint", get(checkpoint))
        .route("/livez", get(|| async { StatusCode::OK }))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .layer(map_response(never_sniffed))
        .with_state(witness)
}

async fn never_sniffed(mut response: Response) -> Response {
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// The signature lines; 409 with the size to go on from; or one line that says why not.
async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    // Signing with ML-DSA and waiting for the disk are no work for the thread that serves connections.
    let told = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await;
    match told {
        Ok(Ok(lines)) => ([(header::CONTENT_TYPE, TEXT)], lines).into_response(),
        Ok(Err(refused)) => refusal(&refused),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn checkpoint(State(witness): State<Arc<Witness>>, Path(origin): Path<String>) -> Response {
    let told = tokio::task::spawn_blocking(move || witness.checkpoint(&origin)).await;
    match told {
        Ok(Ok(Some(note))) => ([(header::CONTENT_TYPE, TEXT)], note.to_string()).into_response(),
        Ok(Ok(None)) => StatusCode::NOT_FOUND.into_response(),
        Ok(Err(error)) => refusal(&error.into()),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn refusal(refused: &Refused) -> Response {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match refused {
        Refused::Rule(Refusal::Stale { size }) => {
            (status, [(header::CONTENT_TYPE, SIZE_MEDIA_TYPE)], format!("{size}\n")).into_response()
        }
        Refused::Rule(rule) => {
            if rule.is_evidence() {
                tracing::error!(rule = %rule, "a log contradicts itself; its request was kept as evidence");
            }
            (status, [(header::CONTENT_TYPE, TEXT)], format!("{rule}\n")).into_response()
        }
        Refused::Store(_) | Refused::Cosign(_) | Refused::Note(_) => {
            tracing::error!(error = %refused, cause = ?std::error::Error::source(refused), "nothing is cosigned");
            let headers = [
                (header::CONTENT_TYPE, TEXT),
                (header::RETRY_AFTER, HeaderValue::from_static("10")),
            ];
            (status, headers, format!("{refused}\n")).into_response()
        }
    }
}
