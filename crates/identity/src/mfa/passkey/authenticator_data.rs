//! What the authenticator says and signs (section 6.1).
use ciborium::Value;

use super::{AUTHENTICATOR_DATA, CREDENTIAL_ID, Credential, PasskeyError, RelyingParty, SHORTEST_ID, cbor};

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// Authenticator data, taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct AuthenticatorData<'a> {
    party_hash: &'a [u8],
    flags: u8,
    /// Signatures so far; zero where nobody counts.
    pub(super) count: u32,
    attested: Option<Attested<'a>>,
}

/// A new credential (section 6.5.1).
#[derive(Debug, PartialEq)]
pub(super) struct Attested<'a> {
    pub(super) id: &'a [u8],
    pub(super) key: Credential,
}

impl<'a> AuthenticatorData<'a> {
    /// Takes it apart to the last byte.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, PasskeyError> {
        if bytes.len() > AUTHENTICATOR_DATA {
            return Err(PasskeyError::TooLarge);
        }
        let broken = PasskeyError::AuthenticatorData;
        let (party_hash, rest) = bytes.split_at_checked(32).ok_or(broken)?;
        let ([flags], rest) = rest.split_first_chunk::<1>().ok_or(broken)?;
        let (count, rest) = rest.split_first_chunk::<4>().ok_or(broken)?;
        let (attested, rest) = if flags & ATTESTED == 0 {
            (None, rest)
        } else {
            let (attested, rest) = attested(rest, flags & ELIGIBLE != 0)?;
            (Some(attested), rest)
        };
        let rest = if flags & EXTENSIONS == 0 {
            rest
        } else {
            // Outputs of extensions nobody asked for: read over, believed in nothing.
            let (outputs, rest) = cbor::first(rest).ok_or(broken)?;
            outputs.is_map().then_some(rest).ok_or(broken)?
        };
        if !rest.is_empty() {
            return Err(broken);
        }
        Ok(Self {
            party_hash,
            flags: *flags,
            count: u32::from_be_bytes(*count),
            attested,
        })
    }

    /// Whether this is for us, and somebody was there and was verified.
    pub(super) fn check(&self, party: &RelyingParty) -> Result<(), PasskeyError> {
        party.check_hash(self.party_hash)?;
        if self.flags & PRESENT == 0 {
            return Err(PasskeyError::UserPresence);
        }
        if self.flags & VERIFIED == 0 {
            return Err(PasskeyError::UserVerification);
        }
        if self.flags & BACKED_UP != 0 && !self.is_backup_eligible() {
            return Err(PasskeyError::Backup);
        }
        Ok(())
    }

    /// Whether the credential may be on several devices. Never changes.
    pub(super) const fn is_backup_eligible(&self) -> bool {
        self.flags & ELIGIBLE != 0
    }

    /// The new credential.
    pub(super) fn into_attested(self) -> Result<Attested<'a>, PasskeyError> {
        self.attested.ok_or(PasskeyError::Credential)
    }
}

fn attested(bytes: &[u8], eligible: bool) -> Result<(Attested<'_>, &[u8]), PasskeyError> {
    let broken = PasskeyError::AuthenticatorData;
    let (_aaguid, rest) = bytes.split_at_checked(16).ok_or(broken)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(broken)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if !(SHORTEST_ID..=CREDENTIAL_ID).contains(&length) {
        return Err(PasskeyError::Credential);
    }
    let (id, rest) = rest.split_at_checked(length).ok_or(broken)?;
    let (key, rest): (Value, _) = cbor::first(rest).ok_or(broken)?;
    let key = Credential::from_cose(key, eligible)?;
    Ok((Attested { id, key }, rest))
}
