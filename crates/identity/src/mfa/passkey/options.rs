//! What a browser is asked (sections 5.4 and 5.5), in the JSON of `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON`.
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::{Algorithm, RelyingParty};
use crate::CHALLENGE_LIFE;

fn descriptors(ids: &[Vec<u8>]) -> Value {
    ids.iter()
        .map(|id| json!({"type": "public-key", "id": BASE64URL_NOPAD.encode(id)}))
        .collect()
}

fn timeout() -> i64 {
    CHALLENGE_LIFE.num_milliseconds()
}

/// Asks for a new credential of the account `name`, on an authenticator that has none of `known`.
#[must_use]
pub fn creation_options(
    party: &RelyingParty,
    challenge: &str,
    user_handle: &[u8],
    name: &str,
    known: &[Vec<u8>],
) -> Value {
    let algorithms: Vec<Value> = Algorithm::ALL
        .iter()
        .map(|algorithm| json!({"type": "public-key", "alg": algorithm.cose()}))
        .collect();
    json!({
        "rp": {"id": party.id(), "name": "Keepgate"},
        "user": {"id": BASE64URL_NOPAD.encode(user_handle), "name": name, "displayName": name},
        "challenge": challenge,
        "pubKeyCredParams": algorithms,
        "timeout": timeout(),
        "excludeCredentials": descriptors(known),
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "attestation": "none",
    })
}

/// Asks for a signature by one of `known`.
#[must_use]
pub fn request_options(party: &RelyingParty, challenge: &str, known: &[Vec<u8>]) -> Value {
    json!({
        "challenge": challenge,
        "timeout": timeout(),
        "rpId": party.id(),
        "allowCredentials": descriptors(known),
        "userVerification": "required",
    })
}
