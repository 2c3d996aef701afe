//! What the browser says about the ceremony (section 5.8.1).
use aws_lc_rs::digest;
use serde::Deserialize;

use super::{CLIENT_DATA, PasskeyError, RelyingParty};

/// Which ceremony an answer is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    Create,
    Get,
}

impl Ceremony {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// Browsers may add members at any time; a second member of the same name is an error.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<serde_json::Value>,
}

fn parse(json: &[u8]) -> Result<ClientData, PasskeyError> {
    if json.len() > CLIENT_DATA {
        return Err(PasskeyError::TooLarge);
    }
    serde_json::from_slice(json).map_err(|_| PasskeyError::ClientData)
}

/// The challenge that is answered, as the browser spells it: base64url.
pub(super) fn challenge_of(json: &[u8]) -> Option<String> {
    parse(json).ok().map(|data| data.challenge)
}

/// Checks all of it; the SHA-256 that authenticators sign.
pub(super) fn check(
    json: &[u8],
    ceremony: Ceremony,
    challenge: &str,
    party: &RelyingParty,
) -> Result<[u8; 32], PasskeyError> {
    let data = parse(json)?;
    if data.kind != ceremony.as_str() {
        return Err(PasskeyError::Type);
    }
    if data.challenge != challenge {
        return Err(PasskeyError::Challenge);
    }
    if data.origin != party.origin() {
        return Err(PasskeyError::Origin);
    }
    if data.cross_origin == Some(true) || data.top_origin.is_some() {
        return Err(PasskeyError::CrossOrigin);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, json).as_ref());
    Ok(hash)
}
