//! Idempotency keys: what a caller sends so that a repeated request is not done twice.
use async_trait::async_trait;
use aws_lc_rs::digest;
use keepgate_store::StoreError;

mod memory;
#[cfg(feature = "postgres")]
mod postgres;

/// A caller's key and the hash of what it asks for. The key itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// SHA-256 of the operation and the key, so that one key may serve two operations.
    pub key: [u8; 32],
    /// SHA-256 of the request: method, path and body.
    pub request: [u8; 32],
}

impl IdempotencyKey {
    /// The key `text` of a request `method path` with `body`.
    #[must_use]
    pub fn new(text: &str, method: &str, path: &str, body: &[u8]) -> Self {
        Self {
            key: sha256(&[method.as_bytes(), path.as_bytes(), text.as_bytes()]),
            request: sha256(&[method.as_bytes(), path.as_bytes(), body]),
        }
    }
}

/// SHA-256 over length-prefixed parts, so that no two lists of parts look alike.
fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// What the first request was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, 200 to 299.
    pub status: u16,
    /// The body, as sent.
    pub body: Vec<u8>,
}

/// The answer as stored: sealed, because it may hold what is shown only once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The hash of the request it answered.
    pub request: [u8; 32],
    /// The entity of the first operation.
    pub entity: String,
    /// The HTTP status.
    pub status: u16,
    /// The sealed body.
    pub sealed: Vec<u8>,
}

/// How an idempotent operation ended well.
#[derive(Debug)]
pub enum Once {
    /// It was done now.
    Fresh(Answer),
    /// It had been done before; this is that answer again.
    Replayed(Answer),
}

/// The caller's own idempotency keys, as a capability of a transaction.
#[async_trait]
pub trait IdempotencyKeys: Send {
    /// The answer stored under `key` by this caller, `None` if there is none. Another caller's keys do not exist.
    async fn answer(&mut self, key: &[u8; 32]) -> Result<Option<StoredAnswer>, StoreError>;

    /// Stores an answer together with the work of this transaction.
    ///
    /// [`StoreError::Conflict`] when another transaction stored one first: running again finds it.
    async fn keep_answer(&mut self, key: &[u8; 32], answer: &StoredAnswer) -> Result<(), StoreError>;
}
