//! What went wrong at a service, before it is known whether a key or a secret was asked for.
use std::error::Error;

use keepgate_crypto_keys::{KeyServiceError, SecretError};

/// One of the ways in which services fail.
#[derive(Debug)]
pub enum Fault {
    /// No answer in time.
    Slow,
    /// Not reached, or a failure on its side.
    Down(Box<dyn Error + Send + Sync>),
    /// Too many calls.
    Throttled,
    /// Not let in, or not to this.
    Denied(&'static str),
    /// No such key, secret or version.
    Missing,
    /// It does not open.
    WrongKey,
    /// The version is suspended, deleted or destroyed.
    Revoked,
    /// The secret is there and can't be used.
    Unusable(&'static str),
    /// An answer without sense.
    Strange(&'static str),
    /// Not with this key.
    Unsupported(&'static str),
}

/// A status that names a failure on their side.
#[derive(Debug, thiserror::Error)]
#[error("it answered with status {0}")]
pub struct Failed(pub u16);

impl Fault {
    /// What a status means everywhere, where nothing in the answer says it better.
    pub fn of_status(status: u16) -> Self {
        match status {
            300..=399 => Self::Strange("it leads elsewhere, and nobody follows"),
            401 | 403 => Self::Denied("it refuses our credentials, or they do not suffice"),
            404 => Self::Missing,
            408 | 504 => Self::Slow,
            429 => Self::Throttled,
            500.. => Self::Down(Failed(status).into()),
            _ => Self::Strange("an unexpected status"),
        }
    }
}

impl From<Fault> for KeyServiceError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Slow => Self::Slow,
            Fault::Down(source) => Self::Down(source),
            Fault::Throttled => Self::Throttled,
            Fault::Denied(why) => Self::Denied(why),
            Fault::Missing => Self::NoKey,
            Fault::WrongKey => Self::WrongKey,
            Fault::Revoked => Self::Revoked,
            Fault::Unusable(why) | Fault::Strange(why) => Self::Strange(why),
            Fault::Unsupported(why) => Self::Unsupported(why),
        }
    }
}

impl From<Fault> for SecretError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Slow => Self::Slow,
            Fault::Down(source) => Self::Down(source),
            Fault::Throttled => Self::Throttled,
            Fault::Denied(why) => Self::Denied(why),
            Fault::Missing => Self::NotFound,
            Fault::Revoked => Self::Revoked,
            Fault::Unusable(why) => Self::Unusable(why),
            Fault::Strange(why) | Fault::Unsupported(why) => Self::Strange(why),
            Fault::WrongKey => Self::Strange("it speaks of a key"),
        }
    }
}
