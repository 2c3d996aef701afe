//! Access tokens: EdDSA JWTs (RFC 7519, RFC 8037, RFC 9068) that name a session for at most eight hours.
#[cfg(test)]
mod attacks;
mod claims;
mod jwks;
mod key;
mod ring;
mod tokens;

pub use claims::Claims;
pub use jwks::Jwks;
pub use key::{KeyState, NewSigningKey, PUBLISHED, SealedSeed, SigningKey, Turn, VERIFIES};
pub use ring::{KeyRing, kid_of, public_half};
pub use tokens::{AccessToken, TokenError, Tokens};
