//! Proving a passkey (section 7.2).
use subtle::ConstantTimeEq;

use super::{
    CREDENTIAL_ID, Credential, PasskeyError, RelyingParty, SIGNATURE, USER_HANDLE,
    authenticator_data::AuthenticatorData,
    client_data::{self, Ceremony},
};

/// What a browser answers to request options.
#[derive(Debug, Clone)]
pub struct Asserted {
    /// The credential id.
    pub id: Vec<u8>,
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// The authenticator data.
    pub authenticator_data: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// Whose the credential is, if the authenticator says so.
    pub user_handle: Option<Vec<u8>>,
}

/// What is on record of a passkey.
#[derive(Debug, Clone, Copy)]
pub struct OnRecord<'a> {
    /// Its key.
    pub credential: &'a Credential,
    /// Its last count.
    pub count: i64,
    /// Its owner's handle.
    pub user_handle: &'a [u8],
}

impl Asserted {
    /// The challenge that is answered, in base64url.
    #[must_use]
    pub fn challenge(&self) -> Option<String> {
        client_data::challenge_of(&self.client_data)
    }

    /// Checks the answer to `challenge` (in base64url) by the credential on record whose id it names; the new count.
    ///
    /// # Errors
    /// [`PasskeyError`] names the check that failed. The count is checked last: it went back only where the signature is right.
    pub fn verify(&self, party: &RelyingParty, challenge: &str, record: OnRecord<'_>) -> Result<u32, PasskeyError> {
        let handle = self.user_handle.as_deref();
        if self.id.len() > CREDENTIAL_ID
            || self.signature.len() > SIGNATURE
            || handle.is_some_and(|handle| handle.len() > USER_HANDLE)
        {
            return Err(PasskeyError::TooLarge);
        }
        if handle.is_some_and(|handle| !bool::from(handle.ct_eq(record.user_handle))) {
            return Err(PasskeyError::UserHandle);
        }
        let client_hash = client_data::check(&self.client_data, Ceremony::Get, challenge, party)?;
        let data = AuthenticatorData::parse(&self.authenticator_data)?;
        data.check(party)?;
        if data.is_backup_eligible() != record.credential.is_backup_eligible() {
            return Err(PasskeyError::Backup);
        }
        record
            .credential
            .verify(&self.authenticator_data, &client_hash, &self.signature)?;
        let kept = data.count != 0 || record.count != 0;
        if kept && i64::from(data.count) <= record.count {
            return Err(PasskeyError::Count);
        }
        Ok(data.count)
    }
}
