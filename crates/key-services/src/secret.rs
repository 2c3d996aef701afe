//! What of an answer becomes a secret.
use std::collections::HashMap;

use keepgate_crypto_keys::{LARGEST_SECRET, Secret};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::IgnoredAny};
use zeroize::Zeroizing;

use crate::fault::Fault;

/// A value of a JSON object that holds secrets.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// A text.
    Text(SecretString),
    /// Anything else.
    Other(IgnoredAny),
}

/// The text under `name`.
pub fn field(fields: &HashMap<String, Field>, name: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    match fields.get(name) {
        Some(Field::Text(text)) => Ok(bytes(text)),
        Some(Field::Other(_)) => Err(Fault::Unusable("its field is not a text")),
        None => Err(Fault::Missing),
    }
}

/// The bytes of a text.
pub fn bytes(text: &SecretString) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.expose_secret().as_bytes().to_vec())
}

/// A secret of a size that can be used.
pub fn usable(value: Zeroizing<Vec<u8>>, version: String) -> Result<Secret, Fault> {
    if value.is_empty() {
        return Err(Fault::Unusable("it is empty"));
    }
    if value.len() > LARGEST_SECRET {
        return Err(Fault::Unusable("it is larger than 64 KiB"));
    }
    Ok(Secret { value, version })
}

/// The 32 bytes of a key that a service opened.
pub fn key(base64: &SecretString) -> Result<Zeroizing<[u8; 32]>, Fault> {
    let bytes = decode(base64)?;
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| Fault::WrongKey)?;
    Ok(Zeroizing::new(key))
}

/// Base64 of a secret.
pub fn decode(base64: &SecretString) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let decoded = data_encoding::BASE64.decode(base64.expose_secret().as_bytes());
    decoded
        .map(Zeroizing::new)
        .map_err(|_| Fault::Strange("its base64 is broken"))
}
