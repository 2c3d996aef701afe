//! What stands between the first factor and the second.
use aws_lc_rs::digest;
use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use keepgate_kernel::{PrincipalId, SessionId, TenantId, Uuid};
use secrecy::{ExposeSecret, SecretString};

use crate::{Bucket, NoRandomness, random};

/// How long a challenge waits for its answer: five minutes.
pub const CHALLENGE_LIFE: TimeDelta = TimeDelta::minutes(5);
/// How many answers are looked at.
pub const TRIES: i16 = 5;

const PREFIX: &str = "kgm_";
const TENANT: usize = 16;
const SECRET: usize = 32;

/// A challenge as its holder shows it: `kgm_` and base64url of the tenant and 256 random bits. Only its SHA-256 is stored.
#[derive(Debug, Clone)]
pub struct MfaChallenge {
    tenant: TenantId,
    text: SecretString,
}

/// The SHA-256 of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChallengeHash([u8; 32]);

impl ChallengeHash {
    /// The bytes, as stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl MfaChallenge {
    /// A fresh one in `tenant`.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random(tenant: TenantId) -> Result<Self, NoRandomness> {
        let bytes = [tenant.uuid().as_bytes().as_slice(), &random::bytes::<SECRET>()?].concat();
        let text = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes)).into();
        Ok(Self { tenant, text })
    }

    /// Reads one; `None` for anything but the exact form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?;
        let (tenant, secret) = bytes.split_at_checked(TENANT)?;
        if secret.len() != SECRET {
            return None;
        }
        Some(Self {
            tenant: TenantId::from_uuid(Uuid::from_slice(tenant).ok()?),
            text: text.into(),
        })
    }

    /// The challenge of a passkey ceremony, as browsers spell it: the same without its prefix.
    #[must_use]
    pub fn ceremony(&self) -> &str {
        self.expose().strip_prefix(PREFIX).unwrap_or_default()
    }

    /// Reads what a browser says was answered.
    #[must_use]
    pub fn of_ceremony(text: &str) -> Option<Self> {
        Self::parse(&format!("{PREFIX}{text}"))
    }

    /// The tenant it says it lives in; only that tenant's rows are asked.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The text, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> ChallengeHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, self.expose().as_bytes()).as_ref());
        ChallengeHash(hash)
    }
}

/// What an answer to a challenge leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A session, for a factor on record.
    Login,
    /// A session, for the first proof of a factor that was shown with the challenge.
    TotpEnrol,
    /// A new session in place of a live one.
    StepUp,
    /// A passkey on record.
    PasskeyEnrol,
}

impl Purpose {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::TotpEnrol => "totp-enrol",
            Self::StepUp => "step-up",
            Self::PasskeyEnrol => "passkey-enrol",
        }
    }

    /// The purpose that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Login, Self::TotpEnrol, Self::StepUp, Self::PasskeyEnrol]
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
    }
}

/// A challenge to be put on record.
#[derive(Debug, Clone)]
pub struct NewChallenge {
    /// Its hash.
    pub hash: ChallengeHash,
    /// Whose answer it waits for.
    pub principal: PrincipalId,
    /// The session that comes of it; for a step-up and a passkey, the one that asked.
    pub session: SessionId,
    /// The failures of the log-in, forgiven with the right answer and not before: else whoever knows a password could begin
    /// again after every five codes.
    pub bucket: Option<Bucket>,
    /// What it leads to.
    pub purpose: Purpose,
    /// What its owner calls the passkey that is to be added.
    pub state: Option<Vec<u8>>,
}

/// A challenge on record.
#[derive(Debug, Clone)]
pub struct ChallengeRecord {
    /// Whose.
    pub principal: PrincipalId,
    /// As in [`NewChallenge::session`].
    pub session: SessionId,
    /// As in [`NewChallenge::bucket`].
    pub bucket: Option<Bucket>,
    /// What it leads to.
    pub purpose: Purpose,
    /// As in [`NewChallenge::state`].
    pub state: Option<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_reads_back_and_names_its_tenant() {
        let tenant = TenantId::from_uuid(Uuid::from_u128(7));
        let (one, other) = (
            MfaChallenge::random(tenant).unwrap(),
            MfaChallenge::random(tenant).unwrap(),
        );
        let read = MfaChallenge::parse(one.expose()).unwrap();
        assert_eq!((read.tenant(), read.hash()), (tenant, one.hash()));
        assert_ne!(one.hash(), other.hash());
        let ceremony = MfaChallenge::of_ceremony(one.ceremony()).unwrap();
        assert_eq!((ceremony.hash(), one.ceremony().len()), (one.hash(), 64));
        assert!(!format!("{one:?}").contains(one.expose()));
    }

    #[test]
    fn anything_else_is_no_challenge() {
        let tenant = TenantId::from_uuid(Uuid::from_u128(7));
        let good = MfaChallenge::random(tenant).unwrap();
        for text in [
            "",
            "kgm_",
            "kgm_AAAA",
            &good.expose()[4..],
            &good.expose()[..60],
            &format!("{}A", good.expose()),
        ] {
            assert!(MfaChallenge::parse(text).is_none(), "{text}");
        }
    }
}
