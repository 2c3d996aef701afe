//! A log-in under way: what the browser holds, what the provider echoes, and what is on record. Sources: RFC 6749 section 10.12
//! (`state`), OpenID Connect Core 3.1.2.1 (`nonce`), RFC 7636 (PKCE), RFC 9700 section 4.7.
//!
//! The browser holds one secret, the ticket. Nonce and PKCE verifier follow from it, so the database keeps hashes and nothing that
//! would help whoever reads it.
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use keepgate_kernel::{PrincipalId, SessionId, TenantId, Timestamp};
use subtle::ConstantTimeEq;

use crate::{Issuer, NoRandomness, ProviderName, random};

/// How long somebody has to log in at the provider: 10 minutes.
pub const LOGIN_LIFE: Duration = Duration::from_mins(10);

/// What binds a log-in to one browser: 32 random bytes in its cookie.
#[derive(Clone)]
pub struct Ticket([u8; 32]);

/// A text that is no ticket or state of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a log-in of this service")]
pub struct BadTicket;

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, &parts.concat()).as_ref());
    out
}

impl Ticket {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random() -> Result<Self, NoRandomness> {
        random::bytes().map(Self)
    }

    /// As the cookie has it.
    ///
    /// # Errors
    /// [`BadTicket`].
    pub fn parse(text: &str) -> Result<Self, BadTicket> {
        secret(text).map(Self)
    }

    /// For the cookie; nowhere else.
    #[must_use]
    pub fn expose(&self) -> String {
        BASE64URL_NOPAD.encode(&self.0)
    }

    /// What is on record.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(&[b"kg sso binding v1", &self.0])
    }

    /// What the ID token must repeat.
    #[must_use]
    pub fn nonce(&self) -> String {
        BASE64URL_NOPAD.encode(&sha256(&[b"kg sso nonce v1", &self.0]))
    }

    /// Whether `nonce` is this ticket's, compared in constant time.
    #[must_use]
    pub fn is_nonce(&self, nonce: &str) -> bool {
        self.nonce().as_bytes().ct_eq(nonce.as_bytes()).into()
    }

    /// The PKCE verifier: 43 characters of the unreserved set.
    #[must_use]
    pub fn verifier(&self) -> String {
        BASE64URL_NOPAD.encode(&sha256(&[b"kg sso pkce v1", &self.0]))
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket(..)")
    }
}

/// What the provider echoes: the tenant, so that the log-in is found again, and 32 random bytes.
#[derive(Clone)]
pub struct State {
    tenant: TenantId,
    secret: [u8; 32],
}

impl State {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random(tenant: TenantId) -> Result<Self, NoRandomness> {
        let secret = random::bytes()?;
        Ok(Self { tenant, secret })
    }

    /// As the callback has it.
    ///
    /// # Errors
    /// [`BadTicket`].
    pub fn parse(text: &str) -> Result<Self, BadTicket> {
        let (tenant, rest) = text.split_once('.').ok_or(BadTicket)?;
        let tenant = tenant.parse().map_err(|_| BadTicket)?;
        Ok(Self {
            tenant,
            secret: secret(rest)?,
        })
    }

    /// For the authorisation request.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("{}.{}", self.tenant, BASE64URL_NOPAD.encode(&self.secret))
    }

    /// Whose log-in it is.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What is on record.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(&[b"kg sso state v1", &self.secret])
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

fn secret(text: &str) -> Result<[u8; 32], BadTicket> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| BadTicket)?;
    bytes.try_into().map_err(|_| BadTicket)
}

/// A log-in on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLogin {
    /// [`State::hash`].
    pub state: [u8; 32],
    /// [`Ticket::hash`].
    pub binding: [u8; 32],
    /// Through which provider.
    pub provider: ProviderName,
    /// Its issuer when the log-in began.
    pub issuer: Issuer,
    /// Until when; at most [`LOGIN_LIFE`] from the beginning.
    pub expires_at: Timestamp,
}

/// A wish on record to link an account: begins and comes back like a log-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLink {
    /// State, binding, provider, time.
    pub login: PendingLogin,
    /// Who wishes it.
    pub principal: PrincipalId,
    /// In which session.
    pub session: SessionId,
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linked {
    /// The account is linked.
    Done,
    /// The wish, or the session it was made in, is over.
    Gone,
    /// The person has no level, or one that no directory reaches.
    OutOfReach,
    /// The account is somebody else's, or the person has one already.
    Taken,
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::Uuid;

    use super::*;

    #[test]
    fn a_ticket_and_a_state_survive_their_text_forms() {
        let ticket = Ticket::random().unwrap();
        assert_eq!(Ticket::parse(&ticket.expose()).unwrap().hash(), ticket.hash());
        let state = State::random(TenantId::from_uuid(Uuid::from_u128(7))).unwrap();
        let again = State::parse(&state.expose()).unwrap();
        assert_eq!((again.tenant(), again.hash()), (state.tenant(), state.hash()));
        for bad in [
            "",
            "x",
            ".",
            "ten_00000000000000000000000000.",
            "ten_x.AAAA",
            &ticket.expose(),
        ] {
            assert!(State::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_follows_from_a_ticket_tells_nothing_of_it_and_differs() {
        let (one, other) = (Ticket::random().unwrap(), Ticket::random().unwrap());
        let verifier = one.verifier();
        assert_eq!(verifier.len(), 43, "RFC 7636 wants 43 to 128 characters");
        let all = [one.expose(), one.nonce(), verifier, BASE64URL_NOPAD.encode(&one.hash())];
        for (index, text) in all.iter().enumerate() {
            assert!(!all.iter().skip(index + 1).any(|next| next == text));
        }
        assert!(one.is_nonce(&one.nonce()) && !one.is_nonce(&other.nonce()) && !one.is_nonce(""));
        assert_eq!(format!("{one:?}"), "Ticket(..)");
    }
}
