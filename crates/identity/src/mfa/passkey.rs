//! Passkeys: what a relying party has to check, from W3C Web Authentication Level 3, sections 7.1 and 7.2, for the two algorithms that
//! authenticators have in common (ES256 and Ed25519).
//!
//! The attestation is not trusted and proves nothing: a passkey is whatever a person with a fresh session has added. Everything else
//! of the ceremonies is checked, the strict way where the specification leaves a choice. Nothing here touches the database; whether a
//! challenge is still good and a count has grown, the transaction decides.
mod assertion;
mod authenticator_data;
mod cbor;
mod client_data;
mod credential;
mod options;
mod party;
mod registration;
#[cfg(test)]
mod tests;

pub use assertion::{Asserted, OnRecord};
pub use credential::{Algorithm, Credential};
pub use options::{creation_options, request_options};
pub use party::RelyingParty;
pub use registration::{Created, NewPasskey};

/// The largest `clientDataJSON` that is read, in bytes. Browsers send a few hundred.
pub const CLIENT_DATA: usize = 4096;
/// The largest attestation object that is read, in bytes.
pub const ATTESTATION: usize = 16_384;
/// The largest authenticator data that is read, in bytes.
pub const AUTHENTICATOR_DATA: usize = 8192;
/// The largest signature that is read, in bytes; DER of ES256 has 72 at most.
pub const SIGNATURE: usize = 256;
/// The largest credential id, in bytes (section 4, Credential ID).
pub const CREDENTIAL_ID: usize = 1023;
/// The smallest: 100 bits of entropy are asked of authenticators (as above).
const SHORTEST_ID: usize = 16;
/// The largest user handle, in bytes (section 5.4.3).
pub const USER_HANDLE: usize = 64;

/// Why a ceremony was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// A part is larger than anything an authenticator sends.
    #[error("a part of the passkey's answer is too large")]
    TooLarge,
    /// The client data is not the JSON it should be.
    #[error("the client data can't be read")]
    ClientData,
    /// The answer is for another ceremony.
    #[error("the client data is of another kind of ceremony")]
    Type,
    /// The answer is to another challenge.
    #[error("the client data answers another challenge")]
    Challenge,
    /// The page was not ours.
    #[error("the passkey was used on another site")]
    Origin,
    /// The page was framed by another site.
    #[error("the passkey was used inside another site")]
    CrossOrigin,
    /// The authenticator data is not of its form.
    #[error("the authenticator data can't be read")]
    AuthenticatorData,
    /// The credential is for another relying party.
    #[error("the passkey is of another relying party")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("the authenticator saw nobody")]
    UserPresence,
    /// The authenticator did not ask for PIN or biometry.
    #[error("the authenticator did not verify its user")]
    UserVerification,
    /// It says that it is backed up although it can't be, or that it has become another kind of credential.
    #[error("the passkey's backup flags contradict each other")]
    Backup,
    /// There is no new credential in it, or its id is not the one that is named.
    #[error("the new credential is missing or named otherwise")]
    Credential,
    /// Neither ES256 nor Ed25519, or not what was asked for.
    #[error("the algorithm of the passkey is not accepted")]
    Algorithm,
    /// The public key is not of its form, or not on its curve.
    #[error("the public key of the passkey can't be used")]
    Key,
    /// The attestation statement is not of a format that is accepted unread, or contradicts itself.
    #[error("the attestation of the passkey is not accepted")]
    Attestation,
    /// The signature is another key's.
    #[error("the signature of the passkey is wrong")]
    Signature,
    /// The credential is of another account.
    #[error("the passkey is of another account")]
    UserHandle,
    /// The count of signatures did not grow: there may be a copy of the authenticator.
    #[error("the passkey's count of signatures went back")]
    Count,
}

/// The user handle of a principal: its tenant and its id. Says nothing about the person (section 14.6.1).
#[must_use]
pub fn user_handle(tenant: keepgate_kernel::TenantId, principal: keepgate_kernel::PrincipalId) -> Vec<u8> {
    [tenant.uuid().as_bytes().as_slice(), principal.uuid().as_bytes()].concat()
}
