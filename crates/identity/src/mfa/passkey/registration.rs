//! Adding a passkey (section 7.1).
use ciborium::Value;

use super::{
    ATTESTATION, CREDENTIAL_ID, Credential, PasskeyError, RelyingParty,
    authenticator_data::AuthenticatorData,
    cbor,
    client_data::{self, Ceremony},
};

/// What a browser answers to creation options.
#[derive(Debug, Clone)]
pub struct Created {
    /// The credential id.
    pub id: Vec<u8>,
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// The attestation object.
    pub attestation: Vec<u8>,
}

/// A passkey that may be put on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPasskey {
    /// Its credential id.
    pub id: Vec<u8>,
    /// Its key.
    pub credential: Credential,
    /// Signatures so far.
    pub count: u32,
}

impl Created {
    /// The challenge that is answered, in base64url.
    #[must_use]
    pub fn challenge(&self) -> Option<String> {
        client_data::challenge_of(&self.client_data)
    }

    /// Checks the answer to `challenge` (in base64url).
    ///
    /// # Errors
    /// [`PasskeyError`] names the check that failed.
    pub fn verify(&self, party: &RelyingParty, challenge: &str) -> Result<NewPasskey, PasskeyError> {
        if self.attestation.len() > ATTESTATION || self.id.len() > CREDENTIAL_ID {
            return Err(PasskeyError::TooLarge);
        }
        let client_hash = client_data::check(&self.client_data, Ceremony::Create, challenge, party)?;
        let (format, statement, data) = self.attestation_parts()?;
        let parsed = AuthenticatorData::parse(&data)?;
        parsed.check(party)?;
        let count = parsed.count;
        let attested = parsed.into_attested()?;
        if attested.id != self.id {
            return Err(PasskeyError::Credential);
        }
        self_attested(&format, statement, &attested.key, &data, &client_hash)?;
        Ok(NewPasskey {
            id: self.id.clone(),
            credential: attested.key,
            count,
        })
    }

    /// Format, statement, authenticator data (section 6.5.4).
    fn attestation_parts(&self) -> Result<(String, Value, Vec<u8>), PasskeyError> {
        let object =
            cbor::whole(&self.attestation).and_then(|value| cbor::fields(value, ["fmt", "attStmt", "authData"]));
        match object {
            Some([Value::Text(format), statement, Value::Bytes(data)]) => Ok((format, statement, data)),
            _ => Err(PasskeyError::Attestation),
        }
    }
}

/// Nobody's word is asked for, so nobody's is needed: `none`, or `packed` signed by the new key itself (sections 8.7 and 8.2), which
/// shows at most that the key is there. A statement with certificates was not asked for.
fn self_attested(
    format: &str,
    statement: Value,
    key: &Credential,
    data: &[u8],
    client_hash: &[u8; 32],
) -> Result<(), PasskeyError> {
    match format {
        "none" if statement.as_map().is_some_and(Vec::is_empty) => Ok(()),
        "packed" => match cbor::fields(statement, ["alg", "sig"]) {
            Some([Value::Integer(alg), Value::Bytes(signature)]) if alg == key.algorithm().cose().into() => {
                key.verify(data, client_hash, &signature)
            }
            _ => Err(PasskeyError::Attestation),
        },
        _ => Err(PasskeyError::Attestation),
    }
}
